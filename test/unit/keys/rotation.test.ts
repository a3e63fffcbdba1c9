/** A key change as two ends see it (802.1AE 10.7.22): whatever the order of events, no frame meets an end that lacks its key. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { L2vpnError } from '../../../src/errors.ts';
import { Rotation, type RotationContext } from '../../../src/keys/rotation.ts';
import type { SaConfig } from '../../../src/macsec/config.ts';
import { clearRxSa, countersAt, RxSaCounter } from '../../../src/macsec/counters.ts';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import type { SecySpec } from '../../../src/macsec/secy.ts';
import type { PendingRotation } from '../../../src/state/rotation-record.ts';
import { type InTurn, oneAfterAnother } from '../../../src/tunnel/in-turn.ts';
import { TunnelSaControl } from '../../../src/tunnel/sa-control.ts';
import type { SaSet } from '../../../src/tunnel/sa-set.ts';
import { SecyControl } from '../../../src/tunnel/secy-control.ts';
import { macsecConfig, rxScOf, SCI, saOf } from '../macsec/kit.ts';
import { MemoryLanes, MemoryState, OWN_SCI } from '../tunnel/kit.ts';

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

/** One end: the real control of its SAs, over lanes that know nothing but the SAs they were given. */
class End {
  /** How many key changes were begun here. */
  generation = 0;
  rotation: Rotation | null = null;
  /** Frames on their way to this end. */
  readonly incoming: Frame[] = [];
  /** Why a frame could not be received. */
  readonly lost: string[] = [];
  /** Steps that failed. */
  readonly faults: string[] = [];
  /** What was made durable, in order, and the keys retired for good. */
  readonly kept: { sas: SaSet; pending: PendingRotation | null }[] = [];
  readonly retired: string[] = [];
  diskFull = false;
  readonly inTurn: InTurn = oneAfterAnother();
  readonly lanes = new MemoryLanes();
  readonly state: MemoryState;
  readonly sas: TunnelSaControl;
  readonly #secy: SecyControl;
  readonly #number: number;

