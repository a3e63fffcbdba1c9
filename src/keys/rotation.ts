/**
 * A key change without loss (802.1AE 10.7.22, as MKA orders it): receive first, then transmit.
 *
 *   1. the new receive SA is installed on the next AN, and the new transmit SA beside the old one
 *   2. transmit moves to the new AN at once (`now`), or when the peer's first frame on its new SA has come, which
 *      proves that the peer has done 1
 *   3. the old SAs go, a grace time after transmit has moved and the peer has too
 *
 * So: `rotate` at one end, then `rotate --now` at the other. Two ends that wait for each other: `rotate --now` again.
 */

import { L2vpnError } from '../errors.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';

export interface RotationRequest {
  readonly tunnel: string;
  /** The new SAs; `an` of both is the same. */
  readonly tx: SaConfig;
  readonly rx: SaConfig;
  /** Which RxSC: 16 hex digits. */
  readonly sci: string;
  readonly now: boolean;
  readonly graceMs: number;
}

/** What a rotation does to its tunnel; the daemon implements it. */
export interface RotationPort {
  /** The SecY's configuration as it runs. */
  config(): MacsecConfig;
  /** Gives every lane this configuration; resolves when they work by it. */
  apply(config: MacsecConfig): Promise<void>;
  /** Frames accepted so far on RxSA `an` of `sci`. */
  accepted(sci: string, an: number): number;
  /** Runs `step` when nothing else changes the tunnel. */
  inTurn(step: () => Promise<void>): Promise<void>;
}

export type RotationState = 'waiting for the peer' | 'grace time' | 'done';

const POLL_MS = 50;

export class Rotation {
  readonly an: number;
  state: RotationState = 'waiting for the peer';
  readonly request: RotationRequest;
  readonly #port: RotationPort;
  readonly #failed: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #oldTx: readonly number[] = [];
  #oldRx: readonly number[] = [];

  /** `failed` hears what goes wrong after `start` has resolved. */
  constructor(request: RotationRequest, port: RotationPort, failed: (error: unknown) => void) {
    this.an = request.tx.an;
    this.request = request;
    this.#port = port;
    this.#failed = failed;
  }

  /** Step 1, and with `now` step 2, in the caller's turn; the rest follows by itself. Throws L2VPN_CONFIG where an SA has the AN already. */
  async start(): Promise<void> {
    const { tx, rx, sci, now } = this.request;
    const config = this.#port.config();
    const sc = config.rxSc.find((one) => one.sci === sci);
    if (config.txSa.some(({ an }) => an === this.an) || sc?.sa.some(({ an }) => an === this.an)) {
      throw new L2vpnError(
        'L2VPN_CONFIG',
        `AN ${this.an} has an SA already; wait for the last rotation, or name another --an`,
      );
    }
    this.#oldTx = config.txSa.map(({ an }) => an);
    this.#oldRx = sc?.sa.map(({ an }) => an) ?? [];
    const rxSc = config.rxSc.map((one) => (one.sci === sci ? { ...one, sa: [...one.sa, rx] } : one));
    await this.#port.apply({ ...config, txSa: [...config.txSa, tx], rxSc });
    if (now) await this.#moveTransmit();
    else this.#every(() => this.#awaitPeer());
  }

  /** Step 2 without waiting, in the caller's turn. */
  async moveNow(): Promise<void> {
    if (this.state === 'waiting for the peer') await this.#moveTransmit();
  }

  /** Ends the rotation; SAs stay as they are. */
  stop(): void {
    this.#stopped = true;
    this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #awaitPeer(): Promise<void> {
    if (this.#peerHasMoved()) await this.#moveTransmit();
  }

  async #moveTransmit(): Promise<void> {
    this.#rest();
    await this.#port.apply({ ...this.#port.config(), encodingSa: this.an });
    this.state = 'grace time';
    let movedMs: number | null = null;
    this.#every(async () => {
      if (!this.#peerHasMoved()) return;
      movedMs ??= performance.now();
      if (performance.now() - movedMs >= this.request.graceMs) await this.#retire();
    });
  }

  async #retire(): Promise<void> {
    this.#rest();
    const config = this.#port.config();
    const rxSc = config.rxSc.map((one) =>
      one.sci === this.request.sci
        ? { ...one, sa: one.sa.filter(({ an }) => !this.#oldRx.includes(an)) }
        : one,
    );
    await this.#port.apply({
      ...config,
      txSa: config.txSa.filter(({ an }) => !this.#oldTx.includes(an)),
      rxSc,
    });
    this.state = 'done';
  }

  #peerHasMoved(): boolean {
    return this.#port.accepted(this.request.sci, this.an) > 0;
  }

  #every(step: () => Promise<void>): void {
    let busy = false;
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.#port
        .inTurn(async () => {
          if (!this.#stopped) await step();
        })
        .catch(this.#failed)
        .finally(() => {
          busy = false;
        });
    }, POLL_MS);
  }
}
