/**
 * The MAC Security Entity (802.1AE 10): one TxSC with up to four SAs, RxSCs with up to four SAs each, their keys
 * in a keyring and their counters in shared memory. Built once a lane from the config; `protect.ts` and
 * `validate.ts` are what it does to a batch.
 */
import type { Keyring } from '../aead/aead.ts';
import { isXpn, type MacsecConfig, type SaConfig } from '../config/types.ts';
import { parseSci, sciHigh, sciLow } from '../wire/sci.ts';
import { SECTAG_LEN_NO_SCI, SECTAG_LEN_SCI, TCI_C, TCI_E, TCI_ES, TCI_SC, TCI_SCB } from '../wire/sectag.ts';
import { AN_COUNT, countersAt, RxSaCounter } from './counters.ts';
import { PnBlock } from './packet-number.ts';
import { Replay } from './replay.ts';

/** ICVs are 16 octets unless configured shorter; without an rxSc to tell, this one is stripped. */
export const DEFAULT_ICV_LEN = 16;

/** A transmit SA as a lane uses it. */
export interface TxSa {
  readonly an: number;
  readonly slot: number;
  active: boolean;
  readonly pn: PnBlock;
  readonly iv: IvBase;
  readonly countersAt: number;
}

/** A receive SA as a lane uses it. */
export interface RxSa {
  readonly an: number;
  readonly slot: number;
  active: boolean;
  readonly replay: Replay;
  readonly iv: IvBase;
  readonly countersAt: number;
}

export interface RxSc {
  readonly sciHigh: number;
  readonly sciLow: number;
  readonly active: boolean;
  /** Indexed by AN. */
  readonly sa: (RxSa | null)[];
  readonly countersAt: number;
}

/**
 * What the GCM IV of an SA is made of. Standard: SCI ‖ PN (802.1AE 14.5). XPN: (SSCI ‖ PN) XOR salt (14.7), so
 * `high` and `mid` hold what is XORed with the SSCI and the PN's upper half, `low` with its lower half.
 */
export interface IvBase {
  readonly xpn: boolean;
  readonly high: number;
  readonly mid: number;
  readonly low: number;
}

export interface SecY {
  readonly protectFrames: boolean;
  readonly encrypt: boolean;
  readonly validate: MacsecConfig['validate'];
  readonly replayProtect: boolean;
  readonly xpn: boolean;
  readonly icvLen: number;
  /** The own SCI, 8 octets. */
  readonly sci: Buffer;
  /** TCI of every frame sent, without the AN. */
  readonly tci: number;
  /** Octets of the SecTAG of every frame sent, with its EtherType. */
  readonly tagLen: number;
  /** Indexed by AN. */
  readonly txSa: (TxSa | null)[];
  encodingSa: number;
  readonly rxSc: RxSc[];
  /** The RxSC and RxSA of a keyring slot: what the second half of `validate` looks up. */
  readonly scOfSlot: (RxSc | null)[];
  readonly saOfSlot: (RxSa | null)[];
  readonly keyring: Keyring;
  readonly counters: Float64Array;
}

/** What the main thread shares with a lane about an SA: the PN counter of a TxSA, the next PN of an RxSA. */
export interface SaShare {
  /** `PnGrant.shared`; transmit only. */
  readonly pn: SharedArrayBuffer | null;
  /** Where the receiver starts; receive only. */
  readonly nextPn: number;
}

/** What a lane needs to build its SecY; survives a structured clone. */
export interface SecySpec {
  readonly config: MacsecConfig;
  /** 16 hex digits. */
  readonly sci: string;
  /** Parallel to `config.txSa`. */
  readonly txShare: readonly SaShare[];
  /** Parallel to `config.rxSc` and its `sa`. */
  readonly rxShare: readonly (readonly SaShare[])[];
}

/** PNs that a lane takes at once. */
const PN_BLOCK_LEN = 256;

/** Slots of the keyring that the spec's SAs take. */
export function keySlots(config: MacsecConfig): number {
  return AN_COUNT * (1 + config.rxSc.length);
}

