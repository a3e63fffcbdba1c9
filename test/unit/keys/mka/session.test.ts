/** Key agreement between two to four ends (IEEE 802.1X-2020 clauses 9 and 12), over a simulated link. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeMkpdu, peekMkpdu, type UncheckedMkpdu } from '../../../../src/keys/mka/decode.ts';
import { deriveMkaKeys } from '../../../../src/keys/mka/keys.ts';
import type { MkaSettings } from '../../../../src/keys/mka/settings.ts';
import {
  agree,
  CKN,
  cakOf,
  expectNoLoss,
  forgetLosses,
  Station,
  settingsOf,
  stations,
} from './session/station.ts';
import { World } from './session/world.ts';

/** Two ends that agree. */
async function pair(
  seed: number,
  more: Partial<MkaSettings> = {},
): Promise<{ world: World; a: Station; b: Station }> {
  const world = new World(seed);
  const [a, b] = stations(world, 2, more) as [Station, Station];
  for (const one of [a, b]) one.start();
  await world.until(() => agree(a, b), 1000);
  return { world, a, b };
}

/** Milliseconds between what `station` sends from now on. */
function gapsOf(world: World, station: Station): number[] {
  const gaps: number[] = [];
  let lastMs = Number.NaN;
  station.onSent = () => {
    if (!Number.isNaN(lastMs)) gaps.push(world.nowMs - lastMs);
    lastMs = world.nowMs;
  };
  return gaps;
}

