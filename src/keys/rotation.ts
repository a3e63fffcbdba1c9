/**
 * A key change without loss (802.1AE 10.7.22, as MKA orders it): receive first, then transmit.
 *
 *   1. the new receive SA is installed on the next AN, then the new transmit SA beside the old one
 *   2. transmit moves to the new AN at once (`now`, or where the old SA's packet numbers are used up: nothing is lost
 *      by it), or when the peer's first frame on its new SA has come, which proves that the peer has done 1
 *   3. the old SAs are retired, a grace time after transmit has moved and the peer has too
 *
 * So: `rotate` at one end, then `rotate --now` at the other. Two ends that wait for each other: `rotate --now` again.
 */
import type { RotationState } from '../api/rotate.ts';
import { L2vpnError } from '../errors.ts';
import type { SaConfig } from '../macsec/config.ts';
import type { InTurn } from '../tunnel/in-turn.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import { rxSasOf } from '../tunnel/sa-set.ts';

export interface RotationRequest {
  /** The new SAs; `an` of both is the same. */
  readonly tx: SaConfig;
  readonly rx: SaConfig;
  /** Which RxSC: 16 hex digits. */
  readonly sci: string;
  readonly now: boolean;
  readonly graceMs: number;
}

export interface RotationContext {
  readonly sas: SaControl;
  /** Runs a step when nothing else changes the tunnel. */
  readonly inTurn: InTurn;
  /** Hears what goes wrong after `start` has resolved. */
  failed(error: unknown): void;
}

const POLL_MS = 50;

export class Rotation {
  readonly an: number;
  state: RotationState = 'waiting for the peer';
  readonly request: RotationRequest;
  readonly #context: RotationContext;
  readonly #sas: SaControl;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #oldTx: readonly number[] = [];
  #oldRx: readonly number[] = [];

  constructor(request: RotationRequest, context: RotationContext) {
    this.an = request.tx.an;
    this.request = request;
    this.#context = context;
    this.#sas = context.sas;
  }

  /**
   * Step 1, and with `now` step 2, in the caller's turn; the rest follows by itself. Throws L2VPN_CONFIG where an SA has
   * the AN already, and what SaControl throws; the SAs are as they were then.
   */
  async start(): Promise<void> {
    const { sci, now } = this.request;
    const { txSa } = this.#sas.sas;
    this.#oldTx = txSa.map(({ an }) => an);
    this.#oldRx = rxSasOf(this.#sas.sas, sci).map(({ an }) => an);
    if (this.#oldTx.includes(this.an) || this.#oldRx.includes(this.an)) {
      throw new L2vpnError(
        'L2VPN_CONFIG',
        `AN ${this.an} has an SA already; wait for the last rotation, or name another --an`,
      );
    }
    await this.#install();
    if (now || !this.#sas.canEncode) await this.#moveTransmit();
    else this.#poll(() => this.#awaitPeer());
  }

  /** Step 2 without waiting, in the caller's turn. */
  async moveNow(): Promise<void> {
    if (this.state === 'waiting for the peer') await this.#moveTransmit();
  }

  /** Ends the rotation; SAs stay as they are. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  async #install(): Promise<void> {
    const { tx, rx, sci } = this.request;
    await this.#sas.installRx(sci, rx);
    try {
      await this.#sas.installTx(tx);
    } catch (error) {
      await this.#sas.retireRx(sci, rx.an);
      throw error;
    }
  }

  async #awaitPeer(): Promise<void> {
    if (this.#peerHasMoved() || !this.#sas.canEncode) await this.#moveTransmit();
  }

  async #moveTransmit(): Promise<void> {
    this.#stopTimer();
    await this.#sas.transmitWith(this.an);
    this.state = 'grace time';
    let movedMs: number | null = null;
    this.#poll(async () => {
      if (!this.#peerHasMoved()) return;
      movedMs ??= performance.now();
      if (performance.now() - movedMs >= this.request.graceMs) await this.#retire();
    });
  }

  async #retire(): Promise<void> {
    this.#stopTimer();
    for (const an of this.#oldTx) await this.#sas.retireTx(an);
    for (const an of this.#oldRx) await this.#sas.retireRx(this.request.sci, an);
    this.state = 'done';
  }

  #peerHasMoved(): boolean {
    return this.#sas.accepted(this.request.sci, this.an) > 0;
  }

  /** Runs `step` every now and then, in turn, until the timer is stopped. */
  #poll(step: () => Promise<void>): void {
    let busy = false;
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.#context
        .inTurn(async () => {
          if (!this.#stopped) await step();
        })
        .catch((error: unknown) => this.#context.failed(error))
        .finally(() => {
          busy = false;
        });
    }, POLL_MS);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
