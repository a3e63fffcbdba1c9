/**
 * What of a dynamic peer is stored: where it is, and the packet number from which on frames may move it after a restart.
 * The number is ahead of what has come, by what comes in some seconds: whoever has recorded the last frames before a
 * crash cannot draw the peer to himself by sending them again.
 */
import type { KeyObject } from 'node:crypto';
import type { PeerAddress } from '../encap/encap.ts';
import type { StoredEndpoint } from '../state/endpoint-record.ts';

/** A receive SA, and the next PN that is expected on it. */
export interface RxProgress {
  readonly sak: KeyObject;
  readonly nextPn: bigint;
}

export interface DueEndpoint {
  readonly endpoint: StoredEndpoint;
  /** The key that its frames come with: what it is sealed with. */
  readonly sak: KeyObject;
}

/** Ticks' worth of frames that are stored ahead, and at how many left it is stored again. */
const AHEAD_TICKS = 10n;
const LEFT_TICKS = 3n;
/** At least so many frames. */
const LEAST_AHEAD = 64n;
const LEAST_LEFT = 16n;

export class LearnedEndpoint {
  #stored = { text: '', lowestPn: 0n };
  /** As of the tick before. */
  #before: readonly RxProgress[] = [];
  /** The SA that frames came with last. */
  #sa: RxProgress | null = null;

  /** Once a second: what is to be stored now; null: what is stored will do. */
  due(peer: PeerAddress | null, sas: readonly RxProgress[]): DueEndpoint | null {
    const before = this.#sa;
    const sa = this.#busiest(sas);
    const was = sa === null ? undefined : sameSa(this.#before, sa);
    this.#before = sas;
    this.#sa = sa;
    if (peer === null || sa === null) return null;
    const isSame = before?.sak.equals(sa.sak) ?? false;
    const came = was === undefined ? 0n : sa.nextPn - was.nextPn;
    const left = this.#stored.lowestPn - sa.nextPn;
    const isStored = textOf(peer) === this.#stored.text && left >= LEAST_LEFT + LEFT_TICKS * came;
    if (isSame && isStored) return null;
    return this.#store(peer, sa, sa.nextPn + LEAST_AHEAD + AHEAD_TICKS * came);
  }

  /** At a clean stop: nothing of what comes later has been sent yet. */
  last(peer: PeerAddress | null, sas: readonly RxProgress[]): DueEndpoint | null {
    const sa = this.#busiest(sas);
    return peer === null || sa === null ? null : this.#store(peer, sa, sa.nextPn);
  }

  /** What was due could not be stored: it is due again. */
  failed(): void {
    this.#stored = { text: '', lowestPn: 0n };
  }

  #store(peer: PeerAddress, { sak }: RxProgress, lowestPn: bigint): DueEndpoint {
    this.#stored = { text: textOf(peer), lowestPn };
    return { endpoint: { address: peer.address, port: peer.port, lowestPn }, sak };
  }

  /** The SA on which most has come since the last tick; the one before, where nothing has. */
  #busiest(sas: readonly RxProgress[]): RxProgress | null {
    const since = (sa: RxProgress): bigint => sa.nextPn - (sameSa(this.#before, sa)?.nextPn ?? 1n);
    const [first] = [...sas].sort((a, b) => (since(a) < since(b) ? 1 : -1));
    if (first !== undefined && since(first) > 0n) return first;
    return this.#sa === null ? null : (sameSa(sas, this.#sa) ?? null);
  }
}

function sameSa(sas: readonly RxProgress[], { sak }: RxProgress): RxProgress | undefined {
  return sas.find((sa) => sa.sak.equals(sak));
}

function textOf({ address, port }: PeerAddress): string {
  return `${address} ${port}`;
}
