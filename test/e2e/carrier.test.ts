/**
 * `tap.carrier: "peer"`: the TAP has carrier while the peer is there, by key agreement and by a keepalive with static keys;
 * a peer that is killed, a path that is cut, a daemon that is stopped. And what else a keepalive is for: a hub that was
 * restarted finds its spoke.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { agreeing } from './mka-kit.ts';
import { endpointOf, masqueradeSite1, untilEndpoint } from './nat.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const CARRIER = { carrier: 'peer', carrierDelayMs: 300 };
const [HELLO_MS, LIFE_MS] = [250, 1500];
const AGREED = agreeing({ helloMs: HELLO_MS, lifeMs: LIFE_MS, peerLoss: 'drop' }, {}, { tap: CARRIER });
const STATIC: TunnelChanges = { tap: CARRIER, keepalive: { helloMs: HELLO_MS, lifeMs: LIFE_MS } };
const UP = /"msg":"carrier up: the peer is there"/;
const DOWN = /"msg":"carrier down: /;

async function hasCarrier(space: Namespace, ifname = 'macsec1'): Promise<boolean> {
  return !(await space.must(['ip', 'link', 'show', ifname])).includes('NO-CARRIER');
}

async function shown(site: Site): Promise<TunnelSnapshot> {
  const [tunnel] = (await site.control('/v1/tunnels')) as [TunnelSnapshot];
  return tunnel;
}

/** When the log had it, on the daemon's own clock. */
function timeOf(site: Site, text: RegExp): number {
  return Date.parse(String(site.logs().findLast(({ msg }) => text.test(msg))!.time));
}