/** Builds the SecY of one lane; puts its keys into `keyring`. `counters` has `secyCountersLen` elements. */
export function createSecy(spec: SecySpec, keyring: Keyring, counters: Float64Array): SecY {
  const { config } = spec;
  const sci = parseSci(spec.sci);
  const xpn = isXpn(config.cipher);
  const sendSci = sendsSci(config);
  const secy: SecY = {
    protectFrames: config.protect,
    encrypt: config.encrypt,
    validate: config.validate,
    replayProtect: config.replayProtect,
    xpn,
    icvLen: config.icvLen,
    sci,
    tci: tciOf(config, sendSci),
    tagLen: sendSci ? SECTAG_LEN_SCI : SECTAG_LEN_NO_SCI,
    txSa: new Array(AN_COUNT).fill(null),
    encodingSa: config.encodingSa,
    rxSc: [],
    scOfSlot: new Array(keySlots(config)).fill(null),
    saOfSlot: new Array(keySlots(config)).fill(null),
    keyring,
    counters,
  };
  config.txSa.forEach((sa, i) => {
    secy.txSa[sa.an] = createTxSa(secy, sa, spec.txShare[i]!);
  });
  config.rxSc.forEach((sc, index) => {
    const scSci = parseSci(sc.sci);
    const rxSc: RxSc = {
      sciHigh: sciHigh(scSci, 0),
      sciLow: sciLow(scSci, 0),
      active: sc.active,
      sa: new Array(AN_COUNT).fill(null),
      countersAt: countersAt.rxSc(index),
    };
    secy.rxSc.push(rxSc);
    sc.sa.forEach((sa, i) => {
      const rxSa = createRxSa(secy, config, index, scSci, sa, spec.rxShare[index]![i]!);
      rxSc.sa[sa.an] = rxSa;
      secy.saOfSlot[rxSa.slot] = rxSa;
      secy.scOfSlot[rxSa.slot] = rxSc;
      counters[rxSa.countersAt + RxSaCounter.nextPn] = rxSa.replay.nextPn;
    });
  });
  return secy;
}

function createTxSa(secy: SecY, sa: SaConfig, share: SaShare): TxSa {
  secy.keyring.set(sa.an, sa.sak);
  return {
    an: sa.an,
    slot: sa.an,
    active: sa.active,
    pn: new PnBlock(share.pn!, PN_BLOCK_LEN, secy.xpn),
    iv: ivBase(secy.sci, sa),
    countersAt: countersAt.txSa(sa.an),
  };
}

function createRxSa(
  secy: SecY,
  config: MacsecConfig,
  scIndex: number,
  sci: Buffer,
  sa: SaConfig,
  share: SaShare,
): RxSa {
  const slot = AN_COUNT * (1 + scIndex) + sa.an;
  secy.keyring.set(slot, sa.sak);
  const bitmap = config.replayProtect && config.replayBitmap;
  return {
    an: sa.an,
    slot,
    active: sa.active,
    replay: new Replay(config.replayWindow, bitmap, share.nextPn),
    iv: ivBase(sci, sa),
    countersAt: countersAt.rxSa(scIndex, sa.an),
  };
}

function ivBase(sci: Buffer, sa: SaConfig): IvBase {
  if (sa.ssci === null || sa.salt === null)
    return { xpn: false, high: sciHigh(sci, 0), mid: sciLow(sci, 0), low: 0 };
  const { salt } = sa;
  return {
    xpn: true,
    high: (sa.ssci ^ sciHigh(salt, 0)) >>> 0,
    mid: sciHigh(salt, 4),
    low: sciHigh(salt, 8),
  };
}

/** Linux sends the SCI too when several RxSCs make an implicit one ambiguous. */
function sendsSci(config: MacsecConfig): boolean {
  return config.sendSci || (config.rxSc.length > 1 && !config.endStation && !config.scb);
}

/** As `macsec_fill_sectag` does: ES and SCB only without SC; C alone announces an ICV of another length. */
function tciOf(config: MacsecConfig, sendSci: boolean): number {
  let tci = 0;
  if (sendSci) tci |= TCI_SC;
  else tci |= (config.endStation ? TCI_ES : 0) | (config.scb ? TCI_SCB : 0);
  if (config.encrypt) tci |= TCI_E | TCI_C;
  else if (config.icvLen !== DEFAULT_ICV_LEN) tci |= TCI_C;
  return tci;
}

/** Writes the 12 octets of the IV of packet number `pn` at `at`. HOT PATH: allocates nothing. */
export function writeIv(iv: Uint8Array, at: number, base: IvBase, pn: number): void {
  const mid = base.xpn ? (base.mid ^ Math.floor(pn / 0x1_0000_0000)) >>> 0 : base.mid;
  putU32(iv, at, base.high);
  putU32(iv, at + 4, mid);
  putU32(iv, at + 8, base.low ^ (pn % 0x1_0000_0000));
}

function putU32(buf: Uint8Array, at: number, value: number): void {
  buf[at] = value >>> 24;
  buf[at + 1] = value >>> 16;
  buf[at + 2] = value >>> 8;
  buf[at + 3] = value;
}

/** The RxSC with this SCI, null where there is none. HOT PATH. */
export function findRxSc(secy: SecY, high: number, low: number): RxSc | null {
  const { rxSc } = secy;
  for (let i = 0; i < rxSc.length; i++) {
    const sc = rxSc[i]!;
    if (sc.sciLow === low && sc.sciHigh === high) return sc;
  }
  return null;
}
