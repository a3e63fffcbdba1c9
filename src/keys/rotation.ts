/**
 * A key change without loss (802.1AE 10.7.22, as MKA orders it): receive first, then transmit.
 *
 *   1. the new receive SA is installed on the next AN, then the new transmit SA beside the old one
 *   2. transmit moves to the new AN at once (`now`), or when the peer's first frame on its new SA has come, which
 *      proves that the peer has done 1; or when the old SA has no packet numbers left
 *   3. the old SAs are retired, a grace time after transmit has moved and the peer has too
 *
 * So: `rotate` at one end, then `rotate --now` at the other. Two ends that wait for each other: `rotate --now` again. An
 * end that was moved by `now` and sees nothing of its peer goes back to 2 after a while; it goes on receiving with both
 * keys, and moves again with the peer. Each step is kept on disk before it is done, so that a restart goes on with it.
 */
import type { RotationState } from '../api/rotate.ts';
import { L2vpnError } from '../errors.ts';
import type { SaConfig } from '../macsec/config.ts';
import type { PendingRotation } from '../state/rotation-record.ts';
import type { InTurn } from '../tunnel/in-turn.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import { rxSasOf, type SaSet, withoutRx, withoutTx } from '../tunnel/sa-set.ts';

export interface RotationRequest {
  /** The new SAs; `an` of both is the same. */
  readonly tx: SaConfig;
  readonly rx: SaConfig;
  /** Which RxSC: 16 hex digits. */
  readonly sci: string;
  readonly now: boolean;
  readonly graceMs: number;
  /** How long transmit, moved by `now`, may be ahead of the peer before it goes back; 0: for ever. */
  readonly backMs: number;
}

export interface RotationContext {
  readonly sas: SaControl;
  /** Runs a step when nothing else changes the tunnel. */
  readonly inTurn: InTurn;
  /** Makes durable that `sas` are to run, with the rotation under way or, null, ended. Rejects with L2VPN_STATE. */
  keep(sas: SaSet, pending: PendingRotation | null): Promise<void>;
  /** Records that the keys of `sas` must not come back. Rejects with L2VPN_STATE. */
  retire(sas: SaSet): Promise<void>;
  /** A step that nobody awaits has failed; it is tried again. */
  failed(error: unknown): void;
  /** Transmit went back: the peer did not follow. */
  wentBack(): void;
}

const POLL_MS = 50;
/** After a step that failed. */
const RETRY_MS = 1000;

export class Rotation {
  readonly request: RotationRequest;
  state: RotationState = 'waiting for the peer';
  wentBack = false;
  readonly #context: RotationContext;
  readonly #sas: SaControl;
  /** The AN that transmit goes back to. */
  readonly #before: number;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  /** When transmit moved and when the peer was seen to have, `performance.now()`. */
  #movedMs = 0;
  #peerMovedMs: number | null = null;

  /** `before`: the AN that is transmitted with unless this rotation has moved it already. */
  constructor(
    request: RotationRequest,
    context: RotationContext,
    before: number = context.sas.sas.encodingSa,
  ) {
    this.request = request;
    this.#context = context;
    this.#sas = context.sas;
    this.#before = before;
  }

  /** Goes on with a rotation whose SAs are installed: the process was restarted in its middle. */
  static resume(pending: PendingRotation, context: RotationContext): Rotation {
    const { an, sci, graceMs, backMs, moved, before } = pending;
    const { sas } = context.sas;
    const tx = sas.txSa.find((sa) => sa.an === an);
    const rx = rxSasOf(sas, sci).find((sa) => sa.an === an);
    if (tx === undefined || rx === undefined) throw new L2vpnError('L2VPN_INTERNAL', `no SA on AN ${an}`);
    const rotation = new Rotation({ tx, rx, sci, now: moved, graceMs, backMs }, context, before);
    if (moved) rotation.#followPeer();
    else rotation.#awaitPeer();
    return rotation;
  }

  get an(): number {
    return this.request.tx.an;
  }

  get ended(): boolean {
    return this.state === 'done' || this.state === 'aborted';
  }

  /**
   * Step 1, and with `now` step 2, in the caller's turn; the rest follows by itself. Throws L2VPN_CONFIG where an SA has
   * the AN already, and what SaControl and the disk throw; the SAs are as they were then.
   */
  async start(): Promise<void> {
    const { sci, now } = this.request;
    const { txSa } = this.#sas.sas;
    if ([...txSa, ...rxSasOf(this.#sas.sas, sci)].some(({ an }) => an === this.an)) {
      throw new L2vpnError(
        'L2VPN_CONFIG',
        `AN ${this.an} has an SA already; wait for the last rotation, or name another --an`,
      );
    }
    await this.#install();
    if (now || !this.#sas.canEncode) await this.#undoing(() => this.#moveTransmit());
    else this.#awaitPeer();
  }

  /** Step 2 without waiting, in the caller's turn. */
  async moveNow(): Promise<void> {
    if (this.state === 'waiting for the peer') await this.#moveTransmit();
  }

  /**
   * Back to the SAs before, in the caller's turn. Throws L2VPN_BUSY where the peer transmits with its new key and we do:
   * nothing is left to go back to.
   */
  async abort(): Promise<void> {
    if (this.ended) return;
    if (this.state === 'grace time' && this.#peerHasMoved()) {
      throw new L2vpnError(
        'L2VPN_BUSY',
        'both ends transmit with their new keys: the rotation ends by itself',
      );
    }
    const sas = this.#withoutNew({ ...this.#sas.sas, encodingSa: this.#before });
    await this.#context.keep(sas, null);
    this.#stopTimer();
    await this.#sas.transmitWith(this.#before);
    await this.#sas.retireTx(this.an);
    await this.#sas.retireRx(this.request.sci, this.an);
    this.state = 'aborted';
  }

  /** Ends the rotation; SAs stay as they are. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  /** After `stop`: it was not the end. */
  goOn(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    if (this.state === 'waiting for the peer') this.#awaitPeer();
    else if (this.state === 'grace time') this.#followPeer();
  }

  async #install(): Promise<void> {
    const { tx, rx, sci } = this.request;
    await this.#sas.installRx(sci, rx);
    await this.#undoing(async () => {
      await this.#sas.installTx(tx);
      await this.#context.keep(this.#sas.sas, this.#pending(false));
    });
  }

