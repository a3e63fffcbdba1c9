/**
 * Receive, the SecY's part (802.1AE 10.6), over a batch, in the order of Linux's `macsec_handle_frame`:
 *   1. classify: is there a SecTAG, whose SC and SA is it, is it well formed, is its PN late?
 *   2. the AEAD opens the whole batch in place
 *   3. judge: the ICV, the PN once more (an earlier frame of the batch may have been the same), the counters
 *   4. strip SecTAG and ICV
 * Nothing that a frame says is acted on before its ICV was right: the next PN moves only in `accept`.
 */
import { type AeadJob, NO_SLOT } from '../crypto/aead.ts';
import { ICV_LEN, IV_LEN } from '../crypto/cipher-suite.ts';
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { ETHERNET_LEN, ETHERTYPE_MACSEC, etherTypeAt, MACS_LEN } from '../wire/ethernet.ts';
import {
  AN_MASK,
  checkSecTag,
  hasSecTag,
  OFF_PN,
  SecTagFault,
  secTagLen,
  TCI_C,
  TCI_E,
  TCI_ES,
  TCI_SC,
  tciAt,
} from '../wire/sectag.ts';
import { RxSaCounter, RxScCounter, SecyCounter, writeNextPn } from './counters.ts';
import { isOwnSci, noteSci, rxScOf } from './frame-sci.ts';
import { writeIv } from './iv.ts';
import { moveAddresses } from './protect.ts';
import type { RxSa, RxSc, SecY } from './secy.ts';
import { noteLate, noteUnusedSa } from './seen.ts';

/** What a frame still needs after `classify`, per frame: its full PN, in two words. Made once per lane. */
export interface RxScratch {
  readonly pnHigh: Uint32Array;
  readonly pnLow: Uint32Array;
  /** The last frame of the batch that was authentic, newer than all before it, and may tell where the peer is; −1: none was. */
  newest: number;
  /** The last frame of the batch that was dropped as no RxSC has its SCI: noted once per batch. −1: none was. */
  unknown: number;
}

const HALF = 0x8000_0000;
/** There is no next PN after it, and with XPN no further upper half. */
const LAST_WORD = 0xffff_ffff;

export function createRxScratch(capacity: number): RxScratch {
  return { pnHigh: new Uint32Array(capacity), pnLow: new Uint32Array(capacity), newest: -1, unknown: -1 };
}

/** Validates the living frames of `batch`, which are whole Ethernet frames. HOT PATH: allocates nothing. */
export function validate(secy: SecY, batch: Batch, job: AeadJob, scratch: RxScratch): void {
  const { count, verdict } = batch;
  const { slot } = job;
  scratch.newest = -1;
  scratch.unknown = -1;
  for (let i = 0; i < count; i++) {
    slot[i] = NO_SLOT;
    if (verdict[i] === 0) verdict[i] = classify(secy, batch, i, job, scratch);
  }
  if (scratch.unknown >= 0) noteSci(secy, batch, scratch.unknown);
  secy.keyring.open(job, count, secy.icvLen);
  for (let i = 0; i < count; i++) {
    if (slot[i] !== NO_SLOT) verdict[i] = judge(secy, batch, i, job, scratch);
  }
}

/** Puts the frame on the AEAD's list; one that is not on it afterwards is dropped, or is what the bridge gets. */
function classify(secy: SecY, batch: Batch, i: number, job: AeadJob, scratch: RxScratch): Drop {
  const { arena, view } = batch;
  const at = batch.at[i]!;
  const len = batch.len[i]!;
  if (etherTypeAt(arena, at) !== ETHERTYPE_MACSEC) return untagged(secy);
  if (!hasSecTag(arena, at, len)) return Drop.SecTagRunt;
  const tci = tciAt(arena, at);
  if ((tci & (TCI_E | TCI_C)) === TCI_E) return Drop.NotForMacsec;
  const sc = rxScOf(secy, view, at, tci);
  if (sc === null) return unknownSci(secy, batch, i, tci, scratch);
  if (checkSecTag(arena, at, len, secy.icvLen, secy.xpn) !== SecTagFault.None) {
    return counted(secy, SecyCounter.inPktsBadTag, Drop.InPktsBadTag);
  }
  const sa = sc.sa[tci & AN_MASK]!;
  if (!sc.active || sa === null || !sa.active) return unusedSa(secy, batch, i, sc, tci);
  const pnLow = view.getUint32(at + OFF_PN);
  const pnHigh = secy.xpn ? recoverPnHigh(sa.replay.nextHigh, sa.replay.nextLow, pnLow) : 0;
  if (secy.replayProtect && !sa.replay.accepts(pnHigh, pnLow)) return late(secy, sc, sa, pnLow);
  scratch.pnHigh[i] = pnHigh;
  scratch.pnLow[i] = pnLow;
  prepare(secy, job, i, len, tci, sa);
  writeIv(job.ivView, i * IV_LEN, sa.iv, pnHigh, pnLow);
  return Drop.None;
}