  private constructor(number: number, state: MemoryState) {
    this.#number = number;
    this.state = state;
    this.#secy = new SecyControl(macsecConfig(), OWN_SCI, this.state, this.lanes);
    this.sas = new TunnelSaControl(this.#secy);
    this.lanes.onConfigure = async (spec) => {
      await Promise.resolve();
      this.#clearNewSas(spec);
    };
  }

  static async open(number: 0 | 1, state = new MemoryState()): Promise<End> {
    const end = new End(number, state);
    const rxSc = [rxScOf([keyOf(1 - number, 0)])];
    await end.sas.replace({ encodingSa: 0, txSa: [keyOf(number, 0)], rxSc });
    return end;
  }

  /** As the lanes work by it. */
  get running(): SaSet {
    return this.lanes.specs.at(-1)!.config;
  }

  get rxAns(): number[] {
    return this.#rxSas.map(({ an }) => an);
  }

  get txAns(): number[] {
    return this.running.txSa.map(({ an }) => an);
  }

  get context(): RotationContext {
    const failed = (error: unknown): void => {
      this.faults.push(String(error));
    };
    const keep: RotationContext['keep'] = async (sas, pending) => {
      if (this.diskFull) throw new L2vpnError('L2VPN_STATE', 'ENOSPC');
      this.kept.push({ sas, pending });
    };
    const retire: RotationContext['retire'] = async (sas) => {
      if (this.diskFull) throw new L2vpnError('L2VPN_STATE', 'ENOSPC');
      this.retired.push(...sas.txSa.map(({ keyId }) => keyId));
    };
    const wentBack = (): void => {};
    return { sas: this.sas, inTurn: this.inTurn, keep, retire, failed, wentBack };
  }

  /** `l2vpnd rotate [--now]` with the next keys; false where the daemon refuses, since a change is under way. */
  async rotate(now: boolean): Promise<boolean> {
    if (this.rotation !== null && !this.rotation.ended) return false;
    this.generation++;
    const tx = keyOf(this.#number, this.generation);
    const rx = keyOf(1 - this.#number, this.generation);
    this.rotation = new Rotation({ tx, rx, sci: SCI, now, graceMs: GRACE_MS, backMs: 0 }, this.context);
    await this.rotation.start();
    return true;
  }

  /** What the transmit lane sends now. */
  send(): Frame {
    const { txSa, encodingSa } = this.running;
    const { an, sak } = txSa.find((sa) => sa.an === encodingSa)!;
    return { an, sak };
  }

  /** What the receive lane does with the first frame that waits. */
  receive(): void {
    const frame = this.incoming.shift();
    if (frame === undefined) return;
    const sa = this.#rxSas.find(({ an }) => an === frame.an);
    if (sa === undefined) this.lost.push(`InPktsNotUsingSA: AN ${frame.an}`);
    else if (!sa.sak.equals(frame.sak)) this.lost.push(`InPktsNotValid: AN ${frame.an}`);
    else this.lanes.published[this.#okAt(frame.an)]! += 1;
  }

  get #rxSas(): SaConfig[] {
    return this.running.rxSc[0]!.sa;
  }

  /** As `configureSecy` does: an SA that was not there before counts from 0. */
  #clearNewSas({ config, rxShare }: SecySpec): void {
    const known =
      this.lanes.specs
        .at(-1)
        ?.rxShare.flat()
        .map(({ serial }) => serial) ?? [];
    config.rxSc.forEach(({ sci, sa }, i) => {
      sa.forEach(({ an }, j) => {
        if (known.includes(rxShare[i]![j]!.serial)) return;
        clearRxSa(this.lanes.published, this.#secy.rxPlace(sci), an);
      });
    });
  }

  #okAt(an: number): number {
    return countersAt.rxSa(this.#secy.rxPlace(SCI), an) + RxSaCounter.inPktsOk;
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
  readonly ends: readonly [End, End];

  private constructor(ends: readonly [End, End]) {
    this.ends = ends;
  }

  static async open(): Promise<World> {
    return new World([await End.open(0), await End.open(1)]);
  }

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
    expect(at.rxAns).toContain(peer.running.encodingSa);
    for (const { an } of at.incoming) expect(at.rxAns).toContain(an);
    expect(at.txAns).toContain(at.running.encodingSa);
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
        const world = await World.open();
        await world.run(steps);
        const [one, two] = world.ends;
        // The last frames may be on their way, and an end that still waits for them refuses the next change.
        await world.settle();
        // Whoever has not begun what the other has does so now.
        for (const at of world.ends) {
          if (at.generation < world.peerOf(at).generation) expect(await at.rotate(true)).toBe(true);
        }
        await world.settle();
        expect([one.lost, two.lost, one.faults, two.faults]).toEqual([[], [], [], []]);
        expect(one.generation).toBe(two.generation);
        for (const at of world.ends) {
          expect(at.txAns).toEqual([one.generation % 4]);
          expect(at.rxAns).toEqual([one.generation % 4]);
          expect(at.rotation?.state ?? 'done').toBe('done');
          at.rotation?.stop();
        }
      }),
      { numRuns: 1000, examples: onceMisjudged },
    );
  });

  it('goes through AN 0, 1, 2, 3 and 0 again', async () => {
    const world = await World.open();
    const [one, two] = world.ends;
    for (let change = 1; change <= 6; change++) {
      await one.rotate(false);
      await two.rotate(true);
      await world.settle();
      expect([one, two].map((at) => at.running.encodingSa)).toEqual([change % 4, change % 4]);
    }
    expect([...one.lost, ...two.lost]).toEqual([]);
  });

  it('the model would notice: --now at the end that begins loses frames', async () => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(true);
    two.incoming.push(one.send());
    two.receive();
    expect(two.lost).toEqual(['InPktsNotUsingSA: AN 1']);
    one.rotation?.stop();
  });

  it('without --now at either end both wait, and nothing is lost; --now sets them going', async () => {
    const world = await World.open();
    for (const at of world.ends) await at.rotate(false);
    await world.settle();
    for (const at of world.ends) {
      expect(at.lost).toEqual([]);
      expect(at.running.encodingSa).toBe(0);
      expect(at.rotation?.state).toBe('waiting for the peer');
    }
    await world.ends[1].rotation?.moveNow();
    await world.settle();
    for (const at of world.ends) {
      expect(at.lost).toEqual([]);
      expect(at.running.encodingSa).toBe(1);
      expect(at.rotation?.state).toBe('done');
    }
  });
});

