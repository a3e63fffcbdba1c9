/**
 * The TAP as a port of its bridge: settings that come back with a bridge that was made anew and change by reload, what a
 * kernel refuses, BPDUs and LLDP through the tunnel, and STP that cuts a loop of two tunnels.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Capture } from '../../lab/capture.ts';
import type { Site, SiteFile } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { broadcast, countIn, filesOfHowTo, live, MeshLab } from './how-to.ts';
import { pingUntil, Sender, suite } from './support.ts';

suite('the TAP as a port of its bridge', { programs: ['ping'], python: true }, () => {
  const lab = new MeshLab('port', 2);
  let dir = '';
  let captures = 0;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-port-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  type Tap = Record<string, unknown>;

  /** Sites 1 and 2 of the mesh with the tunnels between them: each has one, or `taps` of them on ports of their own. */
  async function pair(...taps: Tap[]): Promise<[string, SiteFile][]> {
    const files = await filesOfHowTo('full-mesh');
    return ['site1', 'site2'].map((name, i) => {
      const [tunnel] = files.get(name)!.tunnels;
      const tunnels = taps.map((tap, n) => {
        const mac = `02:00:00:00:0${i + 1}:${n}0`;
        return {
          ...tunnel!,
          name: `t${n}`,
          tap: { ifname: `tap${n}`, mac, bridge: 'br0', ...tap },
          gre: { ...tunnel!.gre, port: 4754 + n },
          macsec: { mka: { ckn: `0${n}12`, cakFile: `cak-${n}.cak` } },
        };
      });
      return [name, { tunnels }];
    });
  }

  interface Port {
    state: string;
    isolated: boolean;
    cost: number;
    priority: number;
  }

  /** As the kernel says, by a program that is not ours. */
  async function portOf(router: Namespace, link = 'tap0'): Promise<Port> {
    const [port] = JSON.parse(await router.must(['ip', '-d', '-j', 'link', 'show', link]));
    const { state, isolated, cost, priority } = port.linkinfo.info_slave_data;
    return { state, isolated, cost, priority };
  }

  async function setBridge(option: string): Promise<void> {
    for (const n of [1, 2]) await lab.router(n).ip(`link set br0 type bridge ${option}\n`);
  }

  /** Sends it from host 1; how often host 2 sees it. Frames that are sent behind it have arrived then. */
  async function passes(frame: Buffer, text: string): Promise<number> {
    const capture = await Capture.start(lab.host(2), 'eth0', join(dir, `${captures++}.pcap`), 'not ip');
    const sender = await Sender.link(lab.host(1), 'eth0');
    await sender.send(frame, broadcast(`behind ${text}`));
    while ((await countIn(capture.path, `behind ${text}`)) === 0)
      await new Promise((resolve) => setImmediate(resolve));
    await sender.close();
    await capture.stop();
    return countIn(capture.path, `of ${text}`);
  }

  /** A frame to the group address 01:80:c2:00:00:0`last`. */
  function toGroup(last: number, text: string): Buffer {
    const frame = broadcast(`of ${text}`);
    Buffer.from([1, 0x80, 0xc2, 0, 0, last]).copy(frame);
    return frame;
  }

  it('is set when it joins, when it joins a bridge that was made anew, and by a reload', async () => {
    const tap = { isolated: true, stp: { cost: 7, priority: 3 } };
    // Site 2 has its port as the kernel makes it.
    const files = [(await pair(tap))[0]!, (await pair({}))[1]!];
    const [site1] = (await lab.start(files)) as [Site, Site];
    const router = lab.router(1);
    const unset = await portOf(lab.router(2));
    const set = { state: 'forwarding', isolated: true, cost: 7, priority: 3 };
    expect(await portOf(router)).toEqual(set);
    await router.ip('link del br0\nlink add br0 type bridge\nlink set lan0 master br0\nlink set br0 up\n');
    await site1.waitForLog(/TAP tap0 was in bridge br0 no more: joined again/);
    expect(await portOf(router)).toMatchObject({ isolated: true, cost: 7, priority: 3 });
    const { stdout } = await site1.command('show');
    expect(stdout).toMatch(/bridge br0: \w+, isolated on, cost 7, priority 3/);
    const [[, file]] = (await pair({})) as [[string, SiteFile]];
    await site1.prepare({ ...file });
    const reloaded = await site1.command('reload');
    expect(reloaded).toMatchObject({ code: 0, stderr: '' });
    const { isolated, cost, priority } = unset;
    expect(await portOf(router)).toMatchObject({ isolated, cost, priority });
  });

  it('a TAP that somebody takes out stays out, which is told, until a reload', async () => {
    const [site1] = (await lab.start(await pair({ isolated: true }))) as [Site, Site];
    const router = lab.router(1);
    await router.ip('link set tap0 nomaster\n');
    await site1.waitForLog(/TAP tap0 was taken out of bridge br0 by somebody: it stays out until/);
    // Two more looks: what would join it again has had its time when the local address is missed and back.
    const from = site1.output().split('\n').length;
    await router.ip('address del 1.1.1.1/24 dev up0\n');
    await site1.waitForLog(/local address 1\.1\.1\.1 is gone/, 10_000, from);
    await router.ip('address add 1.1.1.1/24 dev up0\nroute replace default via 1.1.1.254\n');
    await site1.waitForLog(/local address 1\.1\.1\.1 is back/, 10_000, from);
    expect(await router.must(['ip', 'link', 'show', 'tap0'])).not.toContain('master');
    expect((await site1.command('show')).stdout).toContain('bridge br0: taken out by somebody');
    expect(site1.output().match(/was taken out/g)).toHaveLength(1);
    await site1.command('reload');
    await site1.waitForLog(/TAP tap0 was in bridge br0 no more: joined again/);
    expect(await portOf(router)).toMatchObject({ isolated: true });
  });

  it('a kernel without VLAN filtering is named, at the start and at a reload, and all stays as it was', async () => {
    const router = lab.router(1);
    const has = await router.run(['ip', 'link', 'set', 'br0', 'type', 'bridge', 'vlan_filtering', '0']);
    if (has.code === 0) {
      process.stdout.write('this kernel filters VLANs: its refusal is not tested\n');
      return;
    }
    const [[, file]] = (await pair({ vlans: [10] })) as [[string, SiteFile]];
    const [site1] = (await lab.start(await pair({}))) as [Site, Site];
    await site1.prepare({ ...file });
    const refusal =
      /tunnels\[0\]\.tap\.vlans: this kernel has no VLAN filtering of bridges \(CONFIG_BRIDGE_VLAN_FILTERING\)/;
    const reload = await site1.command('reload');
    expect(reload.stderr).toMatch(refusal);
    expect(reload.code).toBe(69);
    await pingUntil(lab.host(1), '192.168.1.2', 20_000);
    await site1.stop();
    const start = await site1.startToFail();
    expect([start.code, start.stdout + start.stderr]).toEqual([69, expect.stringMatching(refusal)]);
  });

  it('BPDUs pass where the bridges have no STP; LLDP where they forward it; pause frames end at the bridge', async () => {
    const sites = await lab.start(await pair({}));
    await Promise.all(sites.map(live));
    await pingUntil(lab.host(1), '192.168.1.2', 20_000);
    expect(await passes(toGroup(0, 'a BPDU'), 'a BPDU')).toBe(1);
    expect(await passes(toGroup(0xe, 'LLDP, not forwarded'), 'LLDP, not forwarded')).toBe(0);
    await setBridge('group_fwd_mask 0x4000');
    expect(await passes(toGroup(0xe, 'LLDP'), 'LLDP')).toBe(1);
    expect(await passes(toGroup(1, 'a pause'), 'a pause')).toBe(0);
    await setBridge('group_fwd_mask 0');
  });

  it('BPDUs and LLDP pass from TAP to TAP where there is no bridge', async () => {
    const bare = (await pair({})).map(([name, file]): [string, SiteFile] => {
      for (const { tap } of file.tunnels) delete tap.bridge;
      return [name, file];
    });
    const sites = await lab.start(bare);
    await Promise.all(sites.map(live));
    const capture = await Capture.start(lab.router(2), 'tap0', join(dir, `${captures++}.pcap`), 'not ip');
    const sender = await Sender.link(lab.router(1), 'tap0');
    const groups = [0, 1, 2, 3, 0xe];
    for (const group of groups) await sender.send(toGroup(group, `group ${group}.`));
    await sender.send(broadcast('the last'));
    while ((await countIn(capture.path, 'the last')) === 0)
      await new Promise((resolve) => setImmediate(resolve));
    await sender.close();
    await capture.stop();
    for (const group of groups) expect(await countIn(capture.path, `group ${group}.`)).toBe(1);
  });

  it('STP of both bridges cuts the loop of two tunnels, at the port of the higher cost', async () => {
    await setBridge('stp_state 1');
    try {
      const files = await pair({ stp: { cost: 10 } }, { stp: { cost: 20 } });
      const sites = await lab.start(files);
      await Promise.all(sites.map(live));
      const states = async (): Promise<string[]> => {
        const all: string[] = [];
        for (const n of [1, 2])
          for (const link of ['tap0', 'tap1']) all.push((await portOf(lab.router(n), link)).state);
        return all;
      };
      const isCut = (all: string[]): boolean =>
        all.filter((state) => state === 'blocking').length === 1 &&
        all.filter((state) => state === 'forwarding').length === 3;
      let now = await states();
      for (const end = Date.now() + 40_000; !isCut(now); now = await states())
        if (Date.now() > end) throw new Error(`not cut: ${now.join()}`);
      expect([now[0], now[2]]).toEqual(['forwarding', 'forwarding']);
      await pingUntil(lab.host(1), '192.168.1.2', 20_000);
      expect(await passes(broadcast('of one way'), 'one way')).toBe(1);
    } finally {
      await setBridge('stp_state 0');
    }
  });
});