  /** Runs `step` of the start; takes the new SAs away again where it fails. */
  async #undoing(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#stopTimer();
      await this.#sas.retireRx(this.request.sci, this.an);
      await this.#sas.retireTx(this.an);
      throw error;
    }
  }

  #awaitPeer(): void {
    this.state = 'waiting for the peer';
    this.#poll(async () => {
      if (this.#peerHasMoved() || !this.#sas.canEncode) await this.#moveTransmit();
    });
  }

  async #moveTransmit(): Promise<void> {
    await this.#context.keep({ ...this.#sas.sas, encodingSa: this.an }, this.#pending(true));
    await this.#sas.transmitWith(this.an);
    this.#followPeer();
  }

  #followPeer(): void {
    this.state = 'grace time';
    this.#movedMs = performance.now();
    this.#poll(async () => {
      if (this.#peerHasMoved()) await this.#endGrace();
      else if (this.#isAlone()) await this.#goBack();
    });
  }

  async #endGrace(): Promise<void> {
    this.#peerMovedMs ??= performance.now();
    if (performance.now() - this.#peerMovedMs >= this.request.graceMs) await this.#retire();
  }

  /** Transmit is ahead of the peer, and has been for too long. */
  #isAlone(): boolean {
    const { now, backMs } = this.request;
    return now && backMs > 0 && !this.wentBack && performance.now() - this.#movedMs >= backMs;
  }

  async #goBack(): Promise<void> {
    await this.#context.keep({ ...this.#sas.sas, encodingSa: this.#before }, this.#pending(false));
    await this.#sas.transmitWith(this.#before);
    this.wentBack = true;
    this.#context.wentBack();
    this.#awaitPeer();
  }

  async #retire(): Promise<void> {
    const { sas } = this.#sas;
    const { sci } = this.request;
    const old = oldOf(sas, sci, this.an);
    await this.#context.keep(this.#withoutOld(sas), null);
    for (const { an } of old.txSa) await this.#sas.retireTx(an);
    for (const { an } of rxSasOf(old, sci)) await this.#sas.retireRx(sci, an);
    this.state = 'done';
    this.#poll(async () => {
      await this.#context.retire(old);
      this.#stopTimer();
    });
  }

  #withoutOld(sas: SaSet): SaSet {
    const { sci } = this.request;
    const old = oldOf(sas, sci, this.an);
    const fewer = old.txSa.reduce((left, { an }) => withoutTx(left, an), sas);
    return rxSasOf(old, sci).reduce((left, { an }) => withoutRx(left, sci, an), fewer);
  }

  #withoutNew(sas: SaSet): SaSet {
    return withoutRx(withoutTx(sas, this.an), this.request.sci, this.an);
  }

  /** The SAs when it is done. */
  get target(): SaSet {
    return { ...this.#withoutOld(this.#sas.sas), encodingSa: this.an };
  }

  /** As it is to be kept; null: it has ended. */
  get pending(): PendingRotation | null {
    return this.ended ? null : this.#pending(this.state === 'grace time');
  }

  #pending(moved: boolean): PendingRotation {
    const { sci, graceMs, backMs } = this.request;
    return { an: this.an, sci, moved, graceMs, backMs, before: this.#before };
  }

  #peerHasMoved(): boolean {
    return this.#sas.accepted(this.request.sci, this.an) > 0;
  }

  /** Runs `step` every now and then, in turn, until the timer is stopped or another step takes its place. */
  #poll(step: () => Promise<void>): void {
    this.#stopTimer();
    let busy = false;
    let notBeforeMs = 0;
    const timer = setInterval(() => {
      if (busy || performance.now() < notBeforeMs) return;
      busy = true;
      this.#context
        .inTurn(async () => {
          if (!this.#stopped && this.#timer === timer) await step();
        })
        .catch((error: unknown) => {
          notBeforeMs = performance.now() + RETRY_MS;
          this.#context.failed(error);
        })
        .finally(() => {
          busy = false;
        });
    }, POLL_MS);
    this.#timer = timer;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** The SAs that a rotation to `an` replaces. */
function oldOf(sas: SaSet, sci: string, an: number): SaSet {
  const rx = rxSasOf(sas, sci).filter((sa) => sa.an !== an);
  return {
    encodingSa: sas.encodingSa,
    txSa: sas.txSa.filter((sa) => sa.an !== an),
    rxSc: [{ sci, active: true, sa: [...rx] }],
  };
}
