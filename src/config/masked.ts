/** The effective configuration as JSON for people and scripts, keys hidden. */

import { vlanToJson } from '../host/bridge-port.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type { Config, MkaConfig, MkaKey } from './types.ts';

/** A JSON value of `config`, of the shape that its file has, in which each key is `(hidden, 16 octets)`. */
export function maskedConfig(config: Config): unknown {
  return {
    ...config,
    tunnels: config.tunnels.map(({ macsec, mka, tap, ...tunnel }) => ({
      ...tunnel,
      tap: { ...tap, vlans: tap.vlans?.map(vlanToJson) ?? null },
      macsec: macsec && (mka === null ? withMaskedSas(macsec) : withMka(macsec, mka)),
    })),
  };
}

function withMaskedSas(macsec: MacsecConfig): unknown {
  return {
    ...macsec,
    txSa: macsec.txSa.map(maskedSa),
    rxSc: macsec.rxSc.map((sc) => ({ ...sc, sa: sc.sa.map(maskedSa) })),
  };
}

function maskedSa({ sak, salt, ssci, pn, ...sa }: SaConfig): unknown {
  const xpn = salt === null ? {} : { ssci, salt: hidden(salt.length) };
  return { ...sa, pn: pnToJson(pn), key: hidden(sak.symmetricKeySize ?? 0), ...xpn };
}

/** What belongs to static keys is not there with key agreement. */
function withMka(
  { txSa: _tx, rxSc: _rx, encodingSa: _an, ...settings }: MacsecConfig,
  mka: MkaConfig,
): unknown {
  const { fallback } = mka;
  return { ...settings, mka: { ...maskedCak(mka), fallback: fallback && maskedCak(fallback) } };
}

function maskedCak<Key extends MkaKey>({ ckn, cak, ...rest }: Key): object {
  return { ckn, cak: hidden(cak.symmetricKeySize ?? 0), ...rest };
}

function hidden(octets: number): string {
  return `(hidden, ${octets} octets)`;
}