suite('the carrier of a TAP follows the peer', { programs: ['ping', 'nft'] }, () => {
  const lab = labOfTests({ prefix: 'car' });
  const wanLink = (state: string): Promise<string> => lab.topology.wan.ip(`link set wan2 ${state}\n`);

  async function bothUp(changes: TunnelChanges): Promise<[Site, Site]> {
    const sites: [Site, Site] = [lab.site(1, changes), lab.site(2, changes)];
    await sites[0].start();
    expect(await hasCarrier(lab.topology.nsra)).toBe(false);
    expect((await shown(sites[0])).carrier).toMatchObject({ state: 'down' });
    await sites[1].start();
    for (const site of sites) await site.waitForLog(UP);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    return sites;
  }

  it.each([
    ['key agreement', AGREED, 'mka: no peer is live'],
    ['a keepalive', STATIC, `keepalive: the peer was not heard, or did not hear us, for ${LIFE_MS} ms`],
  ])('by %s: down when the peer is killed, up when it is back', async (_, changes, why) => {
    lab.explainFailure();
    const { nsra, nsrb, host1 } = lab.topology;
    const [site1, site2] = await bothUp(changes);
    expect(await hasCarrier(nsra)).toBe(true);
    expect(await hasCarrier(nsrb)).toBe(true);
    const killedMs = Date.now();
    await site2.kill9();
    await site1.waitForLog(DOWN);
    const outMs = timeOf(site1, /^carrier down/) - killedMs;
    console.log(`carrier down ${outMs} ms after the peer was killed (lifeMs ${LIFE_MS})`);
    expect(await hasCarrier(nsra)).toBe(false);
    expect((await shown(site1)).carrier).toMatchObject({ state: 'down', reason: why });
    const text = (await site1.command('show')).stdout;
    expect(text).toContain(`carrier down since `);
    expect(text).toContain(why);
    const from = site1.output().split('\n').length;
    await site2.start();
    await site1.waitForLog(UP, 10_000, from);
    await pingUntil(host1, '192.168.1.2');
  });

  it('by a keepalive: down at both ends when the path is cut, up when it is whole, and nothing else is needed', async () => {
    lab.explainFailure();
    const { nsra, nsrb, host1 } = lab.topology;
    const [site1, site2] = await bothUp(STATIC);
    await wanLink('down');
    for (const site of [site1, site2]) await site.waitForLog(DOWN);
    expect([await hasCarrier(nsra), await hasCarrier(nsrb)]).toEqual([false, false]);
    const from = [site1, site2].map((site) => site.output().split('\n').length);
    await wanLink('up');
    await Promise.all([site1, site2].map((site, i) => site.waitForLog(UP, 20_000, from[i])));
    await pingUntil(host1, '192.168.1.2');
  });

  it.each([
    ['key agreement', agreeing({ lifeMs: 60_000 }, {}, { tap: CARRIER })],
    ['a keepalive', { ...STATIC, keepalive: { helloMs: 10_000, lifeMs: 60_000 } }],
  ])('by %s: at once when the peer is stopped, which says so', async (_, changes) => {
    lab.explainFailure();
    const [site1, site2] = await bothUp(changes);
    await expect.poll(async () => (await shown(site1)).control_frames?.live_sci).not.toBeNull();
    await site2.stop();
    await site1.waitForLog(/carrier down: the peer says that it stops/);
  });

  it('by a keepalive: stays while keys are rotated, also when the old ones are gone', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const sites = await bothUp(STATIC);
    const pings = host1.start(['ping', '-n', '-i', '0.05', '192.168.1.2']);
    const keys = ['c1'.repeat(16), 'c2'.repeat(16)];
    for (const [i, site] of sites.entries()) {
      const files = [keys[i]!, keys[1 - i]!].map((key, n) => [join(site.dir, `new${n}`), key] as const);
      for (const [path, key] of files) await writeFile(path, `${key}\n`, { mode: 0o600 });
      const [[tx], [rx]] = files as [(typeof files)[0], (typeof files)[0]];
      const more = i === 0 ? [] : ['--now'];
      const args = ['--tx-key-file', tx, '--rx-key-file', rx, '--grace', '1', ...more];
      expect((await site.command('rotate', i === 0 ? 'site2' : 'site1', ...args)).stderr).toBe('');
    }
    const isDone = async (site: Site): Promise<boolean> => (await shown(site)).rotation?.state === 'done';
    for (const site of sites) await expect.poll(() => isDone(site), { timeout: 20_000 }).toBe(true);
    const before = await Promise.all(
      sites.map(async (site) => (await shown(site)).control_frames!.frames_in),
    );
    for (const [i, site] of sites.entries()) {
      await expect
        .poll(async () => (await shown(site)).control_frames!.frames_in, { timeout: 10_000 })
        .toBeGreaterThan(before[i]! + 8);
      expect(site.output()).not.toMatch(/carrier down|keepalive: peer lost/);
      expect((await shown(site)).control_frames!.refused).toEqual({});
    }
    await pings.stop('SIGINT');
  });

  it('by default the TAP always has it', async () => {
    lab.explainFailure();
    const site1 = lab.site(1);
    await site1.start();
    expect(await hasCarrier(lab.topology.nsra)).toBe(true);
    expect((await shown(site1)).carrier).toBeNull();
  });
});

suite('a keepalive between static keys', { programs: ['nft'] }, () => {
  const lab = labOfTests({ prefix: 'kal' });

  it('lets a hub that has lost its state find its spoke behind a NAT, and follow it, without any traffic', async () => {
    lab.explainFailure();
    const { topology } = lab;
    await masqueradeSite1(topology, 41_001);
    const keepalive = { helloMs: HELLO_MS, lifeMs: LIFE_MS };
    const spoke = lab.site(1, { gre: { encap: 'udp' }, keepalive });
    const hub = lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' }, keepalive });
    await hub.start();
    expect(await endpointOf(hub)).toBeNull();
    await spoke.start();
    await untilEndpoint(hub, /^2\.2\.2\.254:41001$/);
    await masqueradeSite1(topology, 41_002);
    await untilEndpoint(hub, /^2\.2\.2\.254:41002$/);
    await hub.kill9();
    await hub.prepare({ stateDir: `${hub.dir}/other-state` });
    await hub.start();
    await untilEndpoint(hub, /^2\.2\.2\.254:41002$/);
    expect((await shown(hub)).control_frames?.live_sci).toBe('0000001111110001');
    expect((await shown(hub)).rx.frames_out).toBe(0);
  });
});
