/** Key agreement between two to four ends (IEEE 802.1X-2020 clauses 9 and 12), over a simulated link. */
import { describe, expect, it } from 'vitest';
import type { MkaSettings } from '../../../../src/keys/mka/settings.ts';
import { agree, Station, settingsOf } from './session/station.ts';
import { World } from './session/world.ts';

function stations(world: World, count: number, more: Partial<MkaSettings> = {}): Station[] {
  return Array.from({ length: count }, (_, i) => new Station(world, `s${i + 1}`, settingsOf(i + 1, more)));
}

/** Once they agree, nothing that is sent from now on may be lost. */
function forgetLosses(...all: readonly Station[]): void {
  for (const one of all) one.secy.lost.length = 0;
}

function expectNoLoss(world: World, ...all: readonly Station[]): void {
  for (const one of all) expect(one.secy.lost, one.name).toEqual([]);
  expect(world.violations).toEqual([]);
}

describe('two ends', () => {
  it('have a SAK within a fifth of a second of the start', async () => {
    const world = new World(1);
    const [a, b] = stations(world, 2) as [Station, Station];
    a.start();
    await world.run(130);
    b.start();
    expect(await world.until(() => agree(a, b), 1000)).toBeLessThanOrEqual(200);
    expect(a.shown.role).toBe('key server');
    expect(b.shown.role).toBe('member');
  });
});
