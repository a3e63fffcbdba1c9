/** Times and bounds of control frames. */

/** Between two hellos while nobody is live, at most: how soon a peer that comes back is found. */
export const SEARCH_MS = 1000;
/** Between two hellos that answer something new. */
export const ANSWER_GAP_MS = 100;
/** A peer that says that it sends seldom is not lost earlier than after so many of its hellos. */
export const HELLOS_PER_LIFE = 3;
/** As seldom as a peer may say that it sends. */
export const MAX_HELLO_MS = 600_000;
/** Members that were live and have gone, whose messages cannot bring them back. */
export const MAX_GONE = 8;
/** Between two probes that measure the round trip, at least. */
export const ROUND_TRIP_GAP_MS = 9000;
/** Probes that wait for their answer. */
export const MAX_PROBES = 16;
/** Message numbers from here on: time for a new member identifier. */
export const NUMBERS_LOW = 0xffffff00;

/** With key agreement MKA says whether the peer is there; hellos only keep both ends acquainted. */
export const QUIET_HELLO_MS = 10_000;
export const QUIET_LIFE_MS = 35_000;

export interface LinkSettings {
  /** The own SCI, 16 hex digits. */
  readonly sci: string;
  readonly helloMs: number;
  /** How long a live peer may be silent, or not hear us. */
  readonly lifeMs: number;
}
