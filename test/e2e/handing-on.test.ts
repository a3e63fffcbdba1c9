/** A new process takes the tunnels of a running one over: nothing is lost, and the peer notices nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import { startIperfServer } from '../../lab/iperf.ts';
import type { Background } from '../../lab/run.ts';
import { ServiceManager } from '../../lab/service-manager.ts';
import {
  daemonPath,
  EXAMPLE_KEYS,
  type LogLine,
  type Site,
  type TunnelChanges,
  tunnelFile,
} from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { agreed, agreedSites, agreeing, dataOf, expectNoPnTwice, underPings } from './mka-kit.ts';
import { knowEachOther, labOfTests, pingUntil, suite } from './support.ts';

const HOST2 = '192.168.1.2';
/** What the log says of a peer, a key or a TAP that is another than before. */
const NOTICED =
  /peer (lost|back|live|started anew|heard)|SAK|member identifier|carrier|tunnel (down|up again)|repeat|began/;

suite('a new process', { programs: ['iperf'], python: true }, () => {
  const lab = labOfTests({ prefix: 'hand' });

  /** Datagrams in trains would hide their packet numbers from the capture. */
  const oneByOne = async (): Promise<void> => {
    await lab.topology.nsra.ip('link set vra gso_max_segs 1\n');
    await lab.topology.nsrb.ip('link set vrb gso_max_segs 1\n');
  };

  const KINDS: [string, TunnelChanges][] = [
    ['static keys', {}],
    ['static keys over UDP, with a keepalive that the carrier follows', KEPT_ALIVE],
    ['key agreement', agreeing({}, {}, { tap: { carrier: 'peer' } })],
    ['key agreement over UDP', agreeing({}, { cipher: 'gcm-aes-256' }, { gre: { encap: 'udp' } })],
  ];
  it.for(KINDS)('takes over from a running one: %s', async ([, changes]) => {
    lab.explainFailure();
    const { host1, host2, nsra } = lab.topology;
    await oneByOne();
    const agrees = changes.macsec?.mka !== undefined;
    const packets = await lab.watchWan(async () => {
      const sites = agrees ? await agreedSites(lab, changes) : await lab.bothSites(changes);
      await pingUntil(host1, HOST2);
      await knowEachOther(lab.topology, true);
      const stream = await Stream.start(host1, host2);
      const [ifindex, ki] = [await portIndex(nsra), agrees ? await agreed(sites) : ''];
      const pids = sites.map(({ pid }) => pid);
      const from = sites.map((site) => site.logs().length);
      const before: LogLine[][] = [];
      const { lost } = await underPings(host1, HOST2, async () => {
        for (const site of sites) before.push(await site.takeOver());
        // What has waited comes in its order, the last of it before this.
        await pingUntil(host1, HOST2);
      });
      await stream.stop();
      expect(lost).toBe(0);
      expect(await portIndex(nsra)).toBe(ifindex);
      expect(sites.map(({ pid }) => pid)).not.toEqual(pids);
      if (agrees) expect(await agreed(sites)).toBe(ki);
      for (const [i, site] of sites.entries()) {
        const said = [...before[i]!.slice(from[i]), ...site.logs()].map(({ msg }) => msg);
        expect(said.filter((msg) => NOTICED.test(msg))).toEqual([]);
      }
      await pingUntil(host1, HOST2);
      // Stopped, it takes its TAP along: nobody else has it any more.
      await sites[0].stop();
      expect((await nsra.run(['ip', 'link', 'show', 'macsec1'])).code).not.toBe(0);
    });
    if (agrees) expectNoPnTwice(packets);
    else expectNoStaticPnTwice(packets);
  });

  it('takes several tunnels over, changes those that the file has otherwise, and ends those that it has no more', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const other = (n: number): object => ({
      ...tunnelFile(topology, 1, {
        name: `other${n}`,
        tap: { ifname: `other${n}`, mac: null, bridge: null },
      }),
      gre: { local: topology.site1.underlay, remote: `2.2.2.${10 + n}`, key: n },
      macsec: { mka: { ckn: `0${n}`, cak: `a${n}`.repeat(16) } },
    });
    const file = { tunnels: [tunnelFile(topology, 1), other(1), other(2), other(3)] };
    const site = lab.siteOf(1, file as never);
    const peer = lab.site(2);
    await Promise.all([site.start(), peer.start()]);
    await pingUntil(topology.host1, HOST2);
    const index = await portIndex(topology.nsra);
    const changed = { tunnels: [...file.tunnels.slice(0, 2), other(4)] } as { tunnels: { gre: object }[] };
    changed.tunnels[0]!.gre = { ...changed.tunnels[0]!.gre, ttl: 33 };
    await site.prepare(changed);
    await site.takeOver();
    const tunnels = (await site.control('/v1/tunnels')) as TunnelSnapshot[];
    expect(tunnels.map(({ name }) => name)).toEqual(['site2', 'other1', 'other4']);
    expect(await portIndex(topology.nsra)).toBe(index);
    const links = await topology.nsra.must(['ip', '-br', 'link']);
    expect(links).toMatch(/^other4 /m);
    expect(links).not.toMatch(/^other[23] /m);
    await pingUntil(topology.host1, HOST2);
    await site.takeOver();
    await pingUntil(topology.host1, HOST2);
  });

  it('that fails leaves the old one running, whenever it fails', { timeout: 60_000 }, async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const packets = await lab.watchWan(async () => {
      const [site] = await agreedSites(lab, agreeing());
      await pingUntil(host1, HOST2);
      await knowEachOther(lab.topology, true);
      const ki = await agreed([site]);
      const sound = await readFile(site.configPath);
      const { lost } = await underPings(host1, HOST2, async () => {
        await writeFile(site.configPath, '{ "tunnels": [] }');
        await refused(site, /tunnels/);
        await writeFile(site.configPath, sound);
        // Killed while it has everything and nobody forwards.
        const entry = new URL('../../dist/test/e2e/take-over-child.js', import.meta.url).pathname;
        const taker = nsra.start([process.execPath, entry, site.controlSocket]);
        await taker.waitFor(/^taken 1/);
        await taker.stop('SIGKILL');
        await site.waitForLog(/not handed over, this process goes on: the new process has ended/);
        // What waited meanwhile is through.
        await pingUntil(host1, HOST2);
      });
      expect(lost).toBe(0);
      expect(await agreed([site])).toBe(ki);
      await site.takeOver();
      await pingUntil(host1, HOST2);
      expect(await agreed([site])).toBe(ki);
    });
    expectNoPnTwice(packets);
  });

  it('of another program on disk is started by a reload, and by one that fails nothing changes', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const program = lab.newFile('.mjs');
    const runs = `await import(${JSON.stringify(daemonPath())});\n`;
    await writeFile(program, runs);
    const peer = lab.site(2);
    const site = lab.siteOf(1, { tunnels: [tunnelFile(lab.topology, 1)] });
    await site.prepare();
    const manager = await serve(nsra, program, site);
    await peer.start();
    await pingUntil(host1, HOST2);
    await knowEachOther(lab.topology, true);
    const { lost } = await underPings(host1, HOST2, async () => {
      await writeFile(program, `throw new Error('a release that does not start');\n${runs}`);
      const failed = await site.command('reload');
      expect(failed.stderr).toMatch(/exit status 1\) instead of taking over/);
      expect(failed.code).toBe(69);
      await writeFile(program, `// A release that starts.\n${runs}`);
      const { code, stdout } = await site.command('reload');
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^upgraded: process \d+ runs the tunnels now$/m),
      ]);
      await pingUntil(host1, HOST2);
    });
    expect(lost).toBe(0);
    // The manager hears of the new process by the old one, and then from it.
    const from = manager.lines.findIndex((line) => line.startsWith('notify MAINPID='));
    expect(from).toBeGreaterThan(0);
    await manager.waitFor(/^notify READY=1/, from);
    expect(manager.lines.slice(from).filter((line) => line.includes('STOPPING'))).toEqual([]);
    await pingUntil(host1, HOST2);
    await manager.stop();
  });

  it('that systemd starts when the old one has ended goes on with what that has left', {
    timeout: 60_000,
  }, async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const changes = agreeing();
    const packets = await lab.watchWan(async () => {
      const peer = lab.site(2, changes);
      const site = lab.site(1, changes);
      await site.prepare();
      const manager = await serve(nsra, daemonPath(), site);
      await peer.start();
      await pingUntil(host1, HOST2);
      await knowEachOther(lab.topology, true);
      const ki = await agreed([peer]);
      const index = await portIndex(nsra);
      const { lost } = await underPings(host1, HOST2, async () => {
        expect(await manager.restart()).toBeGreaterThan(1);
        await pingUntil(host1, HOST2);
      });
      expect(lost).toBe(0);
      expect(await agreed([peer])).toBe(ki);
      expect(await portIndex(nsra)).toBe(index);
      expect(peer.logs().filter(({ msg }) => /peer (lost|started anew)/.test(msg))).toEqual([]);
      // What has been taken is taken once: a crash starts as any crash does.
      expect(await manager.restart('kill')).toBe(0);
      await agreed([peer], ki);
      await pingUntil(host1, HOST2);
      await manager.stop();
      expect((await nsra.run(['ip', 'link', 'show', 'macsec1'])).code).not.toBe(0);
    });
    expectNoPnTwice(packets);
  });
});

