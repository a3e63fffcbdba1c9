/** Two CAKs on one port: the first one in charge, the fallback beside it, and the change of either end without loss. */
import { describe, expect, it } from 'vitest';
import type { NamedCak } from '../../../../src/keys/mka/settings.ts';
import { agree, cakOf, expectNoLoss, forgetLosses, Station, settingsOf } from './session/station.ts';
import { World } from './session/world.ts';

const named = (n: number): NamedCak => ({ ckn: `0${n}`.repeat(16), cak: cakOf(n) });
const [OLD, NEW, FALLBACK] = [named(1), named(2), named(3)] as [NamedCak, NamedCak, NamedCak];

/** Two ends, each with its first CAK and the fallback. */
async function start(
  seed: number,
  ofA: NamedCak,
  ofB: NamedCak,
): Promise<{ world: World; a: Station; b: Station }> {
  const world = new World(seed);
  const a = new Station(world, 'a', settingsOf(1, { ...ofA, fallback: FALLBACK }));
  const b = new Station(world, 'b', settingsOf(2, { ...ofB, fallback: FALLBACK }));
  for (const one of [a, b]) one.start();
  await world.until(() => agree(a, b), 3000);
  for (const one of [a, b]) one.talk(3);
  await world.run(20);
  forgetLosses(a, b);
  return { world, a, b };
}

const use = (station: Station, cak: NamedCak): void => {
  station.settings = settingsOf(Number(station.settings.sci[11]), { ...cak, fallback: FALLBACK });
  station.kay.configure(station.settings);
};

describe('a fallback CAK', () => {
  it('runs beside the first one and makes no SAK', async () => {
    const { world, a, b } = await start(1, OLD, OLD);
    await world.run(60_000);
    expect(a.shown.ckn).toBe(OLD.ckn);
    expect(a.shown.participants.map(({ livePeers, saksMade }) => [livePeers.length, saksMade])).toEqual([
      [1, 1],
      [1, 0],
    ]);
    expect(b.shown.participants.map(({ saksReceived }) => saksReceived)).toEqual([1, 0]);
  });

  it('takes over where the first ones differ', async () => {
    const { a, b } = await start(2, OLD, NEW);
    expect([a.shown.ckn, b.shown.ckn]).toEqual([FALLBACK.ckn, FALLBACK.ckn]);
    expect(a.told('CAK in charge')).toHaveLength(1);
  });

  it.each(['a', 'b'] as const)(
    'lets the first CAK be replaced at one end after the other, %s first, without loss',
    async (first) => {
      for (const pauseMs of [100, 3000, 20_000]) {
        const { world, a, b } = await start(3, OLD, OLD);
        await world.run(10_000);
        const [one, other] = first === 'a' ? [a, b] : [b, a];
        use(one, NEW);
        await world.run(pauseMs);
        use(other, NEW);
        await world.run(20_000);
        expect([a.shown.ckn, b.shown.ckn]).toEqual([NEW.ckn, NEW.ckn]);
        expect(agree(a, b)).toBe(true);
        expectNoLoss(world, a, b);
        expect(a.secy.unsent + b.secy.unsent).toBe(0);
      }
    },
  );

  it('is replaced itself while the first one is in charge', async () => {
    const { world, a, b } = await start(4, OLD, OLD);
    for (const one of [a, b]) one.kay.configure({ ...one.settings, fallback: NEW });
    await world.run(5000);
    expect(a.shown.participants.map(({ livePeers }) => livePeers.length)).toEqual([1, 1]);
    expect(a.told('new SAK')).toHaveLength(1);
    expectNoLoss(world, a, b);
  });

  it('stands in when the first CAK is taken away for good, and its SAK is renewed by time', async () => {
    const { world, a, b } = await start(5, OLD, OLD);
    for (const one of [a, b]) {
      one.kay.configure({ ...one.settings, ...FALLBACK, fallback: null, rekeySeconds: 10 });
    }
    await world.run(60_000);
    expect(agree(a, b)).toBe(true);
    expect(a.told('new SAK').slice(1, 3)).toEqual(['new SAK: the other CAK took over', 'new SAK: by time']);
    expectNoLoss(world, a, b);
  });

  it('keeps the session through a restart of either end', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { world, a, b } = await start(seed, OLD, seed % 2 === 0 ? OLD : NEW);
      await world.run(world.random.below(9000));
      [a, b][world.random.below(2)]!.restart();
      await world.until(() => agree(a, b), 2000);
      await world.run(10);
      forgetLosses(a, b);
      await world.run(9000);
      expectNoLoss(world, a, b);
    }
  });
});