describe('two ends', () => {
  it('have a SAK within a fifth of a second of the later start', async () => {
    const world = new World(1);
    const [a, b] = stations(world, 2) as [Station, Station];
    a.start();
    await world.run(130);
    b.start();
    expect(await world.until(() => agree(a, b), 1000)).toBeLessThanOrEqual(200);
  });

  it.each([
    ['the lower SCI', {}, {}, 'key server'],
    ['the lower priority', { priority: 16 }, { priority: 15 }, 'member'],
    ['not the one of priority 255', { priority: 255 }, { priority: 254 }, 'member'],
  ])('elect %s', async (_, ofA, ofB, role) => {
    const world = new World(2);
    const [a, b] = [new Station(world, 'a', settingsOf(1, ofA)), new Station(world, 'b', settingsOf(2, ofB))];
    for (const one of [b, a]) one.start();
    await world.until(() => agree(a, b), 1000);
    await world.run(5000);
    expect(a.shown.role).toBe(role);
    expect(b.shown.keyServerSci).toBe(a.shown.keyServerSci);
    expect(a.told('new SAK').length + b.told('new SAK').length).toBe(1);
  });

  it('who both have priority 255 say that nobody is key server, and send nothing', async () => {
    const world = new World(3);
    const [a, b] = stations(world, 2, { priority: 255 }) as [Station, Station];
    for (const one of [a, b]) {
      one.start();
      one.talk(10);
    }
    await world.run(20_000);
    expect(a.told('no key server')).toHaveLength(1);
    expect(a.shown.role).toBe('undecided');
    expect([a.secy.log, b.secy.log]).toEqual([[], []]);
  });

  it('with another CAK under the same name say so, once, and have no SAK', async () => {
    const world = new World(4);
    const [a, b] = stations(world, 2) as [Station, Station];
    b.settings = settingsOf(2, { cak: cak32() });
    for (const one of [a, b]) one.start();
    await world.run(30_000);
    expect(a.told('refused')).toEqual(["the ICV of the peer's MKPDU is wrong: another CAK"]);
    expect(a.shown.participants[0]!.refused.WrongIcv?.count).toBeGreaterThan(50);
    expect(a.secy.log).toEqual([]);
  });

  it('with another CKN count what they do not know', async () => {
    const world = new World(5);
    const [a, b] = stations(world, 2) as [Station, Station];
    b.settings = settingsOf(2, { ckn: '0b' });
    for (const one of [a, b]) one.start();
    await world.run(5000);
    expect(a.shown.refused.UnknownCkn?.count).toBeGreaterThan(5);
    expect(a.shown.role).toBe('alone');
  });

  it('send nothing with a SAK before it has gone out to the other', async () => {
    const { ick } = deriveMkaKeys(cakOf(1), CKN);
    for (let seed = 1; seed <= 60; seed++) {
      const world = new World(seed);
      const [a, b] = stations(world, 2) as [Station, Station];
      let [isOut, early] = [false, 0];
      a.onSent = (frame) => {
        const mkpdu = decodeMkpdu(frame, peekMkpdu(frame, Buffer.alloc(6)) as UncheckedMkpdu, ick);
        isOut ||= typeof mkpdu !== 'string' && mkpdu.distributedSak !== null;
      };
      world.every(1, () => {
        if (a.isUp && a.secy.encoding !== null && !isOut) early++;
      });
      a.start();
      await world.run(seed * 10);
      b.start();
      await world.until(() => agree(a, b), 1000);
      expect([isOut, early], `seed ${seed}`).toEqual([true, 0]);
    }
  });

  it('send a hello at least every helloMs, one each two seconds when all has been calm for a while', async () => {
    const { world, a } = await pair(6);
    const gaps = gapsOf(world, a);
    await world.run(18_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(501);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(440);
    await world.run(5000);
    gaps.length = 0;
    await world.run(60_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2001);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1790);
  });

  it('that are calm and configured with a short life say three hellos in it', async () => {
    const { world, a } = await pair(6, { lifeMs: 2400 });
    await world.run(25_000);
    const gaps = gapsOf(world, a);
    await world.run(30_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(801);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(710);
  });

  it('say hellos less often, when all is calm, to a peer that has said that fewer are enough', async () => {
    const { world, a, b } = await pair(6, { lifeMs: 2400 });
    b.calmStretch = 2;
    await world.run(25_000);
    const gaps = [gapsOf(world, a), gapsOf(world, b)];
    await world.run(30_000);
    const [ofA, ofB] = gaps as [number[], number[]];
    expect([Math.max(...ofA) <= 1601, Math.min(...ofA) >= 1420]).toEqual([true, true]);
    expect([Math.max(...ofB) <= 801, Math.min(...ofB) >= 710]).toEqual([true, true]);
  });

  it('that say hellos that seldom keep each other through losses, and hurry then', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { world, a, b } = await pair(seed);
      for (const one of [a, b]) one.calmStretch = 2;
      await world.run(40_000);
      const gaps = gapsOf(world, a);
      await world.run(20_000);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3580);
      // Nothing passes for 1.5 s, at another phase for each seed.
      await world.run(seed * 200);
      world.passes = () => false;
      await world.run(1500);
      world.passes = () => true;
      await world.run(10_000);
      const lost = [...a.events, ...b.events].filter(({ name }) => name === 'SAs removed');
      expect(lost, `seed ${seed}`).toEqual([]);
      expect(agree(a, b)).toBe(true);
    }
  });

  it.each([
    ['a hello to it is lost', 's2'],
    ['a hello from it is lost', 's1'],
  ])(
    'that are calm hurry when %s, both of them, and a new SAK is theirs as soon as ever',
    async (_, from) => {
      const { world, a, b } = await pair(9);
      await world.run(25_000);
      let lost = 0;
      world.passes = (sender) => sender !== from || lost++ > 0;
      await world.until(() => lost > 0, 3000);
      // The next hello tells, 2 s later at the latest.
      await world.run(2100);
      const gaps = [gapsOf(world, a), gapsOf(world, b)];
      await world.run(10_000);
      for (const of of gaps) expect(Math.max(...of)).toBeLessThanOrEqual(501);
      await world.run(25_000);
      const before = a.ki;
      a.kay.rekey();
      await world.until(() => agree(a, b) && a.ki !== before, 300);
    },
  );

  it.each(['gcm-aes-128', 'gcm-aes-256', 'gcm-aes-xpn-128', 'gcm-aes-xpn-256'] as const)(
    'agree with %s',
    async (cipher) => {
      const world = new World(7);
      const [a, b] = stations(world, 2, { cipher, cak: cak32() }) as [Station, Station];
      for (const one of [a, b]) {
        one.start();
        one.talk(5);
      }
      await world.until(() => agree(a, b), 1000);
      forgetLosses(a, b);
      await world.run(20_000);
      expectNoLoss(world, a, b);
      expect(a.secy.accepted).toBeGreaterThan(3500);
    },
  );

  it('send integrity only where both are told to, and encrypt where one is', async () => {
    for (const [ofA, ofB, encrypted] of [
      [false, false, [false, false]],
      [true, false, [true, true]],
      [false, true, [false, true]],
    ] as const) {
      const world = new World(8);
      const a = new Station(world, 'a', settingsOf(1, { encrypt: ofA }));
      const b = new Station(world, 'b', settingsOf(2, { encrypt: ofB }));
      for (const one of [a, b]) one.start();
      await world.until(() => agree(a, b), 1000);
      expect([a, b].map(({ secy }) => [...secy.tx.values()][0]!.isEncrypted)).toEqual(encrypted);
    }
  });
});

