/** What an l2vpnd says of control frames in its MKPDUs: to whom, for how long, and what is known of a peer then. */
import { describe, expect, it } from 'vitest';
import { decodeMkpdu, peekMkpdu } from '../../../../src/keys/mka/decode.ts';
import { deriveMkaKeys } from '../../../../src/keys/mka/keys.ts';
import { INTRODUCTION_MS } from '../../../../src/keys/mka/settings.ts';
import { HostapModel } from './session/hostap-model.ts';
import { agree, CKN, cakOf, Station, settingsOf, stations } from './session/station.ts';
import { World } from './session/world.ts';

const { ick } = deriveMkaKeys(cakOf(1), CKN);

/** When `station` has sent an MKPDU that says so, and when one that does not. */
function noted(world: World, station: Station): { saidMs: number[]; unsaidMs: number[] } {
  const times = { saidMs: [] as number[], unsaidMs: [] as number[] };
  station.onSent = (frame) => {
    const found = peekMkpdu(frame, Buffer.alloc(6));
    const mkpdu = typeof found === 'string' ? found : decodeMkpdu(frame, found, ick);
    if (typeof mkpdu === 'string') throw new Error(mkpdu);
    (mkpdu.linkControl === null ? times.unsaidMs : times.saidMs).push(world.nowMs);
  };
  return times;
}

describe('control frames in MKPDUs', () => {
  it('are told to nobody who is not there', async () => {
    const world = new World(1);
    const alone = new Station(world, 'alone', settingsOf(1));
    const { saidMs, unsaidMs } = noted(world, alone);
    alone.start();
    await world.run(20_000);
    expect(saidMs).toEqual([]);
    expect(unsaidMs.length).toBeGreaterThan(10);
    expect(alone.kay.takesControlFrames).toBe(false);
  });

  it('are known of an l2vpnd as soon as there is a SAK, and go on being told', async () => {
    const world = new World(2);
    const [a, b] = stations(world, 2) as [Station, Station];
    const { saidMs } = noted(world, a);
    a.start();
    b.start();
    await world.until(() => agree(a, b), 8000);
    expect(a.kay.takesControlFrames && b.kay.takesControlFrames).toBe(true);
    await world.run(30_000);
    expect(saidMs.at(-1)).toBeGreaterThan(25_000);
    expect(a.kay.isSecured).toBe(true);
  });

  it('are told to a wpa_supplicant for a few seconds, which minds nothing of it, and no more', async () => {
    const world = new World(3);
    const a = new Station(world, 'a', settingsOf(1));
    const hostap = new HostapModel(world, 'hostap', '0200000000050001', 255);
    const { saidMs, unsaidMs } = noted(world, a);
    a.start();
    hostap.start();
    await world.until(() => a.ki !== null && hostap.ki === a.ki, 8000);
    const firstMs = saidMs[0]!;
    await world.run(60_000);
    expect(saidMs.length).toBeGreaterThan(0);
    expect(saidMs.at(-1)! - firstMs).toBeLessThanOrEqual(INTRODUCTION_MS + 500);
    expect(unsaidMs.at(-1)).toBeGreaterThan(50_000);
    expect(a.kay.takesControlFrames).toBe(false);
    expect(a.kay.isSecured).toBe(true);
    expect(hostap.errors).toEqual([]);
  });

  it('are not taken for granted of who was another before', async () => {
    const world = new World(4);
    const [a, b] = stations(world, 2) as [Station, Station];
    a.start();
    b.start();
    await world.until(() => agree(a, b), 8000);
    b.kill();
    await world.run(7000);
    expect(a.kay.takesControlFrames).toBe(false);
    expect(a.kay.isSecured).toBe(false);
    expect(a.kay.hasLivePeer).toBe(false);
  });
});
