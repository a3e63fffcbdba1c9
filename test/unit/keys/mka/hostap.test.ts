/** A session with a peer that behaves like wpa_supplicant 2.10: its ticks, its order of things, its known faults. */
import { describe, expect, it } from 'vitest';
import type { MkaSettings } from '../../../../src/keys/mka/settings.ts';
import { HostapModel } from './session/hostap-model.ts';
import { expectNoLoss, forgetLosses, Station, settingsOf } from './session/station.ts';
import { World } from './session/world.ts';

interface Session {
  readonly world: World;
  readonly a: Station;
  readonly hostap: HostapModel;
  readonly haveSak: () => boolean;
}

/** `hostapSci` decides, with equal priorities, who is key server. */
function session(
  seed: number,
  more: Partial<MkaSettings> = {},
  hostapPriority = 255,
  hostapSci = '0200000000050001',
): Session {
  const world = new World(seed);
  const a = new Station(world, 'a', settingsOf(1, more));
  const hostap = new HostapModel(world, 'hostap', hostapSci, hostapPriority);
  return { world, a, hostap, haveSak: () => a.isUp && hostap.ki !== null && a.ki === hostap.ki };
}

async function started(seed: number, ...more: [Partial<MkaSettings>?, number?, string?]): Promise<Session> {
  const made = session(seed, ...more);
  made.a.start();
  made.hostap.start();
  await made.world.until(made.haveSak, 8000);
  made.a.talk(10);
  made.hostap.talk(10);
  await made.world.run(20);
  forget(made);
  return made;
}

function forget({ a, hostap }: Session): void {
  forgetLosses(a);
  hostap.secy.lost.length = 0;
}

function expectNothingLost({ world, a, hostap }: Session): void {
  expectNoLoss(world, a);
  expect(hostap.secy.lost).toEqual([]);
  expect(hostap.errors).toEqual([]);
}

describe('with wpa_supplicant as member', () => {
  it('there is a SAK within three seconds of the start, wherever its tick is', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { world, a, hostap, haveSak } = session(seed);
      a.start();
      hostap.start();
      // Its first tick comes within 2 s, and lists us.
      expect(await world.until(haveSak, 8000)).toBeLessThanOrEqual(3000);
      expect(hostap.role).toBe('member');
      expect(hostap.resets).toBe(0);
    }
  });

  it('an hour goes by with a new SAK each minute, and no frame is lost', async () => {
    const made = await started(1, { rekeySeconds: 60 });
    await made.world.run(3_600_000);
    expectNothingLost(made);
    expect(made.a.shown.participants[0]!.saksMade).toBeGreaterThan(55);
    expect(made.hostap.resets).toBe(0);
    expect(made.a.told('peer lost')).toEqual([]);
  }, 60_000);

  it('new SAKs as fast as it can follow lose nothing', async () => {
    const made = await started(2, { rekeySeconds: 6 });
    await made.world.run(600_000);
    expectNothingLost(made);
  });

  it('it starts anew at any moment, and is back within its own times', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const made = session(100 + seed);
      const { world, a, hostap, haveSak } = made;
      a.start();
      hostap.start();
      await world.run(seed * 700);
      hostap.kill();
      hostap.start();
      await world.until(haveSak, 8000);
      await world.run(20_000);
      expect(haveSak()).toBe(true);
      expect(world.violations).toEqual([]);
    }
  });

  it('we start anew at any moment, and it has us back within its own times', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { world, a, hostap, haveSak } = session(200 + seed);
      a.start();
      hostap.start();
      await world.run(seed * 700);
      a.restart();
      await world.until(haveSak, 8000);
      await world.run(20_000);
      expect(haveSak()).toBe(true);
      expect(world.violations).toEqual([]);
    }
  });
});

describe('with wpa_supplicant as key server', () => {
  it.each([
    ['by its priority', { priority: 200 }, 100, '0200000000050001'],
    ['with 255 at both ends', { priority: 255 }, 255, '0200000000050001'],
    ['by its MAC address', {}, 128, '0200000000000001'],
  ] as const)('%s there is a SAK within its ticks', async (_, more, priority, sci) => {
    for (let seed = 0; seed < 20; seed++) {
      const { world, a, hostap, haveSak } = session(seed, more, priority, sci);
      a.start();
      hostap.start();
      expect(await world.until(haveSak, 12_000)).toBeLessThanOrEqual(4100);
      expect(hostap.role).toBe('key server');
      await world.run(30_000);
      expect(haveSak()).toBe(true);
      expect(world.violations).toEqual([]);
    }
  });

  it('a member that has removed its SAs, which it has not noticed, gets a new SAK', async () => {
    const { world, a, haveSak } = await started(4, { priority: 200 }, 100);
    await world.run(10_000);
    world.passes = (from) => from !== 'hostap';
    await world.until(() => a.shown.latest === null, 9000);
    world.passes = () => true;
    await world.until(haveSak, 9000);
    await world.run(20_000);
    expect(haveSak()).toBe(true);
  });

  it('a member that asks for a new SAK gets it, and no frame is lost', async () => {
    const made = await started(3, { priority: 200 }, 100);
    for (let i = 0; i < 10; i++) {
      await made.world.run(15_000);
      const { ki } = made.hostap;
      expect(made.a.kay.rekey()).toBe('asked');
      await made.world.until(() => made.haveSak() && made.hostap.ki !== ki, 8000);
    }
    await made.world.run(15_000);
    expectNothingLost(made);
  });

  it('either end starts anew at any moment, right after the first SAK too, and both come back', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const { world, a, hostap, haveSak } = session(300 + seed, { priority: 200 }, 100);
      a.start();
      hostap.start();
      await world.run(seed * 350);
      if (seed % 2 === 0) a.restart();
      else {
        hostap.kill();
        hostap.start();
      }
      await world.until(haveSak, 10_000);
      await world.run(20_000);
      expect(haveSak()).toBe(true);
      expect(world.violations).toEqual([]);
    }
  });
});
