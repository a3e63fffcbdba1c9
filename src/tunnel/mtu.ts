/**
 * MTU arithmetic: what a path leaves for the inner packet. A SecTAG with SCI is counted always, and the ICV as long
 * as it is, as the kernel's macsec device does (`macsec_newlink`; asked of Linux 6.1), so that both ends agree.
 */
import type { EncapHeaders, OverheadPart } from '../encap/encap.ts';
import { encapOverhead } from '../encap/kinds.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { SECTAG_LEN_SCI } from '../wire/sectag.ts';

export interface MtuArithmetic {
  readonly pathMtu: number;
  /** Outermost first. */
  readonly parts: readonly OverheadPart[];
  readonly overhead: number;
  /** The longest inner packet, without its Ethernet header. */
  readonly mtu: number;
}

/** What is left of `pathMtu`; `macsec` null: plain GRETAP. */
export function mtuArithmetic(
  pathMtu: number,
  gre: EncapHeaders,
  macsec: MacsecConfig | null,
): MtuArithmetic {
  const parts = [...encapOverhead(gre), ...(macsec === null ? [] : macsecOverhead(macsec))];
  const overhead = parts.reduce((sum, part) => sum + part.octets, 0);
  return { pathMtu, parts, overhead, mtu: pathMtu - overhead };
}

/** With SCI, whether it is sent or not; see above. */
function macsecOverhead({ icvLen }: MacsecConfig): OverheadPart[] {
  return [
    { name: 'SecTAG', octets: SECTAG_LEN_SCI },
    { name: 'ICV', octets: icvLen },
  ];
}

/** `1500 − 20 IPv4 − 4 GRE − 14 Ethernet − 16 SecTAG − 16 ICV = 1430` */
export function formatMtu({ pathMtu, parts, mtu }: MtuArithmetic): string {
  return `${[pathMtu, ...parts.map((part) => `${part.octets} ${part.name}`)].join(' − ')} = ${mtu}`;
}
