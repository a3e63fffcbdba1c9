/**
 * Building a SecY from its config, once per lane, and changing it while it runs, between two batches: SAs that stay
 * keep their packet numbers, replay windows and counters. Nothing here is on a frame's way.
 */
import { type Keyring, NO_SLOT } from '../crypto/aead.ts';
import { cipherSuite, isXpn } from '../crypto/cipher-suite.ts';
import { parseSci, sciHigh, sciLow } from '../wire/sci.ts';
import { type SecTagTemplate, secTagTemplate } from '../wire/sectag.ts';
import type { MacsecConfig, RxScConfig, SaConfig } from './config.ts';
import {
  AN_COUNT,
  clearRxSa,
  clearRxSc,
  clearTxSa,
  countersAt,
  RxSaCounter,
  rxSaSpan,
  rxScSpan,
  type Span,
  txSaSpan,
  writeNextPn,
} from './counters.ts';
import { ivBase } from './iv.ts';
import { PnBlock } from './packet-number.ts';
import { Replay } from './replay.ts';
import type { RxSa, RxSc, SaShare, SecY, SecySpec, TxSa } from './secy.ts';
import { secySettings } from './settings.ts';

/** PNs that a lane takes at once: as many as a batch has frames. */
const PN_BLOCK_LEN = 128;
/** RxSCs that a running SecY has room for: each SC takes a slot of the keyring per AN, the TxSC too. */
export const MAX_RX_SC: number = Math.floor(NO_SLOT / AN_COUNT) - 1;

/** Slots of the keyring that `config`'s SAs take; a SecY that is to be changed while it runs needs MAX_KEY_SLOTS. */
export function keySlots(config: MacsecConfig): number {
  return AN_COUNT * (1 + config.rxSc.length);
}
export const MAX_KEY_SLOTS: number = AN_COUNT * (1 + MAX_RX_SC);

/** Builds the SecY of one lane; puts its keys into `keyring`. `counters` has `secyCountersLen` elements. */
export function createSecy(spec: SecySpec, keyring: Keyring, counters: Float64Array): SecY {
  const { config, counted = [] } = spec;
  const sci = parseSci(spec.sci);
  // New SAs begin at 0. Where some go on, that is done beside the counters: whoever adds them up never sees less.
  const begun = counted.length === 0 ? counters : counters.slice();
  const secy: SecY = {
    ...secySettings(config),
    xpn: isXpn(config.cipher),
    icvLen: config.icvLen,
    sciHigh: sciHigh(sci, 0),
    sciLow: sciLow(sci, 0),
    txSa: new Array(AN_COUNT).fill(null),
    rxSc: [],
    scOfSlot: new Array(MAX_KEY_SLOTS).fill(null),
    saOfSlot: new Array(MAX_KEY_SLOTS).fill(null),
    keyring,
    counters: begun,
  };
  configureSecy(secy, spec);
  if (begun !== counters) beginNewSas(secy, counters, counted);
  return secy;
}

/** From now on `secy` counts in `counters`, where SAs of the serials `counted` have what they have counted before. */
function beginNewSas(secy: SecY, counters: Float64Array, counted: readonly number[]): void {
  const { counters: begun } = secy;
  const begins = (sa: TxSa | RxSa | null): sa is TxSa | RxSa => sa !== null && !counted.includes(sa.serial);
  for (const sa of secy.txSa) if (begins(sa)) copySpan(counters, begun, txSaSpan(sa.an));
  for (const { index, sa } of secy.rxSc) {
    if (sa.every((one) => one === null || begins(one))) copySpan(counters, begun, rxScSpan(index));
    else for (const one of sa) if (begins(one)) copySpan(counters, begun, rxSaSpan(index, one.an));
  }
  secy.counters = counters;
}

function copySpan(to: Float64Array, from: Float64Array, [start, end]: Span): void {
  // A transmit lane has no part for receive channels.
  if (end <= to.length) to.set(from.subarray(start, end), start);
}

/**
 * Makes `secy` what `spec` says, between two batches. Cipher, ICV length and own SCI stay what they were. An SA with
 * the AN and serial that it had keeps its packet numbers, its replay window and its counters.
 */
export function configureSecy(secy: SecY, spec: SecySpec): void {
  const { config } = spec;
  Object.assign(secy, secySettings(config));
  for (let an = 0; an < AN_COUNT; an++) {
    const i = config.txSa.findIndex((sa) => sa.an === an);
    secy.txSa[an] = configureTxSa(secy, config, an, config.txSa[i], spec.txShare[i]);
  }
  const before = secy.rxSc;
  secy.rxSc = config.rxSc.map((sc, i) =>
    configureRxSc(secy, before, config, sc, spec.rxIndex?.[i] ?? i, spec.rxShare[i]!),
  );
  for (const sc of before)
    if (!secy.rxSc.includes(sc)) for (const sa of sc.sa) if (sa !== null) removeRxSa(secy, sa);
}

