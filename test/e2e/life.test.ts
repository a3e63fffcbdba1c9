/** The life of a daemon: it comes, goes, dies, comes back; its peer and its link do. No packet number is ever used twice. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import { daemonPath, EXAMPLE_KEYS, type Site, tunnelFile } from '../../lab/site.ts';
import { labOfTests, pingOnce, pingUntil, suite } from './support.ts';

/** The packet numbers that one router sent, in the order of the wire. */
function packetNumbers(packets: readonly GrePacket[], src: string): number[] {
  return packets.flatMap((packet) => (packet.src === src && packet.secTag ? [packet.secTag.pn] : []));
}

function expectNoReuse(numbers: readonly number[]): void {
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
}

suite('a daemon that is stopped', {}, () => {
  const lab = labOfTests({ prefix: 'stop' });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: exits 0 and takes TAP and control socket with it',
    async (signal) => {
      lab.explainFailure();
      const site = lab.site(1);
      await site.start();
      expect((await lab.topology.nsra.run(['ip', 'link', 'show', 'macsec1'])).code).toBe(0);
      expect(existsSync(site.controlSocket)).toBe(true);
      expect(await site.stop(signal)).toEqual({ code: 0, signal: null });
      expect((await lab.topology.nsra.run(['ip', 'link', 'show', 'macsec1'])).code).not.toBe(0);
      expect(existsSync(site.controlSocket)).toBe(false);
      expect(site.logs().at(-1)?.msg).toBe('stopped');
    },
  );

  it('with many tunnels takes all their interfaces with it, and no other', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const tunnels = Array.from({ length: 20 }, (_, i) => ({
      ...tunnelFile(lab.topology, 1, {
        name: `t${i}`,
        tap: { ifname: `tap${i}`, mac: null, bridge: null },
        gre: { encap: 'udp', port: 6000 + i },
        macsec: null,
      }),
    }));
    const site = lab.siteOf(1, { tunnels });
    await nsra.run(['ip', 'tuntap', 'add', 'foreign', 'mode', 'tap', 'group', '0']);
    await site.start();
    const taps = async () => {
      const { stdout } = await nsra.run(['ip', '-j', 'link', 'show', 'type', 'tun']);
      return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
    };
    expect(await taps()).toHaveLength(21);
    expect(await site.stop()).toEqual({ code: 0, signal: null });
    expect(await taps()).toEqual(['foreign']);
    await nsra.run(['ip', 'link', 'delete', 'foreign']);
  });

  it('goes on where it had stopped, past at most the numbers that its lanes had taken ahead', async () => {
    lab.explainFailure();
    const [site1] = await lab.bothSites();
    const packets = await lab.watchWan(async () => {
      await pingUntil(lab.topology.host1, '192.168.1.2');
      await site1.stop();
      await site1.start();
      await pingUntil(lab.topology.host1, '192.168.1.2');
    });
    const numbers = packetNumbers(packets, '1.1.1.1');
    expect(numbers.length).toBeGreaterThanOrEqual(3);
    expectNoReuse(numbers);
    expect(numbers.at(-1)).toBeLessThan(1024);
  });

  it('ends in time under load', async () => {
    lab.explainFailure();
    const [site1, site2] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const flood = lab.topology.host1.start(['ping', '-f', '-s', '1000', '-w', '5', '192.168.1.2']);
    await site1.countersWhen((now) => (now.OutPktsEncrypted ?? 0) > 200);
    const since = Date.now();
    expect(await Promise.all([site1.stop(), site2.stop()])).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(Date.now() - since).toBeLessThan(3000);
    await flood.stop('SIGKILL');
  });
});

