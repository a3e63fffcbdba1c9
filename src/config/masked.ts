/** The effective configuration as JSON for people and scripts, keys hidden. */

import type { SaConfig } from '../macsec/config.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type { Config } from './types.ts';

/** A JSON value of `config` in which each key is `(hidden, 16 octets)`. */
export function maskedConfig(config: Config): unknown {
  return {
    ...config,
    tunnels: config.tunnels.map(({ macsec, ...tunnel }) => ({
      ...tunnel,
      macsec: macsec && {
        ...macsec,
        txSa: macsec.txSa.map(maskedSa),
        rxSc: macsec.rxSc.map((sc) => ({ ...sc, sa: sc.sa.map(maskedSa) })),
      },
    })),
  };
}

function maskedSa({ sak, salt, ssci, pn, ...sa }: SaConfig): unknown {
  const xpn = salt === null ? {} : { ssci, salt: hidden(salt.length) };
  return { ...sa, pn: pnToJson(pn), key: hidden(sak.symmetricKeySize ?? 0), ...xpn };
}

function hidden(octets: number): string {
  return `(hidden, ${octets} octets)`;
}
