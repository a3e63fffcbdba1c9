/**
 * The counters of a SecY, with the names that `ip -s macsec show` prints (802.1AE 10.7.9, 10.7.18). They live in
 * one Float64Array over shared memory: a lane is the only writer of its own, the main thread reads. A double is
 * exact to 2^53, and 8-octet stores are whole on the machines that Node runs on.
 *
 *     | SecY 8 | TxSC 4 | TxSA (2, next PN) × 4 | seen | RxSC 0: 10, seen | its RxSA (5, next PN, order) × 4 | RxSC 1 … |
 *
 * A next PN takes two elements: its lower 52 bits, and what is above them. What is *seen* is no counter: see `seen.ts`.
 */

export const SECY_COUNTERS = [
  'OutPktsUntagged',
  'InPktsUntagged',
  'OutPktsTooLong',
  'InPktsNoTag',
  'InPktsBadTag',
  'InPktsUnknownSCI',
  'InPktsNoSCI',
  'InPktsOverrun',
] as const;
export const TX_SC_COUNTERS = [
  'OutPktsProtected',
  'OutPktsEncrypted',
  'OutOctetsProtected',
  'OutOctetsEncrypted',
] as const;
export const TX_SA_COUNTERS = ['OutPktsProtected', 'OutPktsEncrypted'] as const;
export const RX_SC_COUNTERS = [
  'InOctetsValidated',
  'InOctetsDecrypted',
  'InPktsUnchecked',
  'InPktsDelayed',
  'InPktsOK',
  'InPktsInvalid',
  'InPktsLate',
  'InPktsNotValid',
  'InPktsNotUsingSA',
  'InPktsUnusedSA',
] as const;
export const RX_SA_COUNTERS = [
  'InPktsOK',
  'InPktsInvalid',
  'InPktsNotValid',
  'InPktsNotUsingSA',
  'InPktsUnusedSA',
] as const;

/** Offsets into the SecY's part. */
export const SecyCounter = {
  outPktsUntagged: 0,
  inPktsUntagged: 1,
  outPktsTooLong: 2,
  inPktsNoTag: 3,
  inPktsBadTag: 4,
  inPktsUnknownSci: 5,
  inPktsNoSci: 6,
} as const;

/** Offsets from the TxSC's part. */
export const TxCounter = {
  outPktsProtected: 0,
  outPktsEncrypted: 1,
  outOctetsProtected: 2,
  outOctetsEncrypted: 3,
} as const;

/** Offsets from a TxSA's part. */
export const TxSaCounter = {
  outPktsProtected: 0,
  outPktsEncrypted: 1,
  /** The lane's next PN, see `readNextPn`. Published, not counted. */
  nextPn: 2,
  nextPnUpper: 3,
} as const;

/** Offsets from an RxSC's part. */
export const RxScCounter = {
  inOctetsValidated: 0,
  inOctetsDecrypted: 1,
  inPktsUnchecked: 2,
  inPktsDelayed: 3,
  inPktsOk: 4,
  inPktsInvalid: 5,
  inPktsLate: 6,
  inPktsNotValid: 7,
  inPktsNotUsingSa: 8,
  inPktsUnusedSa: 9,
} as const;

/** Offsets from an RxSA's part. */
export const RxSaCounter = {
  inPktsOk: 0,
  inPktsInvalid: 1,
  inPktsNotValid: 2,
  inPktsNotUsingSa: 3,
  inPktsUnusedSa: 4,
  /** The receiver's next PN: the highest accepted, plus 1; see `readNextPn`. Published, not counted. */
  nextPn: 5,
  nextPnUpper: 6,
  /** Of those with a right ICV: behind the replay window (InPktsDelayed of the SC), and behind the highest at all. */
  delayed: 7,
  reordered: 8,
} as const;

/** Elements of each of the SecY's records of what was seen, the longest one's. */
export const SEEN_RECORD_LEN = 5;

/** Offsets from where an RxSC's late frames are noted. */
export const SeenLate = { an: 0, frames: 1, accepted: 2, pn: 3 } as const;
export const SEEN_LATE_LEN = 4;

/** Association numbers are 0 to 3 (802.1AE 9.5). */
export const AN_COUNT = 4;

/** Elements of a next PN. */
export const NEXT_PN_LEN = 2;
const TX_SA_SPAN = TX_SA_COUNTERS.length + NEXT_PN_LEN;
const ORDER_LEN = 2;
const RX_SA_SPAN = RX_SA_COUNTERS.length + NEXT_PN_LEN + ORDER_LEN;
const RX_SC_HEAD = RX_SC_COUNTERS.length + SEEN_LATE_LEN;
const RX_SC_SPAN = RX_SC_HEAD + AN_COUNT * RX_SA_SPAN;