suite('a service manager that cannot be reached', {}, () => {
  const lab = labOfTests({ prefix: 'notify' });

  it('ends neither the start, nor a reload, nor the daemon', async () => {
    lab.explainFailure();
    const site = lab.site(1);
    await site.prepare();
    const gone = `NOTIFY_SOCKET=${join(site.dir, 'gone')}`;
    const argv = ['env', gone, process.execPath, daemonPath(), EXAMPLE_KEYS, '--config', site.configPath];
    const daemon = lab.topology.nsra.start(argv);
    await daemon.waitFor(/"msg":"the service manager cannot be told READY=1: .*No such file/);
    for (let round = 0; round < 2; round++) {
      const from = daemon.lines.length;
      process.kill(daemon.pid, 'SIGHUP');
      await daemon.waitFor(/cannot be told RELOADING=1/, 10_000, from);
      await daemon.waitFor(/"msg":"reloaded"/, 10_000, from);
      await daemon.waitFor(/cannot be told READY=1/, 10_000, from);
    }
    expect(await site.control('/v1/tunnels')).toHaveLength(1);
    expect(await daemon.stop('SIGTERM', 10_000)).toEqual({ code: 0, signal: null });
    expect(daemon.lines.at(-1)).toContain('"msg":"stopped"');
  });
});

suite('a daemon that is killed', {}, () => {
  const lab = labOfTests({ prefix: 'kill' });

  it.each([1, 2] as const)('site %i: comes back, and never repeats a packet number', async (side) => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    const site = sites[side - 1] as Site;
    const packets = await lab.watchWan(async () => {
      for (let round = 0; round < 3; round++) {
        await pingUntil(lab.topology.host1, '192.168.1.2');
        await site.kill9();
        await site.start();
      }
      await pingUntil(lab.topology.host1, '192.168.1.2');
    });
    const addresses = [lab.topology.site1.underlay, lab.topology.site2.underlay];
    for (const address of addresses) expectNoReuse(packetNumbers(packets, address));
    // It does not know how far it had come, so it begins past everything that it had been granted.
    const numbers = packetNumbers(packets, addresses[side - 1] ?? '');
    expect(numbers.filter((pn, i) => i > 0 && pn > (numbers[i - 1] ?? 0) + 1)).toHaveLength(3);
  });

  it('under load, never repeats a packet number', async () => {
    lab.explainFailure();
    const [site1] = await lab.bothSites();
    const packets = await lab.watchWan(async () => {
      for (let round = 0; round < 2; round++) {
        await pingUntil(lab.topology.host1, '192.168.1.2');
        const sent = (await site1.counters()).OutPktsEncrypted ?? 0;
        const flood = lab.topology.host1.start(['ping', '-f', '-w', '5', '192.168.1.2']);
        await site1.countersWhen((now) => (now.OutPktsEncrypted ?? 0) > sent + 1000);
        await site1.kill9();
        await flood.stop('SIGKILL');
        await site1.start();
      }
      await pingUntil(lab.topology.host1, '192.168.1.2');
    });
    const numbers = packetNumbers(packets, '1.1.1.1');
    expect(numbers.length).toBeGreaterThan(2000);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('does not accept after its restart what it had accepted before', async () => {
    lab.explainFailure();
    const [, site2] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    // The receiver's lowest PN is stored about once a second.
    const until = Date.now() + 5000;
    while (!(await storedReceivePn(site2)) && Date.now() < until)
      await pingOnce(lab.topology.host1, '192.168.1.2');
    const stored = await storedReceivePn(site2);
    expect(stored).toBeGreaterThan(0);
    await site2.kill9();
    await site2.start();
    const tunnels = (await site2.control('/v1/tunnels')) as {
      macsec: { rx_sc: { sa_list: { pn: number }[] }[] };
    }[];
    expect(tunnels[0]?.macsec.rx_sc[0]?.sa_list[0]?.pn).toBeGreaterThanOrEqual(
      stored ?? Number.POSITIVE_INFINITY,
    );
  });
});

/** The lowest acceptable PN in a site's state directory, if it has been stored. */
async function storedReceivePn(site: Site): Promise<number | undefined> {
  const name = (await readdir(site.stateDir)).find((file) => file.endsWith('.rx.json'));
  if (name === undefined) return undefined;
  return (JSON.parse(await readFile(join(site.stateDir, name), 'utf8')) as { pn: number }).pn;
}

suite('a peer', {}, () => {
  const lab = labOfTests({ prefix: 'peer' });

  it('may be absent, come late, go and come back: the daemon at the other end just goes on', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const [site1, site2] = [lab.site(1), lab.site(2)];
    await site1.start();
    // The peer's kernel answers with ICMP protocol unreachable, which a raw socket hears as an error.
    expect(await pingOnce(host1, '192.168.1.2')).toBe(false);
    await site2.start();
    await pingUntil(host1, '192.168.1.2');
    await site2.stop();
    expect(await pingOnce(host1, '192.168.1.2')).toBe(false);
    await site2.start();
    await pingUntil(host1, '192.168.1.2');
    expect(site1.exit).toBeUndefined();
  });
});

suite('the underlay link', {}, () => {
  const lab = labOfTests({ prefix: 'link' });

  it('may lose its carrier and find it again', async () => {
    lab.explainFailure();
    const { host1, wan } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    await wan.ip('link set wan1 down\n');
    expect(await pingOnce(host1, '192.168.1.2')).toBe(false);
    await wan.ip('link set wan1 up\n');
    await pingUntil(host1, '192.168.1.2');
    expect(site1.exit).toBeUndefined();
  });

  it('may be taken down with its routes, and be set up again; drops in between are counted', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    await nsra.ip('link set vra down\n');
    expect(await pingOnce(host1, '192.168.1.2')).toBe(false);
    const counters = await site1.counters();
    expect((counters.WireUnreachable ?? 0) + (counters.WireError ?? 0)).toBeGreaterThan(0);
    await nsra.ip('link set vra up\nroute add default via 1.1.1.254\n');
    await pingUntil(host1, '192.168.1.2');
    expect(site1.exit).toBeUndefined();
  });
});