/** Puts the frame on the AEAD's list: what is AAD, what is text (802.1AE 10.6.3, 14.5). HOT PATH. */
function prepare(secy: SecY, job: AeadJob, i: number, len: number, tci: number, sa: RxSa): void {
  const tagEnd = MACS_LEN + secTagLen(tci);
  const secureDataLen = len - tagEnd - secy.icvLen;
  const encrypted = (tci & TCI_E) !== 0;
  job.slot[i] = sa.slot;
  job.aadLen[i] = tagEnd + (encrypted ? 0 : secureDataLen);
  job.textLen[i] = encrypted ? secureDataLen : 0;
}

function judge(secy: SecY, batch: Batch, i: number, job: AeadJob, scratch: RxScratch): Drop {
  const { counters } = secy;
  const slot = job.slot[i]!;
  const sc = secy.scOfSlot[slot]!;
  const sa = secy.saOfSlot[slot]!;
  const tci = tciAt(batch.arena, batch.at[i]!);
  const pnHigh = scratch.pnHigh[i]!;
  const pnLow = scratch.pnLow[i]!;
  if (secy.replayProtect && !sa.replay.accepts(pnHigh, pnLow)) return late(secy, sc, sa, pnLow);
  const userDataLen = batch.len[i]! - MACS_LEN - secTagLen(tci) - secy.icvLen;
  if (secy.checks) {
    counters[
      sc.countersAt + ((tci & TCI_E) !== 0 ? RxScCounter.inOctetsDecrypted : RxScCounter.inOctetsValidated)
    ]! += userDataLen;
  }
  const checked = (tci & TCI_C) !== 0 || secy.checks;
  if (checked && job.ok[i] === 1) {
    if (accept(secy, sc, sa, pnHigh, pnLow) && tellsPeer(sa, pnHigh, pnLow)) scratch.newest = i;
  } else {
    const drop = refuse(secy, sc, sa, tci, sa.replay.isDelayed(pnHigh, pnLow));
    if (drop !== Drop.None) return drop;
  }
  return strip(batch, i, secTagLen(tci), secy.icvLen) ? Drop.None : Drop.InnerRunt;
}

/** The ICV was right: the only place where the receiver's next PN moves. Is the frame newer than all before? HOT PATH. */
function accept(secy: SecY, sc: RxSc, sa: RxSa, pnHigh: number, pnLow: number): boolean {
  const { counters } = secy;
  const { replay } = sa;
  if (replay.isDelayed(pnHigh, pnLow)) {
    counters[sc.countersAt + RxScCounter.inPktsDelayed]! += 1;
    counters[sa.countersAt + RxSaCounter.delayed]! += 1;
  } else {
    counters[sc.countersAt + RxScCounter.inPktsOk]! += 1;
    counters[sa.countersAt + RxSaCounter.inPktsOk]! += 1;
  }
  const isNewest = replay.advance(pnHigh, pnLow);
  if (!isNewest) counters[sa.countersAt + RxSaCounter.reordered]! += 1;
  const nextPnAt = sa.countersAt + RxSaCounter.nextPn;
  if (secy.xpn) writeNextPn(counters, nextPnAt, replay.nextHigh, replay.nextLow);
  else counters[nextPnAt] = replay.nextHigh === 0 ? replay.nextLow : LAST_WORD;
  return isNewest;
}

/** Not one that may have been recorded before a crash. HOT PATH. */
function tellsPeer({ learnFromHigh, learnFromLow }: RxSa, pnHigh: number, pnLow: number): boolean {
  return pnHigh > learnFromHigh || (pnHigh === learnFromHigh && pnLow >= learnFromLow);
}

