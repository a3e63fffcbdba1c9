/**
 * Two tunnels between two routers, and what Linux has for a link that dies: routes, bonding, spanning tree, keepalived. Each
 * tunnel has a daemon of its own at either end, so that one can die alone. How long traffic stands still is printed, for
 * docs/how-to/failover.md; it is not what is asserted.
 */
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { MKA } from './mka-kit.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const [HELLO_MS, LIFE_MS] = [250, 1000];
/** A ping that came back, and when. */
const REPLY = /^\[(\d+\.\d+)\].*bytes from/;
const UP = /"msg":"carrier up: the peer is there"/;
const DOWN = /"msg":"carrier down: /;

suite('two tunnels, of which one dies', { programs: ['ping', 'nft'] }, () => {
  const lab = labOfTests({ prefix: 'fov' });
  const MACS = [
    ['00:00:00:11:11:0a', '00:00:00:11:11:0b'],
    ['00:00:00:22:22:0a', '00:00:00:22:22:0b'],
  ] as const;
  const routers = (): [Namespace, Namespace] => [lab.topology.nsra, lab.topology.nsrb];

  /** Tunnel 0 over GRE, tunnel 1 over UDP: a filter on the WAN can cut either. */
  function site(side: 1 | 2, tunnel: 0 | 1, bridge: string | null): Site {
    const lifetimes = { helloMs: HELLO_MS, lifeMs: LIFE_MS };
    return lab.site(side, {
      name: `t${tunnel}`,
      tap: {
        ...{ ifname: `tap${tunnel}`, mac: MACS[side - 1]![tunnel], bridge },
        ...{ carrier: 'peer', carrierDelayMs: 500 },
      },
      gre: tunnel === 0 ? {} : { encap: 'udp' },
      macsec: { mka: { ...MKA, ckn: `6c3${tunnel}`, ...lifetimes } },
    });
  }

  /** The four daemons, of tunnel 0 first. */
  async function running(bridge: string | null): Promise<[Site, Site, Site, Site]> {
    const sites: [Site, Site, Site, Site] = [
      ...([site(1, 0, bridge), site(2, 0, bridge)] as const),
      ...([site(1, 1, bridge), site(2, 1, bridge)] as const),
    ];
    await Promise.all(sites.map((one) => one.start(20_000)));
    await Promise.all(sites.map((one) => one.waitForLog(UP, 20_000)));
    return sites;
  }

  const cut = (protocol: string): Promise<string> =>
    lab.topology.wan.must(['nft', '-f', '-'], {
      input: `
        add table ip cut
        add chain ip cut forward { type filter hook forward priority 0; }
        add rule ip cut forward ${protocol} drop
      `,
    });
  const mend = (): Promise<string> => lab.topology.wan.must(['nft', 'delete', 'table', 'ip', 'cut']);

  /** Pings while tunnel 0 dies by `kill`; returns how long traffic stood still. */
  async function outage(
    from: Namespace,
    target: string,
    what: string,
    kill: () => Promise<unknown>,
  ): Promise<void> {
    const pings = from.start(['ping', '-n', '-D', '-i', '0.01', target]);
    await pings.waitFor(REPLY, 20_000);
    await kill();
    await pings.waitFor(REPLY, 60_000, pings.lines.length);
    await pings.stop('SIGINT');
    const timesMs = pings.lines.flatMap((line) => {
      const [, seconds] = REPLY.exec(line) ?? [];
      return seconds === undefined ? [] : [Number(seconds) * 1000];
    });
    const gaps = timesMs.slice(1).map((timeMs, i) => timeMs - timesMs[i]!);
    const longestMs = Math.round(Math.max(...gaps));
    console.log(`${what}: traffic stood still for ${longestMs} ms (lifeMs ${LIFE_MS})`);
  }

  it('routes: the next one takes over when the TAP of the first has no carrier', async () => {
    lab.explainFailure();
    const [site1, site2] = await running(null);
    for (const [i, router] of routers().entries()) {
      const [own, peer] = [i + 1, 2 - i];
      await router.must(['sysctl', '-qw', 'net.ipv4.conf.all.ignore_routes_with_linkdown=1']);
      await router.ip(`
        address add 10.0.0.${own}/24 dev tap0
        address add 10.0.1.${own}/24 dev tap1
        address add 10.9.9.${own}/32 dev lo
        route add 10.9.9.${peer}/32 via 10.0.0.${peer} dev tap0 metric 10 src 10.9.9.${own}
        route add 10.9.9.${peer}/32 via 10.0.1.${peer} dev tap1 metric 20 src 10.9.9.${own}
      `);
    }
    const [nsra] = routers();
    const isOver = async (tap: string): Promise<boolean> =>
      (await nsra.must(['ip', 'route', 'get', '10.9.9.2'])).includes(`dev ${tap}`);
    expect(await isOver('tap0')).toBe(true);
    await outage(nsra, '10.9.9.2', 'routes, path cut', async () => {
      await cut('ip protocol gre');
      await Promise.all([site1, site2].map((one) => one.waitForLog(DOWN)));
    });
    expect(await isOver('tap1')).toBe(true);
    const from = site1.output().split('\n').length;
    await mend();
    await site1.waitForLog(UP, 20_000, from);
    await expect.poll(() => isOver('tap0'), { timeout: 10_000 }).toBe(true);
    await pingUntil(nsra, '10.9.9.2');
    await outage(nsra, '10.9.9.2', 'routes, peer killed', async () => {
      await site2.kill9();
      await site1.waitForLog(DOWN, 10_000, from);
    });
    expect(await isOver('tap1')).toBe(true);
  });

  it('bonding, active-backup by miimon: the backup takes over', async (context) => {
    lab.explainFailure();
    const bond = 'link add bond0 type bond mode active-backup miimon 100 updelay 200\n';
    const [nsra] = routers();
    if ((await nsra.run(['ip', '-batch', '-'], { input: bond })).code !== 0) {
      process.stdout.write('SKIPPED bonding: this kernel makes no bond (CONFIG_BONDING)\n');
      context.skip();
    }
    const [, nsrb] = routers();
    await nsrb.ip(bond);
    const [site1, site2] = await running(null);
    for (const [i, router] of routers().entries()) {
      for (const tap of ['tap0', 'tap1'])
        await router.ip(`link set ${tap} down\nlink set ${tap} master bond0\n`);
      await router.ip(`link set bond0 up\naddress add 10.8.8.${i + 1}/24 dev bond0\n`);
      await router.must(['sh', '-c', 'echo tap0 >/sys/class/net/bond0/bonding/primary']);
    }
    await pingUntil(nsra, '10.8.8.2', 20_000);
    await outage(nsra, '10.8.8.2', 'bonding, path cut', async () => {
      await cut('ip protocol gre');
      await Promise.all([site1, site2].map((one) => one.waitForLog(DOWN)));
    });
    expect(await nsra.must(['cat', '/sys/class/net/bond0/bonding/active_slave'])).toContain('tap1');
    await mend();
    for (const router of routers()) await router.ip('link del bond0\n');
  });

  it('a bridge loop under the kernel’s STP: the blocked tunnel takes over', async () => {
    lab.explainFailure();
    // The least that 802.1D allows; by default it takes 30 s.
    for (const router of routers())
      await router.ip('link set br0 type bridge stp_state 1 forward_delay 200 hello_time 100 max_age 600\n');
    const sites = await running('br0');
    const [nsra, nsrb] = routers();
    const { host1 } = lab.topology;
    const states = async (): Promise<string[]> => {
      const all = [];
      for (const router of [nsra, nsrb])
        for (const tap of ['tap0', 'tap1'])
          all.push(readPortState(await router.must(['bridge', '-d', '-j', 'link', 'show', 'dev', tap])));
      return all;
    };
    await expect.poll(states, { timeout: 40_000 }).toContain('blocking');
    await pingUntil(host1, '192.168.1.2', 40_000);
    await expect
      .poll(async () => (await states()).filter((state) => state === 'forwarding').length, {
        timeout: 40_000,
      })
      .toBe(3);
    const isTap0Used = (await states()).indexOf('blocking') % 2 === 1;
    await outage(host1, '192.168.1.2', 'kernel STP (forward_delay 2 s), path cut', async () => {
      await cut(isTap0Used ? 'ip protocol gre' : 'udp dport 4754');
      const dead = isTap0Used ? sites.slice(0, 2) : sites.slice(2);
      await Promise.all(dead.map((one) => one.waitForLog(DOWN)));
    });
    expect(await states()).toContain('disabled');
    await mend();
    await pingUntil(host1, '192.168.1.2', 40_000);
    for (const router of routers()) await router.ip('link set br0 type bridge stp_state 0\n');
  });
});

