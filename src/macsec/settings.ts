/**
 * What a SecY does, of its config: all that a new configuration may change while it runs, SAs apart. A field of
 * `MacsecConfig` comes to the lanes here and nowhere else.
 */
import { ICV_LEN } from '../crypto/cipher-suite.ts';
import { SECTAG_LEN_NO_SCI, SECTAG_LEN_SCI, TCI_C, TCI_E, TCI_ES, TCI_SC, TCI_SCB } from '../wire/sectag.ts';
import type { MacsecConfig } from './config.ts';

export interface SecySettings {
  protectFrames: boolean;
  encrypt: boolean;
  /** `validate` is not "disabled": ICVs decide. */
  checks: boolean;
  /** `validate` is "strict": what is not proven is dropped. */
  strict: boolean;
  replayProtect: boolean;
  encodingSa: number;
  /** TCI of every frame sent, without the AN. */
  tci: number;
  /** Octets of the SecTAG of every frame sent, with its EtherType. */
  tagLen: number;
}

export function secySettings(config: MacsecConfig): SecySettings {
  const sendSci = sendsSci(config);
  return {
    protectFrames: config.protect,
    encrypt: config.encrypt,
    checks: config.validate !== 'disabled',
    strict: config.validate === 'strict',
    replayProtect: config.replayProtect,
    encodingSa: config.encodingSa,
    tci: tciOf(config, sendSci),
    tagLen: sendSci ? SECTAG_LEN_SCI : SECTAG_LEN_NO_SCI,
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
  else if (config.icvLen !== ICV_LEN) tci |= TCI_C;
  return tci;
}