/** The ICV was wrong or not looked at: 802.1AE 10.6.5 by the validate mode. HOT PATH. */
function refuse(secy: SecY, sc: RxSc, sa: RxSa, tci: number, delayed: boolean): Drop {
  const { counters } = secy;
  if ((tci & TCI_C) !== 0 || secy.strict) {
    counters[sc.countersAt + RxScCounter.inPktsNotValid]! += 1;
    counters[sa.countersAt + RxSaCounter.inPktsNotValid]! += 1;
    return Drop.InPktsNotValid;
  }
  if (secy.checks) {
    counters[sc.countersAt + RxScCounter.inPktsInvalid]! += 1;
    counters[sa.countersAt + RxSaCounter.inPktsInvalid]! += 1;
  } else if (delayed) counters[sc.countersAt + RxScCounter.inPktsDelayed]! += 1;
  else counters[sc.countersAt + RxScCounter.inPktsUnchecked]! += 1;
  return Drop.None;
}

/** No SecTAG: the frame passes as it is unless every frame must be validated. */
function untagged(secy: SecY): Drop {
  if (secy.strict) return counted(secy, SecyCounter.inPktsNoTag, Drop.InPktsNoTag);
  return counted(secy, SecyCounter.inPktsUntagged, Drop.None);
}

/**
 * No RxSC has the frame's SCI. Our own is known where the frame says it; a frame of ours that does not is taken for one of
 * the only RxSC, and its ICV or PN is wrong. HOT PATH.
 */
function unknownSci(secy: SecY, batch: Batch, i: number, tci: number, scratch: RxScratch): Drop {
  if ((tci & (TCI_SC | TCI_ES)) === 0) return Drop.NoImplicitSci;
  if ((tci & TCI_C) !== 0 || secy.strict) {
    if (isOwnSci(secy, batch.view, batch.at[i]!, tci))
      return counted(secy, SecyCounter.inPktsNoSci, Drop.OwnSci);
    scratch.unknown = i;
    return counted(secy, SecyCounter.inPktsNoSci, Drop.InPktsNoSci);
  }
  noteSci(secy, batch, i);
  if (!strip(batch, i, secTagLen(tci), ICV_LEN))
    return counted(secy, SecyCounter.inPktsBadTag, Drop.InPktsBadTag);
  return counted(secy, SecyCounter.inPktsUnknownSci, Drop.None);
}

/**
 * The SC is known, the AN has no SA in use (802.1AE 10.6.1); Linux 6.1 counts it at the SC, at no SA. An SC that is not
 * active has none in use (10.7.16); the kernel looks at that only where it must guess the SC of a frame without SCI.
 */
function unusedSa(secy: SecY, batch: Batch, i: number, sc: RxSc, tci: number): Drop {
  const refused = (tci & TCI_C) !== 0 || secy.strict;
  const { counters } = secy;
  counters[sc.countersAt + (refused ? RxScCounter.inPktsNotUsingSa : RxScCounter.inPktsUnusedSa)]! += 1;
  const accepted = counters[sc.countersAt + RxScCounter.inPktsOk]!;
  noteUnusedSa(counters, sc.sciHigh, sc.sciLow, tci & AN_MASK, accepted);
  if (refused) return Drop.InPktsNotUsingSa;
  return strip(batch, i, secTagLen(tci), secy.icvLen) ? Drop.None : Drop.InnerRunt;
}

function late(secy: SecY, sc: RxSc, sa: RxSa, pnLow: number): Drop {
  const { counters } = secy;
  counters[sc.countersAt + RxScCounter.inPktsLate]! += 1;
  noteLate(counters, sc.seenLateAt, sa.an, counters[sa.countersAt + RxSaCounter.inPktsOk]!, pnLow);
  return Drop.InPktsLate;
}

/** `drop`, once it is counted at the SecY. HOT PATH. */
function counted(secy: SecY, counter: number, drop: Drop): Drop {
  secy.counters[counter]! += 1;
  return drop;
}

/** Takes SecTAG and ICV off frame `i`; false where it has not even those and an Ethernet header. HOT PATH. */
function strip(batch: Batch, i: number, tagLen: number, icvLen: number): boolean {
  const len = batch.len[i]! - tagLen - icvLen;
  if (len < ETHERNET_LEN) return false;
  const at = batch.at[i]!;
  moveAddresses(batch.view, at, at + tagLen);
  batch.at[i] = at + tagLen;
  batch.len[i] = len;
  return true;
}

/**
 * The upper half of the PN of a frame that carries `pnLow` (802.1AEbw 10.6.2): the receiver's own, or the next one when
 * the lower half has wrapped since; never one past 2^64 − 1. HOT PATH: allocates nothing.
 */
export function recoverPnHigh(nextHigh: number, nextLow: number, pnLow: number): number {
  const wrapped = pnLow < nextLow && pnLow >= HALF !== nextLow >= HALF;
  const high = wrapped ? nextHigh + 1 : nextHigh;
  return high > LAST_WORD ? LAST_WORD : high;
}
