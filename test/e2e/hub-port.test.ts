/**
 * A hub with one UDP port for all its spokes, which are behind a NAT and may move: whose a packet is, is told by where it
 * comes from once that is known, before by what it says, and never believed before its ICV.
 */
import { readdir } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { ETHERTYPE_TEST, ethernet, gre, pattern, protect } from './frames.ts';
import {
  addressHub,
  endpointsOf,
  hubOf,
  hubReaches,
  hubTunnels,
  type Keys,
  keyOf,
  masquerade,
  sciOfSpoke,
  spokeOf,
  startHub,
  startSpoke,
  untilAnswered,
  untilAt,
} from './hub-kit.ts';
import { labOfTests, Sender, suite } from './support.ts';

const SPOKES = [1, 2, 3];
const CLEAR = ethernet('00:00:00:00:00:02', '00:00:00:00:00:01', ETHERTYPE_TEST, pattern(60));

suite('a hub with one UDP port', { programs: ['nft', 'ping'], python: true }, () => {
  const lab = labOfTests({ prefix: 'port' });

  /** The hub and its spokes, behind the NAT at these ports, all of them reached. */
  async function allUp(keys: Keys, ports: Record<number, number>) {
    await masquerade(lab.topology, ports);
    const hub = hubOf(lab, keys, SPOKES);
    const spokes = SPOKES.map((n) => spokeOf(lab, keys, n));
    await startHub(lab, hub, SPOKES);
    for (const [i, spoke] of spokes.entries()) await startSpoke(lab, spoke, SPOKES[i]!);
    for (const n of SPOKES) await untilAnswered(lab, n);
    for (const n of SPOKES) await untilAt(hub, n, ports[n]!);
    return { hub, spokes };
  }

  describe.each<Keys>(['static', 'mka'])('with %s keys', (keys) => {
    it('takes three spokes behind one NAT, and each again at another port', async () => {
      lab.explainFailure();
      const { hub } = await allUp(keys, { 1: 41_101, 2: 41_102, 3: 41_103 });
      for (const n of SPOKES) expect(await hubReaches(lab, n)).toBe(true);
      // One socket per tunnel and the door, all at one port.
      const sockets = await lab.topology.nsrb.must(['ss', '-Hnua', 'sport', '=', ':4754']);
      expect(sockets.trim().split('\n')).toHaveLength(4);
      for (const n of SPOKES) expect(sockets).toContain(`2.2.2.254:${41_100 + n}`);

      await hub.waitForLog(/peer learned: packets go to 2\.2\.2\.254:41102/);
      await masquerade(lab.topology, { 1: 41_101, 2: 41_112, 3: 41_103 });
      await untilAnswered(lab, 2);
      await untilAt(hub, 2, 41_112);
      for (const n of SPOKES) await untilAnswered(lab, n);
      expect(await endpointsOf(hub)).toEqual({
        spoke1: '2.2.2.254:41101',
        spoke2: '2.2.2.254:41112',
        spoke3: '2.2.2.254:41103',
      });
      await hub.waitForLog(/peer moved: from 2\.2\.2\.254:41102 to 2\.2\.2\.254:41112/);
    });

    it('gives a port that the NAT gives anew to the spoke that has it now', async () => {
      lab.explainFailure();
      const { hub, spokes } = await allUp(keys, { 1: 41_201, 2: 41_202, 3: 41_203 });
      await spokes[0]!.stop();
      await masquerade(lab.topology, { 2: 41_201, 3: 41_203 });
      await untilAnswered(lab, 2);
      await untilAt(hub, 2, 41_201);
      expect(await hubReaches(lab, 2)).toBe(true);
      await untilAnswered(lab, 3);
      // And back: the spoke that had it before takes it again.
      await masquerade(lab.topology, { 1: 41_201, 2: 41_202, 3: 41_203 });
      await startSpoke(lab, spokes[0]!, 1);
      for (const n of SPOKES) await untilAnswered(lab, n);
      await untilAt(hub, 1, 41_201);
      await untilAt(hub, 2, 41_202);
      for (const n of SPOKES) expect(await hubReaches(lab, n)).toBe(true);
    });

    it('finds its spokes again when it was killed', async () => {
      lab.explainFailure();
      const { hub } = await allUp(keys, { 1: 41_301, 2: 41_302, 3: 41_303 });
      if (keys === 'static') {
        const files = SPOKES.map((n) => `tunnel-spoke${n}.endpoint.json`);
        const stored = async () => (await readdir(hub.stateDir)).filter((name) => files.includes(name));
        await vi.waitUntil(async () => (await stored()).length === 3, { timeout: 20_000 });
      }
      await hub.kill9();
      await startHub(lab, hub, SPOKES);
      if (keys === 'static') {
        expect((await endpointsOf(hub)).spoke3).toBe('2.2.2.254:41303');
        // It speaks first.
        for (const n of SPOKES) expect(await hubReaches(lab, n)).toBe(true);
      }
      for (const n of SPOKES) await untilAnswered(lab, n);
      for (const n of SPOKES) await untilAt(hub, n, 41_300 + n);
    });
  });

  it('goes from one spoke to three and back by reloads, and the first one does not notice', async () => {
    lab.explainFailure();
    await masquerade(lab.topology, { 1: 41_501, 2: 41_502, 3: 41_503 });
    const hub = hubOf(lab, 'static', [1]);
    await startHub(lab, hub, [1]);
    await startSpoke(lab, spokeOf(lab, 'static', 1), 1);
    await untilAnswered(lab, 1);
    const pings = lab.topology.nsra.start(['ping', '-n', '-i', '0.02', '-c', '400', '10.0.1.2']);
    await pings.waitFor(/icmp_seq=20 /);
    await hub.prepare({ tunnels: hubTunnels(lab, 'static', SPOKES) });
    expect(await hub.command('reload')).toMatchObject({ code: 0 });
    await addressHub(lab, [2, 3]);
    for (const n of [2, 3]) await startSpoke(lab, spokeOf(lab, 'static', n), n);
    for (const n of [2, 3]) await untilAnswered(lab, n);
    await hub.prepare({ tunnels: hubTunnels(lab, 'static', [1, 3]) });
    expect(await hub.command('reload')).toMatchObject({ code: 0 });
    await untilAnswered(lab, 3);
    const [, received] = await pings.waitFor(/400 packets transmitted, (\d+) received/, 60_000);
    expect(Number(received)).toBe(400);
    expect(Object.keys(await endpointsOf(hub))).toEqual(['spoke1', 'spoke3']);
  });

  it('is not misled by packets in a spoke’s name or from its address', async () => {
    lab.explainFailure();
    const { hub } = await allUp('static', { 1: 41_401, 2: 41_402, 3: 41_403 });
    const before = await endpointsOf(hub);
    const forged = (n: number, pn = 90_000): Buffer =>
      gre(protect(CLEAR, { key: '99'.repeat(16), sci: sciOfSpoke(n), pn }));
    // From nobody's address, in the names of all; what names nobody; octets.
    const stranger = await Sender.udp(lab.topology.wan, '2.2.2.254:5555', '2.2.2.2:4754');
    await stranger.send(forged(1), forged(2), forged(3));
    await stranger.send(gre(CLEAR), Buffer.alloc(0), pattern(1400), gre(pattern(30)));
    for (const n of SPOKES) {
      await hub.countersWhen((now) => (now.InPktsNotValid ?? 0) >= 1, { tunnel: `spoke${n}` });
    }
    await hub.waitForLog(/datagrams from unknown senders name no tunnel of UDP port 2\.2\.2\.2 4754/);
    await stranger.close();
    // From the address of spoke 1, in the name of spoke 2: it is judged with the keys of spoke 2.
    const invalid = (await hub.counters('spoke2')).InPktsNotValid ?? 0;
    await lab.topology.wan.must(['nft', 'delete', 'table', 'ip', 'lab']);
    const thief = await Sender.udp(lab.topology.wan, '2.2.2.254:41401', '2.2.2.2:4754');
    await thief.send(forged(2, 90_001));
    await hub.countersWhen((now) => (now.InPktsNotValid ?? 0) > invalid, { tunnel: 'spoke2' });
    expect(await endpointsOf(hub)).toEqual(before);
    // What is authentic and new moves its tunnel there, and only that.
    await thief.send(gre(protect(CLEAR, { key: keyOf(2, 'spoke'), sci: sciOfSpoke(2), pn: 50_000 })));
    await untilAt(hub, 2, 41_401);
    expect(await endpointsOf(hub)).toEqual({ ...before, spoke2: '2.2.2.254:41401' });
    await thief.close();
  });
});
