/**
 * MTU arithmetic: what a path leaves for the inner packet. A SecTAG with SCI is counted always, and the ICV as long
 * as it is, as the kernel's macsec device does (`macsec_newlink`; asked of Linux 6.1), so that both ends agree.
 */
import type { GreConfig } from '../config/types.ts';
import type { MacsecConfig } from '../macsec/config.ts';

export interface OverheadPart {
  name: string;
  octets: number;
}

export interface MtuArithmetic {
  pathMtu: number;
  /** Outermost first. */
  parts: OverheadPart[];
  overhead: number;
  /** MTU of the TAP: the longest inner packet, without its Ethernet header. */
  mtu: number;
}

/** With SCI, whether it is sent or not; see above. */
const SECTAG_OCTETS = 16;

/** What `gre` and `macsec` add to an inner packet. */
export function overheadParts(
  gre: Pick<GreConfig, 'family' | 'encap' | 'key' | 'checksum'>,
  macsec: MacsecConfig | null,
): OverheadPart[] {
  const parts = [gre.family === 4 ? { name: 'IPv4', octets: 20 } : { name: 'IPv6', octets: 40 }];
  if (gre.encap === 'udp') parts.push({ name: 'UDP', octets: 8 });
  parts.push({ name: 'GRE', octets: 4 });
  if (gre.checksum) parts.push({ name: 'GRE checksum', octets: 4 });
  if (gre.key !== null) parts.push({ name: 'GRE key', octets: 4 });
  parts.push({ name: 'Ethernet', octets: 14 });
  if (macsec !== null) {
    parts.push({ name: 'SecTAG', octets: SECTAG_OCTETS }, { name: 'ICV', octets: macsec.icvLen });
  }
  return parts;
}

export function mtuArithmetic(
  pathMtu: number,
  gre: Pick<GreConfig, 'family' | 'encap' | 'key' | 'checksum'>,
  macsec: MacsecConfig | null,
): MtuArithmetic {
  const parts = overheadParts(gre, macsec);
  const overhead = parts.reduce((sum, part) => sum + part.octets, 0);
  return { pathMtu, parts, overhead, mtu: pathMtu - overhead };
}

/** `1500 − 20 IPv4 − 4 GRE − 14 Ethernet − 16 SecTAG − 16 ICV = 1430` */
export function formatMtu({ pathMtu, parts, mtu }: MtuArithmetic): string {
  return `${[pathMtu, ...parts.map((part) => `${part.octets} ${part.name}`)].join(' − ')} = ${mtu}`;
}