describe('on a bad link', () => {
  it.each([
    { loss: 5, jitterMs: 0 },
    { loss: 20, jitterMs: 40 },
  ])(
    'with $loss % loss and up to $jitterMs ms of reordering nothing is lost for want of a key in an hour',
    async ({ loss, jitterMs }) => {
      const { world, a, b } = await pair(loss);
      Object.assign(world.link, { lossPercent: loss, duplicatePercent: 5, jitterMs });
      for (const one of [a, b]) one.talk(100);
      await world.run(3_600_000);
      expectNoLoss(world, a, b);
      expect(a.told('peer lost')).toEqual([]);
      expect(a.told('new SAK')).toHaveLength(1);
      expect(a.shown.participants[0]!.refused.ReplayedMn?.count).toBeGreaterThan(100);
    },
    60_000,
  );

  it('with 20 % loss a session starts within three seconds, whatever is lost', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const world = new World(seed);
      world.link.lossPercent = 20;
      const [a, b] = stations(world, 2) as [Station, Station];
      for (const one of [a, b]) one.start();
      await world.until(() => agree(a, b), 3000);
      await world.run(8000);
      expect(agree(a, b)).toBe(true);
    }
  });
});

describe('an end that starts anew', () => {
  it('at any moment of a session is back within a second, and repeats no packet number', async () => {
    for (let seed = 0; seed < 120; seed++) {
      const world = new World(seed);
      const both = stations(world, 2) as [Station, Station];
      for (const one of both) {
        one.start();
        one.talk(3);
      }
      await world.run(seed < 60 ? seed * 4 : 1000 + seed * 61);
      const restarted = both[seed % 2]!;
      restarted.restart();
      await world.until(() => agree(...both), 700);
      // What is still on its way was sent with the SAK before.
      await world.run(10);
      forgetLosses(...both);
      await world.run(9000);
      expect(agree(...both)).toBe(true);
      expectNoLoss(world, ...both);
    }
  });

  it('again and again, with loss, is back each time', async () => {
    const world = new World(9);
    world.link.lossPercent = 10;
    const both = stations(world, 2) as [Station, Station];
    for (const one of both) {
      one.start();
      one.talk(20);
    }
    for (let i = 0; i < 100; i++) {
      await world.until(() => agree(...both), 8000);
      await world.run(world.random.below(2000));
      both[i % 2]!.restart();
    }
    await world.until(() => agree(...both), 8000);
    expect(world.violations).toEqual([]);
  });

  it('loses nothing of what it sends first: the key server receives with a SAK before it is out', async () => {
    const { world, a, b } = await pair(16);
    await world.run(5000);
    a.secy.delayMs = 60;
    b.talk(1);
    b.kill();
    await world.run(100);
    b.start();
    await world.until(() => agree(a, b), 1000);
    expectNoLoss(world, a);
    expect(a.secy.accepted).toBeGreaterThan(20);
  });

  it('is told as such', async () => {
    const { world, a, b } = await pair(10);
    b.restart();
    await world.until(() => agree(a, b), 1000);
    expect(a.told('peer started anew')).toHaveLength(1);
    expect(a.told('new SAK')).toEqual(['new SAK: peer joined', 'new SAK: peer joined']);
    expect(a.told('peer lost')).toEqual([]);
  });
});

