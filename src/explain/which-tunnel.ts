/** Which tunnel of a configuration a decoded packet belongs to, and in which direction. */
import { isIP } from 'node:net';
import { canonicalAddress } from '../config/fields.ts';
import type { Config, TunnelConfig } from '../config/types.ts';
import { peekMkpdu } from '../keys/mka/decode.ts';
import { ETHERTYPE_MACSEC, etherTypeAt, formatSrcMac, OFF_SRC_MAC } from '../wire/ethernet.ts';
import { checkGre, GreFault } from '../wire/gre.ts';
import { sciOf } from '../wire/sci.ts';
import { formatSciAt, hasSecTag } from '../wire/sectag.ts';
import type { Decoded } from './layers.ts';
import { caksOf } from './mka.ts';

/** `sent`: by the site that the configuration is of. */
export type Direction = 'received' | 'sent';

export interface Found {
  tunnel: TunnelConfig;
  direction: Direction;
}

/** The tunnel of a packet by its outer addresses, else by the CKN or the SCI of its frame; a text says why there is none. */
export function findTunnel(config: Config, packet: Buffer, decoded: Decoded): Found | string {
  const { ends } = decoded;
  if (ends === null)
    return findByCkn(config, packet, decoded) ?? findBySci(config, sciOfFrame(packet, decoded));
  const candidates = config.tunnels.flatMap((tunnel): Found[] => {
    if (isBetween(tunnel, decoded, ends.src, ends.dst)) return [{ tunnel, direction: 'received' }];
    return isBetween(tunnel, decoded, ends.dst, ends.src) ? [{ tunnel, direction: 'sent' }] : [];
  });
  const [first] = candidates;
  // Tunnels between the same ends are told apart by their GRE key; dynamic ones of one port by what their peers are called.
  const own = candidates.filter(({ tunnel }) => decoded.greAt >= 0 && hasKeyOf(tunnel, packet, decoded));
  const named = own.length > 1 ? findNamed(config, packet, decoded) : null;
  const called = own.find(({ tunnel }) => tunnel === named?.tunnel);
  if (first !== undefined) return called ?? own[0] ?? first;
  return `no tunnel has the ends ${ends.src} and ${ends.dst}${decoded.udp === null ? '' : ' over UDP'}: compare gre.local and gre.remote`;
}

/** By the CKN or SCI of its frame alone; null: no tunnel has them. */
function findNamed(config: Config, packet: Buffer, decoded: Decoded): Found | null {
  const found = findByCkn(config, packet, decoded) ?? findBySci(config, sciOfFrame(packet, decoded));
  return typeof found === 'string' ? null : found;
}

function hasKeyOf({ gre }: TunnelConfig, packet: Buffer, { greAt, end }: Decoded): boolean {
  const fault = checkGre(packet, greAt, end, gre);
  return fault === GreFault.None || fault === GreFault.Checksum;
}

function isBetween({ gre }: TunnelConfig, decoded: Decoded, remote: string, local: string): boolean {
  if ((gre.encap === 'udp') !== (decoded.udp !== null)) return false;
  if (decoded.udp !== null && ![decoded.udp.srcPort, decoded.udp.dstPort].includes(gre.port)) return false;
  return isEnd(gre.local, local) && isEnd(gre.remote, remote);
}

/** What is no address (`auto`, `dynamic`, a host name) may be any. */
function isEnd(configured: string, address: string): boolean {
  return isIP(configured) === 0 || canonicalAddress(configured) === address;
}

/** null: the frame is no MKPDU, or its CKN is not configured. */
function findByCkn(config: Config, packet: Buffer, { frameAt, end }: Decoded): Found | null {
  if (frameAt < 0) return null;
  const frame = packet.subarray(frameAt, end);
  const mkpdu = peekMkpdu(frame, frame.subarray(0, OFF_SRC_MAC));
  if (typeof mkpdu === 'string') return null;
  const tunnel = config.tunnels.find((one) => caksOf(one).some(({ ckn }) => ckn === mkpdu.ckn));
  if (tunnel === undefined) return null;
  const isSent = tunnel.tap.mac === formatSrcMac(frame, 0);
  return { tunnel, direction: isSent ? 'sent' : 'received' };
}

function findBySci(config: Config, sci: string | null): Found | string {
  for (const tunnel of config.tunnels) {
    const { macsec, tap } = tunnel;
    if (macsec?.rxSc.some((sc) => sc.sci === sci)) return { tunnel, direction: 'received' };
    if (macsec && tap.mac !== null && sciOf(tap.mac, macsec.port) === sci)
      return { tunnel, direction: 'sent' };
  }
  const [only, ...others] = config.tunnels;
  if (only !== undefined && others.length === 0) return { tunnel: only, direction: 'received' };
  return 'the packet has no outer addresses, and no tunnel has its SCI or CKN';
}

/** The SCI that the frame carries, or null. */
export function sciOfFrame(packet: Buffer, { frameAt, end }: Decoded): string | null {
  return frameAt < 0 ? null : sciAt(packet.subarray(frameAt, end));
}

/** The same of a frame alone. */
export function sciAt(frame: Buffer): string | null {
  if (!hasSecTag(frame, 0, frame.length) || etherTypeAt(frame, 0) !== ETHERTYPE_MACSEC) return null;
  return formatSciAt(frame, 0);
}
