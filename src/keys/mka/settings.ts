/** What a KaY is configured as, and the times of the protocol (IEEE 802.1X-2020 table 9-3, and those of our own). */
import type { KeyObject } from 'node:crypto';
import type { CipherName } from '../../crypto/cipher-suite.ts';

/** A pre-shared key and its name. */
export interface NamedCak {
  /** 1–32 octets, lower-case hex. */
  readonly ckn: string;
  /** 16 or 32 octets. */
  readonly cak: KeyObject;
}

export interface MkaSettings extends NamedCak {
  /** The own SCI, 16 lower-case hex digits. */
  readonly sci: string;
  /** 0–255, the lowest becomes key server; with 255 this end never does. */
  readonly priority: number;
  readonly helloMs: number;
  /** How long a peer that is not heard stays live. */
  readonly lifeMs: number;
  /** The key server replaces a SAK of this age; null: never by time. */
  readonly rekeySeconds: number | null;
  /** What becomes of the SAs when no peer is live: `drop` removes them, `keep` goes on with them. Neither sends in clear. */
  readonly peerLoss: 'drop' | 'keep';
  readonly icvIndicator: boolean;
  /** Runs beside the first one, and takes over while that has no live peer. */
  readonly fallback: NamedCak | null;
  /** Of the SAKs that this end makes, and the only one that it takes. */
  readonly cipher: CipherName;
  /** false: integrity only, unless the key server demands confidentiality. */
  readonly encrypt: boolean;
}

/** MKA Life Time, which potential peers and old message numbers have whatever `lifeMs` says. */
export const LIFE_MS = 6000;
/** How long the key server waits for members that do not say that they receive with the new SAK (MKA Life Time). */
export const TRANSMIT_DELAY_MS: number = LIFE_MS;
/** MKA SAK Retire Time: how long after transmit has moved the SAs before are still received with. */
export const RETIRE_MS = 3000;
/** SAs before are kept that much longer for a peer that says that it still transmits with them. */
export const RETIRE_LATEST_MS: number = RETIRE_MS + LIFE_MS;
/** A peer has proved that it is there when it lists a message that is not older than this. */
export const RECENT_MS = 4000;
/**
 * While nothing changes and nothing is lost a hello each MKA Hello Time is enough (802.1X-2020 table 9-3), or three in
 * `lifeMs`. That is so once each live peer has said the same so often without a gap; a path that loses one message in ten
 * never gets there.
 */
export const CALM_HELLO_MS = 2000;
export const CALM_HELLOS_PER_LIFE = 3;
/** Of the control frames that are spoken here (`link/frame.ts`). */
export const LINK_CONTROL_VERSION = 1;
export const CALM_AFTER_HELLOS = 40;
/** A hello that is so late is lost: the other end is to hear of it, at `helloMs` again. */
export const CALM_LATE_MS = 500;
/** A message that a peer does not list so long after it was sent did not arrive. */
export const MISSED_MS = 1000;
/** Between two MKPDUs of one participant, answers included. */
export const ANSWER_GAP_MS = 50;
/**
 * For so long a peer that is new is told that this end takes control frames. Who says the same is told in every MKPDU; a
 * kernel's wpa_supplicant, which complains of each set that it does not know, hears no more of it then.
 */
export const INTRODUCTION_MS = 5000;
/** Between two SAKs, whatever happens. */
export const SAK_GAP_MS = 300;
/** Between two SAKs while somebody may be about to join, or when a peer's word alone asks for the next. */
export const SAK_CALM_MS: number = LIFE_MS;
/** A SAK that some member does not take in so long is replaced: the next one has another AN. */
export const SAK_GIVE_UP_MS: number = 5 * LIFE_MS;
/** A member whose key server does not speak of their SAK for so long comes anew, so that it gets another one. */
export const LOST_SAK_MS = 8000;
/** How long the fallback CAK stands back while the first one has not had a live peer yet. */
export const FALLBACK_DELAY_MS = 1000;
/** An order that failed is given again after this. */
export const ORDER_RETRY_MS = 1000;
/** The lowest PN that this end may still be sending is the one it had this long ago (9.10). */
export const PN_FLOOR_AGE_MS = 2000;
/** An event that the same cause may repeat is told once in so long. */
export const EVENT_GAP_MS = 60_000;

/** Both lists full are 1 KB: an MKPDU stays below the MTU of any path. */
export const MAX_LIVE_PEERS = 32;
export const MAX_POTENTIAL_PEERS = 32;

/** Message and key numbers from here on: time for a new member identifier (9.4.2). */
export const NUMBERS_LOW = 0xffffff00;
/** PendingPNExhaustion (9.8): three quarters of the packet numbers. */
export const PN_LOW = 0xc0000000n;
export const PN_LOW_XPN = 0xc000000000000000n;

/** Between two hellos when all is calm, of a peer that has not said what is enough for it. */
export function usualCalmMs({ helloMs, lifeMs }: MkaSettings): number {
  return Math.max(helloMs, Math.min(CALM_HELLO_MS, lifeMs / CALM_HELLOS_PER_LIFE));
}

/** What this end tells its peers is enough, whole milliseconds: `stretch` times the usual. */
export function toldCalmMs(settings: MkaSettings, stretch: number): number {
  return Math.min(Math.floor(usualCalmMs(settings) * stretch), 0xffff);
}
