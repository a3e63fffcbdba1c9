/** A key change as two ends see it (802.1AE 10.7.22): whatever the order of events, no frame meets an end that lacks its key. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { L2vpnError } from '../../../src/errors.ts';
import { Rotation, type RotationPort } from '../../../src/keys/rotation.ts';
import type { MacsecConfig, SaConfig } from '../../../src/macsec/config.ts';
import { macsecConfig, rxScOf, saOf } from '../macsec/kit.ts';

const GRACE_MS = 1000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The SA that end `from` sends with in its `generation`-th set of keys. */
function keyOf(from: number, generation: number): SaConfig {
  const sak = createSecretKey(Buffer.from([from, generation & 255, generation >> 8, ...Array(13).fill(1)]));
  return saOf({ an: generation % 4, keyId: generation.toString(16).padStart(4, '0'), sak });
}

interface Frame {
  readonly an: number;
  readonly sak: SaConfig['sak'];
}

/** One end: what a daemon does for a Rotation, and a lane that knows nothing but the SAs it was given. */
class End implements RotationPort {
  /** How many key changes were begun here. */
  generation = 0;
  rotation: Rotation | null = null;
  /** Frames on their way to this end. */
  readonly incoming: Frame[] = [];
  /** Why a frame could not be received. */
  readonly lost: string[] = [];
  readonly #number: number;
  #config: MacsecConfig;
  /** Frames accepted, by RxSA. */
  #accepted = new Map<SaConfig['sak'], number>();
  #turn: Promise<void> = Promise.resolve();

  constructor(number: number) {
    this.#number = number;
    this.#config = macsecConfig({
      txSa: [keyOf(number, 0)],
      rxSc: [rxScOf([keyOf(1 - number, 0)])],
    });
  }

  get sci(): string {
    return this.#config.rxSc[0]!.sci;
  }

  get rxAns(): number[] {
    return this.#config.rxSc[0]!.sa.map(({ an }) => an);
  }

  config(): MacsecConfig {
    return this.#config;
  }

  async apply(config: MacsecConfig): Promise<void> {
    await Promise.resolve();
    this.#config = config;
  }

  accepted(_sci: string, an: number): number {
    const sa = this.#config.rxSc[0]!.sa.find((one) => one.an === an);
    return sa === undefined ? 0 : (this.#accepted.get(sa.sak) ?? 0);
  }

  inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step);
    return this.#turn;
  }

  /** `l2vpnd rotate [--now]` with the next keys; false where the daemon refuses, since a change is under way. */
  async rotate(now: boolean): Promise<boolean> {
    if (this.rotation !== null && this.rotation.state !== 'done') return false;
    this.generation++;
    const tx = keyOf(this.#number, this.generation);
    const rx = keyOf(1 - this.#number, this.generation);
    const request = { tunnel: 'peer', tx, rx, sci: this.sci, now, graceMs: GRACE_MS };
    this.rotation = new Rotation(request, this, (error) => this.lost.push(String(error)));
    await this.rotation.start();
    return true;
  }

  /** What the transmit lane sends now. */
  send(): Frame {
    const { txSa, encodingSa } = this.#config;
    const { an, sak } = txSa.find((sa) => sa.an === encodingSa)!;
    return { an, sak };
  }

  /** What the receive lane does with the first frame that waits. */
  receive(): void {
    const frame = this.incoming.shift();
    if (frame === undefined) return;
    const sa = this.#config.rxSc[0]!.sa.find(({ an }) => an === frame.an);
    if (sa === undefined) this.lost.push(`InPktsNotUsingSA: AN ${frame.an}`);
    else if (!sa.sak.equals(frame.sak)) this.lost.push(`InPktsNotValid: AN ${frame.an}`);
    else this.#accepted.set(sa.sak, (this.#accepted.get(sa.sak) ?? 0) + 1);
  }
}

type Step =
  | { readonly do: 'rotate' | 'send'; readonly end: 0 | 1 }
  | { readonly do: 'receive'; readonly end: 0 | 1; readonly frames: number }
  | { readonly do: 'wait'; readonly ms: number };

const end = fc.constantFrom<0 | 1>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const), end }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), end }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('receive' as const),
      end,
      frames: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 60, 500, 1100) }),
  },
);

