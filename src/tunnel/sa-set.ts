/**
 * The SAs of a SecY apart from its settings: what a key source decides, and what the operator does. Each function
 * makes a new set of an old one; nothing is changed in place.
 */
import type { MacsecConfig, RxScConfig, SaConfig } from '../macsec/config.ts';

/** Which SAs there are, and which of them encodes. */
export type SaSet = Readonly<Pick<MacsecConfig, 'txSa' | 'rxSc' | 'encodingSa'>>;

/** Everything else of a SecY's configuration. */
export type MacsecSettings = Readonly<Omit<MacsecConfig, keyof SaSet>>;

export function sasOf({ txSa, rxSc, encodingSa }: SaSet): SaSet {
  return { txSa, rxSc, encodingSa };
}

export function settingsOf(config: MacsecConfig): MacsecSettings {
  const { txSa: _txSa, rxSc: _rxSc, encodingSa: _encodingSa, ...settings } = config;
  return settings;
}

/** No SA: nothing is sent, nothing accepted. */
export const NO_SAS: SaSet = { txSa: [], rxSc: [], encodingSa: 0 };

export function rxSasOf(sas: SaSet, sci: string): readonly SaConfig[] {
  return sas.rxSc.find((sc) => sc.sci === sci)?.sa ?? [];
}

export function withTx(sas: SaSet, sa: SaConfig): SaSet {
  return { ...sas, txSa: [...sas.txSa, sa] };
}

/** An RxSC that is not there yet is made. */
export function withRx(sas: SaSet, sci: string, sa: SaConfig): SaSet {
  if (!sas.rxSc.some((sc) => sc.sci === sci)) {
    return { ...sas, rxSc: [...sas.rxSc, { sci, active: true, sa: [sa] }] };
  }
  return changeRxSc(sas, sci, (sc) => ({ ...sc, sa: [...sc.sa, sa] }));
}

export function withoutTx(sas: SaSet, an: number): SaSet {
  return { ...sas, txSa: sas.txSa.filter((sa) => sa.an !== an) };
}

/** The RxSC stays, with its other SAs or none. */
export function withoutRx(sas: SaSet, sci: string, an: number): SaSet {
  return changeRxSc(sas, sci, (sc) => ({ ...sc, sa: sc.sa.filter((sa) => sa.an !== an) }));
}

export function withoutRxSc(sas: SaSet, sci: string): SaSet {
  return { ...sas, rxSc: sas.rxSc.filter((sc) => sc.sci !== sci) };
}

function changeRxSc(sas: SaSet, sci: string, change: (sc: RxScConfig) => RxScConfig): SaSet {
  return { ...sas, rxSc: sas.rxSc.map((sc) => (sc.sci === sci ? change(sc) : sc)) };
}