const TX_SC_AT = SECY_COUNTERS.length;
const TX_SA_AT = TX_SC_AT + TX_SC_COUNTERS.length;
const SEEN_AT = TX_SA_AT + AN_COUNT * TX_SA_SPAN;
const RX_SC_AT = SEEN_AT + 2 * SEEN_RECORD_LEN;

/** Where the SecY's records of what was seen are. */
export const SeenAt: { readonly unknownSci: number; readonly unusedSa: number } = {
  unknownSci: SEEN_AT,
  unusedSa: SEEN_AT + SEEN_RECORD_LEN,
};

/** Where each part begins in a SecY's counters. */
export const countersAt: {
  readonly secy: number;
  readonly txSc: number;
  txSa(an: number): number;
  rxSc(index: number): number;
  /** The late frames of an RxSC that were seen. */
  seenLate(index: number): number;
  rxSa(index: number, an: number): number;
} = {
  secy: 0,
  txSc: TX_SC_AT,
  txSa: (an) => TX_SA_AT + an * TX_SA_SPAN,
  rxSc: (index) => RX_SC_AT + index * RX_SC_SPAN,
  seenLate: (index) => RX_SC_AT + index * RX_SC_SPAN + RX_SC_COUNTERS.length,
  rxSa: (index, an) => RX_SC_AT + index * RX_SC_SPAN + RX_SC_HEAD + an * RX_SA_SPAN,
};

/** Where a part begins, and where what follows it does. */
export type Span = readonly [start: number, end: number];

export function txSaSpan(an: number): Span {
  return span(countersAt.txSa(an), TX_SA_SPAN);
}

/** An RxSC's, with all of its SAs. */
export function rxScSpan(index: number): Span {
  return span(countersAt.rxSc(index), RX_SC_SPAN);
}

export function rxSaSpan(index: number, an: number): Span {
  return span(countersAt.rxSa(index, an), RX_SA_SPAN);
}

function span(at: number, len: number): Span {
  return [at, at + len];
}

/** Sets the counters of a new TxSA to 0; those of an SA that had its place before are gone. */
export function clearTxSa(counters: Float64Array, an: number): void {
  counters.fill(0, ...txSaSpan(an));
}

/** The same for a new RxSC and its SAs. */
export function clearRxSc(counters: Float64Array, index: number): void {
  counters.fill(0, ...rxScSpan(index));
}

/** The same for a new RxSA; what was seen late on its channel is about an SA before it. */
export function clearRxSa(counters: Float64Array, index: number, an: number): void {
  counters.fill(0, ...rxSaSpan(index, an));
  const seenAt = countersAt.seenLate(index);
  counters.fill(0, seenAt, seenAt + SEEN_LATE_LEN);
}

/** Elements that the counters of a SecY with `rxScCount` receive channels take. */
export function secyCountersLen(rxScCount: number): number {
  return RX_SC_AT + rxScCount * RX_SC_SPAN;
}

const WHOLE = 0x1_0000_0000;
/** Upper words that a next PN's first element has room for. */
const HIGHS = 2 ** 20;
const LOWER_END = BigInt(HIGHS) * BigInt(WHOLE);

/**
 * Publishes the next PN `high` · 2^32 + `low` at `at`. The lower element goes first: who reads in the middle of a step
 * over 2^52 finds less, not more. HOT PATH: allocates nothing.
 */
export function writeNextPn(counters: Float64Array, at: number, high: number, low: number): void {
  const upper = high < HIGHS ? 0 : Math.floor(high / HIGHS);
  counters[at] = (high - upper * HIGHS) * WHOLE + low;
  counters[at + 1] = upper;
}

/** The next PN at `at`; 0: none was published. */
export function readNextPn(counters: Float64Array, at: number): bigint {
  for (;;) {
    const upper = counters[at + 1]!;
    const lower = counters[at]!;
    if (counters[at + 1] === upper) return BigInt(upper) * LOWER_END + BigInt(lower);
  }
}

/** Is the next PN at `at` higher in `a` than in `b`? */
export function isNextPnHigher(a: Float64Array, b: Float64Array, at: number): boolean {
  const upper = a[at + 1]! - b[at + 1]!;
  return upper !== 0 ? upper > 0 : a[at]! > b[at]!;
}

/** Where the next PNs stand: of several lanes the highest counts, not the sum. */
export function nextPnsAt(rxScCount: number): number[] {
  const at: number[] = [];
  for (let an = 0; an < AN_COUNT; an++) {
    at.push(countersAt.txSa(an) + TxSaCounter.nextPn);
    for (let sc = 0; sc < rxScCount; sc++) at.push(countersAt.rxSa(sc, an) + RxSaCounter.nextPn);
  }
  return at;
}
