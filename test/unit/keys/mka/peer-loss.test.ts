/** A peer that is not heard any more, and comes back (IEEE 802.1X-2020 9.4.3; `peerLoss`). */
import { describe, expect, it } from 'vitest';
import type { MkaSettings } from '../../../../src/keys/mka/settings.ts';
import { Puppet } from './session/puppet.ts';
import { agree, expectNoLoss, forgetLosses, type Station, stations } from './session/station.ts';
import { World } from './session/world.ts';

async function pair(
  seed: number,
  more: Partial<MkaSettings> = {},
): Promise<{ world: World; a: Station; b: Station }> {
  const world = new World(seed);
  const [a, b] = stations(world, 2, more) as [Station, Station];
  for (const one of [a, b]) one.start();
  await world.until(() => agree(a, b), 1000);
  for (const one of [a, b]) one.talk(10);
  await world.run(20);
  forgetLosses(a, b);
  return { world, a, b };
}

describe('with `drop`', () => {
  it('the SAs go six seconds after the last word, and nothing is sent or taken', async () => {
    const { world, a, b } = await pair(1);
    await world.run(2000);
    b.kill();
    await world.run(5400);
    expect(a.secy.tx.size).toBe(1);
    await world.run(700);
    expect(a.shown).toMatchObject({ role: 'alone', latest: null, encodingAn: null });
    expect(a.told('peer lost')).toHaveLength(1);
    expect(a.told('SAs removed')).toHaveLength(1);
    expect([a.secy.tx.size, a.secy.rx.size]).toEqual([0, 0]);
    expect(a.told('new member identifier')).toEqual(['new member identifier: SAs were removed']);
    const { accepted } = b.secy;
    await world.run(5000);
    expect(b.secy.accepted).toBe(accepted);
    expect(a.secy.unsent).toBeGreaterThan(400);
  });

  it('as long as lifeMs says', async () => {
    const { world, a, b } = await pair(2, { lifeMs: 20_000 });
    b.kill();
    await world.run(19_000);
    expect(a.told('peer lost')).toEqual([]);
    await world.run(1100);
    expect(a.told('peer lost')).toHaveLength(1);
  });

  it.each(['a to b', 'b to a', 'both'] as const)(
    'a line that is cut (%s) for any time is followed by a new SAK, within a second',
    async (cut) => {
      for (const ms of [1000, 4000, 5500, 5990, 6300, 7000, 11_000, 30_000]) {
        const { world, a, b } = await pair(ms);
        await world.run(8000);
        world.passes = (from) => cut !== 'both' && cut.startsWith(from === 's1' ? 'b' : 'a');
        await world.run(ms);
        world.passes = () => true;
        await world.run(1000);
        expect(agree(a, b), `${cut} ${ms}`).toBe(true);
        await world.run(20);
        forgetLosses(a, b);
        await world.run(20_000);
        expect(agree(a, b), `${cut} ${ms}`).toBe(true);
        expectNoLoss(world, a, b);
      }
    },
  );

  it('one peer of two that is lost costs only its own SAs', async () => {
    const world = new World(3);
    const all = stations(world, 3);
    for (const one of all) one.start();
    await world.until(() => agree(...all), 8000);
    await world.run(7000);
    all[2]!.kill();
    await world.run(12_000);
    expect(all[0]!.told('SAs removed')).toEqual([]);
    expect(all[0]!.told('new SAK').at(-1)).toBe('new SAK: peer left');
    expect([...all[0]!.secy.rx.keys()]).toEqual([all[1]!.settings.sci]);
  });
});

describe('with `keep`', () => {
  it('frames go on under the present SAK while no MKPDU comes through, and a new SAK comes afterwards', async () => {
    const { world, a, b } = await pair(4, { peerLoss: 'keep' });
    await world.run(3000);
    world.passes = () => false;
    await world.run(600_000);
    expect(a.told('SAs kept')).toHaveLength(1);
    world.passes = () => true;
    await world.run(10_000);
    expect(agree(a, b)).toBe(true);
    expectNoLoss(world, a, b);
    expect(a.secy.unsent).toBe(0);
    expect(a.told('new SAK')).toHaveLength(2);
  });

  it('no SAK Use is sent while nobody is live: a stranger would take offence', async () => {
    const { world, a, b } = await pair(6, { peerLoss: 'keep' });
    const puppet = new Puppet(world);
    expect(b.shown.latest).not.toBeNull();
    b.kill();
    await world.run(5000);
    expect(puppet.heard!.sakUse).not.toBeNull();
    await world.run(5000);
    expect(a.shown.role).toBe('alone');
    expect(puppet.heard!.sakUse).toBeNull();
  });

  it('a peer that has started anew gets a new SAK all the same', async () => {
    const { world, a, b } = await pair(5, { peerLoss: 'keep' });
    b.kill();
    await world.run(60_000);
    b.start();
    await world.until(() => agree(a, b), 1000);
    expect(world.violations).toEqual([]);
  });
});