describe('a rotation at one end', () => {
  it('of an SA whose packet numbers are used up moves transmit at once: there is nothing to lose', async () => {
    const state = new MemoryState();
    state.stored.set(`tx ${keyOf(0, 0).keyId}`, 2n ** 32n);
    const one = await End.open(0, state);
    expect(one.sas.canEncode).toBe(false);
    await one.rotate(false);
    expect(one.running.encodingSa).toBe(1);
    expect(one.rotation?.state).toBe('grace time');
    expect(one.sas.canEncode).toBe(true);
    one.rotation?.stop();
  });

  it('moves transmit when the old numbers are used up while it waits for the peer', async () => {
    const [one] = (await World.open()).ends;
    await one.rotate(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(one.rotation?.state).toBe('waiting for the peer');
    vi.spyOn(one.sas, 'canEncode', 'get').mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(60);
    expect(one.running.encodingSa).toBe(1);
    expect(one.rotation?.state).toBe('grace time');
    one.rotation?.stop();
  });

  it('installs both new SAs at once and moves transmit with the first frame on the new AN', async () => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(false);
    expect(one.txAns).toEqual([0, 1]);
    expect(one.rxAns).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(one.running.encodingSa).toBe(0);
    await two.rotate(true);
    one.incoming.push(two.send());
    one.receive();
    await vi.advanceTimersByTimeAsync(60);
    expect(one.running.encodingSa).toBe(1);
    expect(one.rotation?.state).toBe('grace time');
    await vi.advanceTimersByTimeAsync(GRACE_MS - 100);
    expect(one.rxAns).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(300);
    expect(one.rxAns).toEqual([1]);
    expect(one.rotation?.state).toBe('done');
    two.rotation?.stop();
  });

  it('that has moved keeps the old SAs until its peer moves, however long that takes', async () => {
    const [one] = (await World.open()).ends;
    await one.rotate(true);
    await vi.advanceTimersByTimeAsync(100 * GRACE_MS);
    expect(one.rxAns).toEqual([0, 1]);
    expect(one.rotation?.state).toBe('grace time');
    one.rotation?.stop();
  });

  it('is refused where the AN has an SA, and changes nothing', async () => {
    const at = await End.open(0);
    const before = at.running;
    const sa = { ...keyOf(0, 4), an: 0 };
    const request = { tx: sa, rx: sa, sci: SCI, now: true, graceMs: 0, backMs: 0 };
    const refused = await new Rotation(request, at.context).start().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(L2vpnError);
    expect(refused).toMatchObject({ code: 'L2VPN_CONFIG', message: expect.stringMatching(/AN 0 has an SA/) });
    expect(at.running).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that cannot have its transmit SA leaves no receive SA behind', async () => {
    const at = await End.open(0);
    const [tx, rx] = [keyOf(0, 1), keyOf(1, 1)];
    // The key is another's already.
    await at.state.openTx({ sak: tx.sak, sci: OWN_SCI, ssci: null, keyId: tx.keyId }, 1n);
    const rotation = new Rotation({ tx, rx, sci: SCI, now: true, graceMs: 0, backMs: 0 }, at.context);
    await expect(rotation.start()).rejects.toThrow(/open already/);
    expect([at.txAns, at.rxAns, at.running.encodingSa]).toEqual([[0], [0], 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('orders each step by itself: receive, transmit ready, transmit, old transmit away, old receive away', async () => {
    const [one, two] = (await World.open()).ends;
    await two.rotate(false);
    const from = one.lanes.specs.length;
    await one.rotate(true);
    one.incoming.push({ an: 1, sak: keyOf(1, 1).sak });
    one.receive();
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    const steps = one.lanes.specs.slice(from).map(({ config: { txSa, rxSc, encodingSa } }) => ({
      rx: rxSc[0]!.sa.map(({ an }) => an),
      tx: txSa.map(({ an }) => an),
      encodingSa,
    }));
    expect(steps).toEqual([
      { rx: [0, 1], tx: [0], encodingSa: 0 },
      { rx: [0, 1], tx: [0, 1], encodingSa: 0 },
      { rx: [0, 1], tx: [0, 1], encodingSa: 1 },
      { rx: [0, 1], tx: [1], encodingSa: 1 },
      { rx: [1], tx: [1], encodingSa: 1 },
    ]);
    two.rotation?.stop();
  });

  it('that is stopped does nothing more, even when it was about to', async () => {
    const world = await World.open();
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
    expect(one.running.encodingSa).toBe(0);
    expect(one.rxAns).toEqual([0, 1]);
    two.rotation?.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** Lets one frame of `from` come at `to`. */
function deliver(from: End, to: End): void {
  to.incoming.push(from.send());
  to.receive();
}

describe('a rotation whose peer does not follow', () => {
  const BACK_MS = 5000;

  async function ahead(): Promise<[End, End]> {
    const [one, two] = (await World.open()).ends;
    one.rotation = new Rotation(
      {
        ...{ tx: keyOf(0, 1), rx: keyOf(1, 1), sci: SCI, now: true },
        ...{ graceMs: GRACE_MS, backMs: BACK_MS },
      },
      one.context,
    );
    await one.rotation.start();
    return [one, two];
  }

  it('goes back to the old key after its time, receives with both, and follows when the peer comes', async () => {
    const [one, two] = await ahead();
    await vi.advanceTimersByTimeAsync(BACK_MS - 100);
    expect(one.running.encodingSa).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(one.running.encodingSa).toBe(0);
    expect([one.txAns, one.rxAns, one.rotation?.wentBack]).toEqual([[0, 1], [0, 1], true]);
    deliver(one, two);
    expect(two.lost).toEqual([]);
    await two.rotate(true);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(60);
    expect(one.running.encodingSa).toBe(1);
    deliver(one, two);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    expect([one, two].map((at) => [at.rotation?.state, at.txAns, at.rxAns])).toEqual([
      ['done', [1], [1]],
      ['done', [1], [1]],
    ]);
  });

  it('stays ahead where the peer has followed, however silent it is then', async () => {
    const [one, two] = await ahead();
    await two.rotate(false);
    deliver(one, two);
    await vi.advanceTimersByTimeAsync(60);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(10 * BACK_MS);
    expect([one.running.encodingSa, two.running.encodingSa]).toEqual([1, 1]);
  });

  it('moves at once where the old key has no packet numbers left', async () => {
    const [one] = (await World.open()).ends;
    await one.sas.replace({
      encodingSa: 0,
      txSa: [{ ...keyOf(0, 0), keyId: 'ee', pn: 2n ** 32n - 1n, sak: keyOf(0, 9).sak }],
      rxSc: one.sas.sas.rxSc,
    });
    new PnBlock(one.lanes.specs.at(-1)!.txShare[0]!.pn!, 1, false).available();
    await one.rotate(false);
    await vi.advanceTimersByTimeAsync(60);
    expect(one.running.encodingSa).toBe(1);
    one.rotation?.stop();
  });
});

describe('a rotation that is aborted', () => {
  it.each([
    ['while it waits', false],
    ['when transmit has moved and the peer has not', true],
  ])('%s leaves the SAs as they were, on disk too', async (_, now) => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(now);
    await one.rotation?.abort();
    expect([one.rotation?.state, one.txAns, one.rxAns, one.running.encodingSa]).toEqual([
      'aborted',
      [0],
      [0],
      0,
    ]);
    expect(one.kept.at(-1)).toMatchObject({ sas: { encodingSa: 0, txSa: [{ an: 0 }] }, pending: null });
    deliver(one, two);
    expect([two.lost, vi.getTimerCount()]).toEqual([[], 0]);
    await one.rotate(false);
    expect(one.txAns).toEqual([0, 2]);
    one.rotation?.stop();
  });

  it('on a disk that takes nothing is not, and follows the peer as before', async () => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(false);
    one.diskFull = true;
    await expect(one.rotation?.abort()).rejects.toThrow('ENOSPC');
    expect([one.rotation?.state, one.txAns]).toEqual(['waiting for the peer', [0, 1]]);
    one.diskFull = false;
    await two.rotate(true);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(60);
    expect(one.running.encodingSa).toBe(1);
    one.rotation?.stop();
    two.rotation?.stop();
  });

  it('is refused when both ends transmit with their new keys', async () => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(false);
    await two.rotate(true);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(60);
    await expect(one.rotation?.abort()).rejects.toMatchObject({ code: 'L2VPN_BUSY' });
    deliver(one, two);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    expect([one.rotation?.state, two.rotation?.state]).toEqual(['done', 'done']);
  });
});

describe('a rotation on a disk', () => {
  it('keeps each step before it is done, and retires the old keys when they have gone', async () => {
    const [one, two] = (await World.open()).ends;
    const before = (end: End): string => `${end.kept.length}`;
    one.lanes.onConfigure = async () => void steps.push(`${before(one)}`);
    const steps: string[] = [];
    await one.rotate(false);
    await two.rotate(true);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    expect(
      one.kept.map(({ sas, pending }) => [sas.encodingSa, sas.txSa.map(({ an }) => an), pending?.moved]),
    ).toEqual([
      [0, [0, 1], false],
      [1, [0, 1], true],
      [1, [1], undefined],
    ]);
    // Receive and transmit SA; the move; the old ones, one by one.
    expect(steps).toEqual(['0', '0', '2', '3', '3']);
    expect(one.retired).toEqual(['0000']);
    two.rotation?.stop();
  });

  it('that takes nothing does not begin, and changes nothing', async () => {
    const [one] = (await World.open()).ends;
    one.diskFull = true;
    await expect(one.rotate(false)).rejects.toThrow('ENOSPC');
    expect([one.txAns, one.rxAns, vi.getTimerCount()]).toEqual([[0], [0], 0]);
  });

  it('that fills in its middle goes on when there is room again', async () => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(false);
    one.diskFull = true;
    await two.rotate(true);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(3000);
    expect([one.running.encodingSa, one.faults.length]).toEqual([0, 3]);
    one.diskFull = false;
    await vi.advanceTimersByTimeAsync(1100);
    expect(one.running.encodingSa).toBe(1);
    one.rotation?.stop();
    two.rotation?.stop();
  });

  it.each([false, true])('goes on after a restart in its middle (moved: %s)', async (moved) => {
    const [one, two] = (await World.open()).ends;
    await one.rotate(moved);
    one.rotation?.stop();
    const { sas, pending } = one.kept.at(-1)!;
    expect(sas).toEqual(one.sas.sas);
    one.rotation = Rotation.resume(pending!, one.context);
    expect(one.rotation.pending).toEqual(pending);
    await two.rotate(true);
    deliver(two, one);
    await vi.advanceTimersByTimeAsync(60);
    deliver(one, two);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    expect([one, two].map((at) => [at.rotation?.state, at.txAns, at.rxAns])).toEqual([
      ['done', [1], [1]],
      ['done', [1], [1]],
    ]);
    expect([one.lost, two.lost]).toEqual([[], []]);
  });
});