function configureTxSa(
  secy: SecY,
  config: MacsecConfig,
  an: number,
  sa: SaConfig | undefined,
  share: SaShare | undefined,
): TxSa | null {
  const before = secy.txSa[an] ?? null;
  if (sa === undefined || share === undefined) {
    if (before !== null) secy.keyring.clear(before.slot);
    return null;
  }
  if (before !== null && before.serial === share.serial) {
    before.active = sa.active;
    before.tag = tagOf(secy, an);
    return before;
  }
  secy.keyring.set(an, cipherSuite(config.cipher).aead, sa.sak);
  clearTxSa(secy.counters, an);
  return {
    an,
    slot: an,
    serial: share.serial ?? -1,
    active: sa.active,
    pn: new PnBlock(share.pn!, PN_BLOCK_LEN, secy.xpn),
    tag: tagOf(secy, an),
    iv: ivBase(secy.sciHigh, secy.sciLow, sa),
    countersAt: countersAt.txSa(an),
  };
}

function tagOf({ tci, sciHigh, sciLow }: SecY, an: number): SecTagTemplate {
  return secTagTemplate(tci | an, sciHigh, sciLow);
}

function configureRxSc(
  secy: SecY,
  before: readonly RxSc[],
  config: MacsecConfig,
  sc: RxScConfig,
  index: number,
  shares: readonly SaShare[],
): RxSc {
  const sci = parseSci(sc.sci);
  const high = sciHigh(sci, 0);
  const low = sciLow(sci, 0);
  let rxSc = before.find((one) => one.index === index && one.sciHigh === high && one.sciLow === low);
  if (rxSc === undefined) {
    clearRxSc(secy.counters, index);
    const sa = new Array(AN_COUNT).fill(null);
    const at = { countersAt: countersAt.rxSc(index), seenLateAt: countersAt.seenLate(index) };
    rxSc = { index, sciHigh: high, sciLow: low, active: sc.active, sa, ...at };
  }
  rxSc.active = sc.active;
  for (let an = 0; an < AN_COUNT; an++) {
    const i = sc.sa.findIndex((sa) => sa.an === an);
    rxSc.sa[an] = configureRxSa(secy, config, rxSc, an, sc.sa[i], shares[i]);
  }
  return rxSc;
}

function configureRxSa(
  secy: SecY,
  config: MacsecConfig,
  sc: RxSc,
  an: number,
  sa: SaConfig | undefined,
  share: SaShare | undefined,
): RxSa | null {
  const before = sc.sa[an] ?? null;
  if (sa === undefined || share === undefined) {
    if (before !== null) removeRxSa(secy, before);
    return null;
  }
  const bitmap = config.replayProtect && config.replayBitmap;
  if (before !== null && before.serial === share.serial) {
    before.active = sa.active;
    if (!before.replay.is(config.replayWindow, bitmap)) {
      before.replay = new Replay(config.replayWindow, bitmap, before.replay.nextPn, secy.xpn);
    }
    before.replay.raiseLowest(share.lowestPn ?? 0n);
    return before;
  }
  const slot = AN_COUNT * (1 + sc.index) + an;
  const { learnFrom = 0n } = share;
  secy.keyring.set(slot, cipherSuite(config.cipher).aead, sa.sak);
  clearRxSa(secy.counters, sc.index, an);
  const rxSa: RxSa = {
    an,
    slot,
    serial: share.serial ?? -1,
    active: sa.active,
    replay: replayOf(share, config.replayWindow, bitmap, secy.xpn),
    iv: ivBase(sc.sciHigh, sc.sciLow, sa),
    countersAt: countersAt.rxSa(sc.index, an),
    learnFromHigh: Number(learnFrom >> 32n),
    learnFromLow: Number(learnFrom & 0xffff_ffffn),
  };
  rxSa.replay.raiseLowest(share.lowestPn ?? 0n);
  secy.saOfSlot[slot] = rxSa;
  secy.scOfSlot[slot] = sc;
  const { nextHigh, nextLow } = rxSa.replay;
  writeNextPn(secy.counters, rxSa.countersAt + RxSaCounter.nextPn, nextHigh, nextLow);
  return rxSa;
}

function replayOf(
  { nextPn, replay: before }: SaShare,
  window: number,
  bitmap: boolean,
  xpn: boolean,
): Replay {
  const replay = new Replay(window, bitmap, nextPn, xpn);
  if (before !== undefined) replay.goOnFrom(before);
  return replay;
}

function removeRxSa(secy: SecY, sa: RxSa): void {
  // A new channel may have taken the place of one that goes, in the same change.
  if (secy.saOfSlot[sa.slot] !== sa) return;
  secy.keyring.clear(sa.slot);
  secy.saOfSlot[sa.slot] = null;
  secy.scOfSlot[sa.slot] = null;
}