function readPortState(json: string): string {
  return (JSON.parse(json) as [{ state?: string }])[0].state ?? '';
}

suite('keepalived with the TAP in track_interface', { programs: ['keepalived'] }, () => {
  const lab = labOfTests({ prefix: 'vrr' });

  it('gives the address up when the peer dies, and takes it again when it is back', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const changes = {
      tap: { bridge: null, carrier: 'peer', carrierDelayMs: 500 },
      macsec: { mka: { ...MKA, helloMs: HELLO_MS, lifeMs: LIFE_MS } },
    };
    const [site1, site2] = await lab.bothSites(changes);
    await site1.waitForLog(UP);
    await nsra.ip('address add 192.168.1.251/24 dev br0\n');
    const [conf, log] = [lab.newFile('.conf'), lab.newFile('')];
    await writeFile(conf, KEEPALIVED);
    const pids = ['-p', `${log}.pid`, '-r', `${log}.vrrp`, '-c', `${log}.check`];
    const daemon = nsra.start(['keepalived', '-n', '-l', '-P', '-D', '-f', conf, ...pids]);
    await daemon.waitFor(/\(LAN\) entering MASTER state/i, 20_000);
    const hasAddress = async (): Promise<boolean> =>
      (await nsra.must(['ip', 'address', 'show', 'dev', 'br0'])).includes('192.168.1.254');
    await expect.poll(hasAddress, { timeout: 5000 }).toBe(true);
    const killedMs = Date.now();
    await site2.kill9();
    await daemon.waitFor(/\(LAN\) entering FAULT state/i);
    console.log(
      `keepalived: FAULT ${Date.now() - killedMs} ms after the peer was killed (lifeMs ${LIFE_MS})`,
    );
    await expect.poll(hasAddress, { timeout: 5000 }).toBe(false);
    const from = daemon.lines.length;
    await site2.start();
    await daemon.waitFor(/\(LAN\) entering MASTER state/i, 30_000, from);
    await daemon.stop('SIGTERM');
  });
});

/** As docs/how-to/failover.md has it. */
const KEEPALIVED = `
vrrp_instance LAN {
  state BACKUP
  interface br0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress { 192.168.1.254/24 }
  track_interface { macsec1 }
}
`;