const KEPT_ALIVE: TunnelChanges = {
  ...{ gre: { encap: 'udp' }, tap: { carrier: 'peer' }, keepalive: { helloMs: 500, lifeMs: 3000 } },
};

/** A TCP connection that carries what it can until it is ended; `stop` throws where it has broken. */
class Stream {
  readonly #server: Background;
  readonly #client: Background;

  private constructor(server: Background, client: Background) {
    this.#server = server;
    this.#client = client;
  }

  static async start(from: Namespace, to: Namespace): Promise<Stream> {
    const server = await startIperfServer(to);
    const client = from.start(['stdbuf', '-oL', 'iperf', '-c', HOST2, '-t', '60', '-i', '1', '-b', '1M']);
    await server.waitFor(/connected with/);
    return new Stream(server, client);
  }

  async stop(): Promise<void> {
    await this.#client.stop('SIGINT');
    await this.#server.stop('SIGKILL');
    const said = [...this.#client.lines, ...this.#server.lines].join('\n');
    expect(said).not.toMatch(/reset|broken|refused|failed/i);
    expect(said.match(/connected with/g)).toHaveLength(2);
  }
}

function serve(space: Namespace, program: string, { configPath }: Site): Promise<ServiceManager> {
  return ServiceManager.start(space, 64, [process.execPath, program, EXAMPLE_KEYS, '--config', configPath]);
}

/** A process that is to take over ends by itself with a message that matches; the old one runs. */
async function refused(site: Site, why: RegExp): Promise<void> {
  const taker = site.startTakeOver();
  const { code } = await taker.ended;
  expect(code).not.toBe(0);
  expect(taker.lines.join('\n')).toMatch(why);
  expect(site.exit).toBeUndefined();
}

/** The TAP, as a port of its bridge: another one would have another index. */
async function portIndex(space: Namespace, ifname = 'macsec1'): Promise<number> {
  const argv = ['ip', '-j', 'link', 'show', 'master', 'br0', 'dev', ifname];
  const [link] = JSON.parse(await space.must(argv)) as [{ ifindex: number }];
  return link.ifindex;
}

function expectNoStaticPnTwice(packets: readonly GrePacket[]): void {
  const nonces = dataOf(packets).map(({ secTag }) => `${secTag!.sci} ${secTag!.an} ${secTag!.pn}`);
  expect(nonces.length).toBeGreaterThan(100);
  expect(new Set(nonces).size).toBe(nonces.length);
}