describe('a group', () => {
  it.each([3, 4])('of %i comes to one SAK in whatever order they start', async (count) => {
    for (let seed = 0; seed < 20; seed++) {
      const world = new World(seed);
      const all = stations(world, count);
      for (const one of all) world.after(world.random.below(3000), () => one.start());
      await world.until(() => all.every(({ isUp }) => isUp), 3001);
      await world.until(() => agree(...all), 8000);
      for (const one of all) one.talk(20);
      await world.run(10_000);
      expect(agree(...all)).toBe(true);
      expectNoLoss(world, ...all);
    }
  });

  it('with an XPN suite gives everybody an SSCI of its own, the same at all ends', async () => {
    const world = new World(11);
    const all = stations(world, 4, { cipher: 'gcm-aes-xpn-256' });
    for (const one of all) one.start();
    await world.until(() => agree(...all), 8000);
    const sscis = all.map(({ secy }) => [...secy.ssciOf.entries()].toSorted());
    expect(sscis[0]!.map(([, ssci]) => ssci)).toEqual([4, 3, 2, 1]);
    for (const one of sscis) expect(one).toEqual(sscis[0]);
  });

  it('loses nothing among those who stay when the key server leaves', async () => {
    const world = new World(12);
    const all = stations(world, 3);
    for (const one of all) one.start();
    await world.until(() => agree(...all), 8000);
    await world.run(5000);
    for (const one of all) one.talk(5);
    const [server, ...rest] = all as [Station, Station, Station];
    server.kill();
    await world.run(20_000);
    expect(agree(...rest)).toBe(true);
    expect(rest.map(({ shown }) => shown.role)).toEqual(['key server', 'member']);
    expect(rest[0]!.ki).not.toBe(server.ki);
    expect(rest[0]!.secy.rx.has(server.settings.sci)).toBe(false);
    expectNoLoss(world, ...rest);
  });

  it('loses nothing when a member joins, or a better key server', async () => {
    for (const joining of [0, 2]) {
      const world = new World(13);
      const all = stations(world, 3);
      const rest = all.filter((_, i) => i !== joining);
      for (const one of rest) one.start();
      await world.until(() => agree(...rest), 1000);
      await world.run(4000);
      for (const one of rest) one.talk(3);
      all[joining]!.start();
      await world.until(() => agree(...all), 1000);
      await world.run(10_000);
      const lost = rest.flatMap(({ secy }) => secy.lost);
      expect(lost.filter((text) => !text.includes(all[joining]!.settings.sci))).toEqual([]);
      expect(world.violations).toEqual([]);
      expect(all[0]!.shown.role).toBe('key server');
    }
  });
});

describe('whatever happens', () => {
  it('to two to four ends that start anew and want new SAKs at any time, over any link, they come to one SAK', async () => {
    for (let seed = 0; seed < 36; seed++) {
      const world = new World(1000 + seed);
      const lossPercent = [0, 0, 5, 20][seed % 4]!;
      Object.assign(world.link, {
        lossPercent,
        jitterMs: (seed % 3) * 30,
        delayMs: [1, 20, 100][(seed % 5) % 3]!,
      });
      const cipher = seed % 2 === 0 ? 'gcm-aes-128' : 'gcm-aes-xpn-128';
      const all = stations(world, 2 + (seed % 3), { cipher, rekeySeconds: seed % 7 === 0 ? 1 : null });
      for (const one of all) {
        world.after(world.random.below(2000), () => one.start());
        one.talk(20);
      }
      await world.run(2000);
      for (let i = 0; i < 12; i++) {
        await world.run(world.random.below(3000));
        const one = world.random.pick(all);
        if (world.random.below(2) === 0) one.restart();
        else one.kay.rekey();
      }
      await world.until(() => agree(...all), 20_000);
      await world.run(8000);
      forgetLosses(...all);
      await world.run(20_000);
      expectNoLoss(world, ...all);
    }
  });
});

describe('what an operator sees', () => {
  it('is the same at both ends, with ages and counters', async () => {
    const { world, a, b } = await pair(14);
    await world.run(10_000);
    const [ofA, ofB] = [a.shown, b.shown];
    expect(ofA.latest!.ki).toBe(ofB.latest!.ki);
    expect(ofA.participants[0]!.livePeers[0]).toMatchObject({
      sci: b.settings.sci,
      priority: 128,
      isKeyServer: false,
    });
    expect(ofA.participants[0]!.livePeers[0]!.ageMs).toBeLessThan(510);
    expect(ofA.participants[0]).toMatchObject({ saksMade: 1, saksReceived: 0, potentialPeers: [] });
    expect(ofB.participants[0]).toMatchObject({ saksMade: 0, saksReceived: 1 });
    expect(ofA.latest!.ageMs).toBeGreaterThan(9900);
  });

  it('shows no key, neither in events nor in the snapshot', async () => {
    const { world, a, b } = await pair(15);
    a.kay.rekey();
    await world.run(5000);
    for (const one of [a, b]) {
      const text = JSON.stringify([one.shown, one.events, one.secy.log]);
      expect(text).not.toContain('01'.repeat(16));
      for (const key of one.secy.keysSeen) expect(text).not.toContain(key);
    }
    expect(a.secy.keysSeen.size).toBe(2);
  });
});

function cak32(): KeyObject {
  return createSecretKey(Buffer.alloc(32, 7));
}
