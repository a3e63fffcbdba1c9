/** What is told of key agreement: of real KaYs over a simulated link, as control socket, `show` and metrics have it. */
import { describe, expect, it } from 'vitest';
import type { AgreementSnapshot } from '../../../src/api/agreement.ts';
import { mkaJson, mkaLines } from '../../../src/cli/show-mka.ts';
import type { MkaSettings } from '../../../src/keys/mka/settings.ts';
import { agreementSnapshot } from '../../../src/report/agreement-snapshot.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { agree, CKN, cakOf, Station, settingsOf } from '../keys/mka/session/station.ts';
import { World } from '../keys/mka/session/world.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';
import { metricsOf } from './metrics-kit.ts';

const [SCI_A, SCI_B] = ['0200000000010001', '0200000000020001'];
const WRONG_CAK = "the ICV of the peer's MKPDU is wrong: another CAK";

async function two(seed: number, ofA: Partial<MkaSettings> = {}, ofB: Partial<MkaSettings> = {}) {
  const world = new World(seed);
  const [a, b] = [new Station(world, 'a', settingsOf(1, ofA)), new Station(world, 'b', settingsOf(2, ofB))];
  for (const one of [a, b]) one.start();
  await world.run(5000);
  return { world, a, b };
}

const snapshot = ({ shown }: Station): AgreementSnapshot => agreementSnapshot(shown);

describe('two ends that agree', () => {
  it('tell role, key server, peers, key and its age, in seconds', async () => {
    const { a, b } = await two(1, { rekeySeconds: 60 });
    expect(agree(a, b)).toBe(true);
    const [ofA, ofB] = [snapshot(a), snapshot(b)];
    expect(ofA).toMatchObject({
      ...{ role: 'key server', ckn: CKN, key_server_sci: SCI_A, live_peers: 1, old: null, trouble: [] },
      latest: { ki: a.ki, an: 0, receives: true, transmits: true },
      ...{ encoding_an: 0, saks_made: 1, saks_received: 0, refused: {} },
      participants: [{ ckn: CKN, in_charge: true, live: [{ sci: SCI_B, priority: 128 }], potential: [] }],
    });
    expect(ofA.latest!.age_seconds).toBeGreaterThan(4);
    expect(ofA.latest!.age_seconds + ofA.next_rekey_seconds!).toBeCloseTo(60, 0);
    expect(ofA.participants[0]!.live[0]!.age_seconds).toBeLessThan(0.7);
    expect(ofB).toMatchObject({ role: 'member', key_server_sci: SCI_A, saks_made: 0, saks_received: 1 });
    expect(ofB.next_rekey_seconds).toBeNull();
    expect([ofB.mkpdus_in > 5, ofB.mkpdus_out > 5]).toEqual([true, true]);
  });

  it('are lines of show, with counters when asked for', async () => {
    const { a, b } = await two(2, { rekeySeconds: 60 });
    const brief = mkaLines(snapshot(a), false);
    expect(brief).toEqual([
      `mka: this end is key server, key server ${SCI_A}, CKN ${CKN}`,
      expect.stringMatching(
        new RegExp(`^ {4}key ${a.ki}, AN 0, 4 s old, receives and transmits, the next in 5\\d s$`),
      ),
      expect.stringMatching(/^ {4}MI [0-9a-f]{24}, MN \d+$/),
      expect.stringMatching(
        new RegExp(
          `^ {4}live peer ${SCI_B}, MI [0-9a-f]{24}, MN \\d+, priority 128, heard 0(\\.\\d)? s ago$`,
        ),
      ),
    ]);
    expect(mkaLines(snapshot(b), true).slice(-2)).toEqual([
      expect.stringMatching(/^ {4}MKPDUs: \d+ in, \d+ out; SAKs: 0 made, 1 received$/),
      '    refused: nothing',
    ]);
    expect(mkaJson(snapshot(a), true)).toHaveProperty('saks_made', 1);
    expect(mkaJson(snapshot(a), false)).not.toHaveProperty('saks_made');
    expect(mkaJson(snapshot(a), false)).toHaveProperty('latest.ki', a.ki);
  });

  it('with a fallback CAK show both, and which is in charge', async () => {
    const fallback = { ckn: '0b', cak: cakOf(9) };
    const { a } = await two(3, { fallback }, { fallback });
    expect(mkaLines(snapshot(a), false)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(`^    CAK ${CKN}, in charge: MI `),
        expect.stringMatching(/^ {4}CAK 0b: MI /),
      ]),
    );
    expect(snapshot(a).live_peers).toBe(2);
  });
});

describe('two ends that do not agree', () => {
  it('with another CAK under one name: both say so, as long as it goes on', async () => {
    const { world, a, b } = await two(4, {}, { cak: cakOf(2) });
    for (const one of [a, b]) {
      expect(snapshot(one)).toMatchObject({
        role: 'alone',
        live_peers: 0,
        latest: null,
        trouble: [WRONG_CAK],
      });
      expect(mkaLines(snapshot(one), false)).toEqual(
        expect.arrayContaining([
          `mka: no peer is live, CKN ${CKN}`,
          `mka: ${WRONG_CAK}`,
          '    no key is agreed on',
        ]),
      );
      expect(mkaLines(snapshot(one), true).at(-1)).toMatch(/^ {4}refused: WrongIcv \d+$/);
    }
    expect(a.kay.heardAgoMs).toBeNull();
    b.kill();
    await world.run(11_000);
    expect(snapshot(a).trouble).toEqual([]);
    expect(snapshot(a).refused.WrongIcv).toBeGreaterThan(5);
  });

  it('with another name: both say that they do not know it', async () => {
    const { a } = await two(5, {}, { ckn: '0b' });
    expect(snapshot(a).trouble).toEqual(['no CAK of this name is configured: compare ckn at both ends']);
  });

  it('on a cipher suite: the member says so', async () => {
    const { b } = await two(6, {}, { cipher: 'gcm-aes-256' });
    expect(snapshot(b)).toMatchObject({ role: 'member', live_peers: 1, latest: null });
    expect(snapshot(b).trouble).toEqual([
      'the key server distributes a SAK of another cipher suite than is configured here',
    ]);
  });
});

describe('metrics', () => {
  it('tell live peers, who is key server, the age of the SAK, SAKs and MKPDUs; none of a tunnel with static keys', async () => {
    const { a, b } = await two(7, {}, {});
    const { tunnel } = await tunnelOf(macsecConfig());
    const of = (name: string, agreement: Station | null) => ({
      ...snapshotOf(tunnel, 'batch', agreement && { rotation: null, agreement: agreement.shown }),
      name,
    });
    const text = await metricsOf([of('a', a), of('b', b), of('static', null)]);
    const lines = text.split('\n').filter((line) => line.startsWith('l2vpnd_mka_'));
    expect(lines).toEqual(
      expect.arrayContaining([
        'l2vpnd_mka_live_peers{tunnel="a"} 1',
        `l2vpnd_mka_key_server{tunnel="a",sci="${SCI_A}"} 1`,
        `l2vpnd_mka_key_server{tunnel="b",sci="${SCI_A}"} 0`,
        expect.stringMatching(/^l2vpnd_mka_sak_age_seconds\{tunnel="b"\} 4\.\d$/),
        'l2vpnd_mka_saks_total{tunnel="a",origin="made"} 1',
        'l2vpnd_mka_saks_total{tunnel="b",origin="received"} 1',
        expect.stringMatching(/^l2vpnd_mka_mkpdus_total\{tunnel="a",direction="rx"\} \d+$/),
      ]),
    );
    expect(lines.join()).not.toContain('static');
  });
});