/** Two ends, a link that keeps the order, and the rule that a man at both of them follows: second is `--now`. */
class World {
  readonly ends: readonly [End, End] = [new End(0), new End(1)];

  peerOf(one: End): End {
    return this.ends[0] === one ? this.ends[1] : this.ends[0];
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      await this.#do(one);
      for (const at of this.ends) this.#expectOldKeysWhileNeeded(at);
    }
  }

  /** Frames flow both ways until nothing changes any more. */
  async settle(): Promise<void> {
    for (let i = 0; i < 60; i++) {
      for (const at of this.ends) this.peerOf(at).incoming.push(at.send());
      for (const at of this.ends) while (at.incoming.length > 0) at.receive();
      await vi.advanceTimersByTimeAsync(50);
    }
  }

  async #do(one: Step): Promise<void> {
    if (one.do === 'wait') {
      await vi.advanceTimersByTimeAsync(one.ms);
      return;
    }
    const at = this.ends[one.end];
    const peer = this.peerOf(at);
    if (one.do === 'send') peer.incoming.push(at.send());
    else if (one.do === 'receive') for (let i = 0; i < one.frames; i++) at.receive();
    // Nobody begins the next change while the other end has not begun this one.
    else if (at.generation <= peer.generation) await at.rotate(peer.generation > at.generation);
  }

  /** The keys of a generation go only when both ends send with a later one. */
  #expectOldKeysWhileNeeded(at: End): void {
    const peer = this.peerOf(at);
    expect(at.rxAns).toContain(peer.config().encodingSa);
    for (const { an } of at.incoming) expect(at.rxAns).toContain(an);
    expect(at.config().txSa.map(({ an }) => an)).toContain(at.config().encodingSa);
  }
}

/** The first end is done and begins the next change (or has frames in flight) while the second still awaits its first frame. */
const onceMisjudged: [Step[]][] = [
  [
    [
      { do: 'rotate', end: 0 },
      { do: 'rotate', end: 1 },
      { do: 'send', end: 1 },
      { do: 'receive', end: 0, frames: 1 },
      { do: 'wait', ms: 1100 },
      { do: 'rotate', end: 0 },
    ],
  ],
  [
    [
      { do: 'rotate', end: 0 },
      { do: 'rotate', end: 1 },
      { do: 'send', end: 1 },
      { do: 'send', end: 0 },
      { do: 'receive', end: 0, frames: 1 },
      { do: 'wait', ms: 1100 },
    ],
  ],
];

