/**
 * Transmit, the SecY's part (802.1AE 10.5), over a batch:
 *   1. a frame that the lower port cannot carry is dropped
 *   2. it gets the next PN of the encoding SA, and the IV that belongs to it
 *   3. its addresses move left, the SecTAG goes behind them
 *   4. the AEAD seals the whole batch: user data in place, the ICV behind it
 * Fails closed: without SA, PN or seal a frame is dropped, never sent in clear.
 */
import { type AeadJob, NO_SLOT } from '../crypto/aead.ts';
import { IV_LEN } from '../crypto/cipher-suite.ts';
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { ETHERNET_LEN, MACS_LEN } from '../wire/ethernet.ts';
import { writeSecTag } from '../wire/sectag.ts';
import { countersAt, SecyCounter, TxCounter, TxSaCounter, writeNextPn } from './counters.ts';
import { writeIv } from './iv.ts';
import { NO_PN } from './packet-number.ts';
import type { SecY, TxSa } from './secy.ts';

/** The SA to encode with, null where there is none in use. */
export function encodingSa(secy: SecY): TxSa | null {
  const sa = secy.txSa[secy.encodingSa];
  return sa?.active ? sa : null;
}

/**
 * How many frames the next batch may have: PNs are at hand for so many. `Infinity` where none is needed, or where
 * none will ever come (then `protect` drops). 0: wait for a grant. HOT PATH: allocates when a block of PNs is taken.
 */
export function protectable(secy: SecY): number {
  const sa = encodingSa(secy);
  if (!secy.protectFrames || sa === null) return Number.POSITIVE_INFINITY;
  const available = sa.pn.available();
  return available === 0 && sa.pn.exhausted() ? Number.POSITIVE_INFINITY : available;
}

/**
 * Protects the living frames of `batch`, which are whole Ethernet frames. `lowerMtu`: octets behind the Ethernet
 * header that the lower port carries (the MTU of a gretap). HOT PATH: allocates nothing.
 */
export function protect(secy: SecY, batch: Batch, job: AeadJob, lowerMtu: number): void {
  if (!secy.protectFrames) {
    passUntagged(secy, batch, lowerMtu);
    return;
  }
  const sa = encodingSa(secy);
  const { count, at, len, verdict, view } = batch;
  const { slot, aadLen, textLen, ivView } = job;
  const { tagLen, icvLen, encrypt } = secy;
  const maxLen = longestFrame(secy, lowerMtu);
  for (let i = 0; i < count; i++) {
    slot[i] = NO_SLOT;
    if (verdict[i] !== 0) continue;
    const drop = sa === null ? Drop.NoTxSa : len[i]! > maxLen ? Drop.OutPktsTooLong : Drop.None;
    const pnLow = drop === Drop.None ? sa!.pn.take() : NO_PN;
    if (pnLow === NO_PN) {
      verdict[i] = drop === Drop.None ? Drop.PnExhausted : drop;
      continue;
    }
    const userDataLen = len[i]! - MACS_LEN;
    const to = at[i]! - tagLen;
    moveAddresses(view, at[i]!, to);
    writeSecTag(view, to, sa!.tag, userDataLen, pnLow);
    writeIv(ivView, i * IV_LEN, sa!.iv, sa!.pn.high, pnLow);
    at[i] = to;
    slot[i] = sa!.slot;
    aadLen[i] = MACS_LEN + tagLen + (encrypt ? 0 : userDataLen);
    textLen[i] = encrypt ? userDataLen : 0;
  }
  secy.keyring.seal(job, count, icvLen);
  finish(secy, sa, batch, job);
}

/** Octets of the longest clear frame that a lower port with `lowerMtu` carries; `secy` null: it goes as it is. HOT PATH. */
export function longestFrame(secy: SecY | null, lowerMtu: number): number {
  const frameLen = lowerMtu + ETHERNET_LEN;
  return secy?.protectFrames ? frameLen - secy.tagLen - secy.icvLen : frameLen;
}

/** Gives sealed frames their new length and counts them; what was not sealed is dropped. HOT PATH. */
function finish(secy: SecY, sa: TxSa | null, batch: Batch, job: AeadJob): void {
  const { count, len, verdict } = batch;
  const { slot, ok } = job;
  const { counters } = secy;
  const added = secy.tagLen + secy.icvLen;
  let packets = 0;
  let octets = 0;
  let tooLong = 0;
  for (let i = 0; i < count; i++) {
    if (slot[i] === NO_SLOT) {
      if (verdict[i] === Drop.OutPktsTooLong) tooLong++;
    } else if (ok[i] === 0) {
      verdict[i] = Drop.SealFailed;
    } else {
      packets++;
      octets += len[i]! - MACS_LEN;
      len[i] = len[i]! + added;
    }
  }
  counters[SecyCounter.outPktsTooLong]! += tooLong;
  if (sa === null) return;
  const kind = secy.encrypt ? TxCounter.outPktsEncrypted : TxCounter.outPktsProtected;
  const octetKind = secy.encrypt ? TxCounter.outOctetsEncrypted : TxCounter.outOctetsProtected;
  counters[countersAt.txSc + kind]! += packets;
  counters[countersAt.txSc + octetKind]! += octets;
  counters[sa.countersAt + kind]! += packets;
  writeNextPn(counters, sa.countersAt + TxSaCounter.nextPn, sa.pn.high, sa.pn.nextLow);
  sa.pn.giveBack();
}

/** protectFrames is off: the frame goes out as it is (802.1AE 10.5). HOT PATH. */
function passUntagged(secy: SecY, batch: Batch, lowerMtu: number): void {
  dropTooLong(batch, lowerMtu);
  const { count, verdict } = batch;
  let untagged = 0;
  for (let i = 0; i < count; i++) if (verdict[i] === 0) untagged++;
  secy.counters[SecyCounter.outPktsUntagged]! += untagged;
}

/** Drops the frames with more than `lowerMtu` octets behind the Ethernet header. HOT PATH: allocates nothing. */
export function dropTooLong(batch: Batch, lowerMtu: number): void {
  const { count, len, verdict } = batch;
  const maxLen = lowerMtu + ETHERNET_LEN;
  for (let i = 0; i < count; i++) if (verdict[i] === 0 && len[i]! > maxLen) verdict[i] = Drop.OutPktsTooLong;
}

/** Moves the two MAC addresses of a frame, wherever to: all is read before anything is written. HOT PATH. */
export function moveAddresses(view: DataView, from: number, to: number): void {
  const first = view.getUint32(from);
  const second = view.getUint32(from + 4);
  const third = view.getUint32(from + 8);
  view.setUint32(to, first);
  view.setUint32(to + 4, second);
  view.setUint32(to + 8, third);
}