describe('a key change between two ends', () => {
  it('loses no frame and ends with one SA each way, whatever comes first and however long frames travel', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const world = new World();
        await world.run(steps);
        const [one, two] = world.ends;
        // The last frames may be on their way, and an end that still waits for them refuses the next change.
        await world.settle();
        // Whoever has not begun what the other has does so now.
        for (const at of world.ends) {
          if (at.generation < world.peerOf(at).generation) expect(await at.rotate(true)).toBe(true);
        }
        await world.settle();
        expect([one.lost, two.lost]).toEqual([[], []]);
        expect(one.generation).toBe(two.generation);
        for (const at of world.ends) {
          expect(at.config().txSa.map(({ an }) => an)).toEqual([one.generation % 4]);
          expect(at.rxAns).toEqual([one.generation % 4]);
          expect(at.rotation?.state ?? 'done').toBe('done');
          at.rotation?.stop();
        }
      }),
      { numRuns: 1000, examples: onceMisjudged },
    );
  });

  it('goes through AN 0, 1, 2, 3 and 0 again', async () => {
    const world = new World();
    const [one, two] = world.ends;
    for (let change = 1; change <= 6; change++) {
      await one.rotate(false);
      await two.rotate(true);
      await world.settle();
      expect([one, two].map((at) => at.config().encodingSa)).toEqual([change % 4, change % 4]);
    }
    expect([...one.lost, ...two.lost]).toEqual([]);
  });

  it('the model would notice: --now at the end that begins loses frames', async () => {
    const [one, two] = new World().ends;
    await one.rotate(true);
    two.incoming.push(one.send());
    two.receive();
    expect(two.lost).toEqual(['InPktsNotUsingSA: AN 1']);
    one.rotation?.stop();
  });

  it('without --now at either end both wait, and nothing is lost; --now sets them going', async () => {
    const world = new World();
    for (const at of world.ends) await at.rotate(false);
    await world.settle();
    for (const at of world.ends) {
      expect(at.lost).toEqual([]);
      expect(at.config().encodingSa).toBe(0);
      expect(at.rotation?.state).toBe('waiting for the peer');
    }
    await world.ends[1].rotation?.moveNow();
    await world.settle();
    for (const at of world.ends) {
      expect(at.lost).toEqual([]);
      expect(at.config().encodingSa).toBe(1);
      expect(at.rotation?.state).toBe('done');
    }
  });
});

describe('a rotation at one end', () => {
  it('installs both new SAs at once and moves transmit with the first frame on the new AN', async () => {
    const [one, two] = new World().ends;
    await one.rotate(false);
    expect(one.config().txSa.map(({ an }) => an)).toEqual([0, 1]);
    expect(one.rxAns).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(one.config().encodingSa).toBe(0);
    await two.rotate(true);
    one.incoming.push(two.send());
    one.receive();
    await vi.advanceTimersByTimeAsync(60);
    expect(one.config().encodingSa).toBe(1);
    expect(one.rotation?.state).toBe('grace time');
    await vi.advanceTimersByTimeAsync(GRACE_MS - 100);
    expect(one.rxAns).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(300);
    expect(one.rxAns).toEqual([1]);
    expect(one.rotation?.state).toBe('done');
    two.rotation?.stop();
  });

  it('that has moved keeps the old SAs until its peer moves, however long that takes', async () => {
    const [one] = new World().ends;
    await one.rotate(true);
    await vi.advanceTimersByTimeAsync(100 * GRACE_MS);
    expect(one.rxAns).toEqual([0, 1]);
    expect(one.rotation?.state).toBe('grace time');
    one.rotation?.stop();
  });

  it('is refused where the AN has an SA, and changes nothing', async () => {
    const at = new End(0);
    const before = at.config();
    const sa = { ...keyOf(0, 4), an: 0 };
    const request = { tunnel: 'peer', tx: sa, rx: sa, sci: at.sci, now: true, graceMs: 0 };
    const refused = await new Rotation(request, at, () => {}).start().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(L2vpnError);
    expect(refused).toMatchObject({ code: 'L2VPN_CONFIG', message: expect.stringMatching(/AN 0 has an SA/) });
    expect(at.config()).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is stopped does nothing more, even when it was about to', async () => {
    const world = new World();
    const [one, two] = world.ends;
    await one.rotate(false);
    await two.rotate(true);
    one.incoming.push(two.send());
    one.receive();
    // The turn belongs to somebody else when the timer fires, and that one ends the rotation.
    let release = (): void => {};
    const busy = one.inTurn(() => new Promise<void>((resolve) => (release = resolve)));
    await vi.advanceTimersByTimeAsync(60);
    one.rotation?.stop();
    release();
    await busy;
    await vi.advanceTimersByTimeAsync(10 * GRACE_MS);
    expect(one.config().encodingSa).toBe(0);
    expect(one.rxAns).toEqual([0, 1]);
    two.rotation?.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
