/**
 * A tunnel of a configuration as a kernel would have it: a `gretap`, a `macsec` on it, a port of a bridge. What a kernel
 * cannot be is refused; what it does otherwise is told.
 */
import { addressFamily } from '../config/fields.ts';
import type { TunnelConfig } from '../config/types.ts';
import type { GreConfig } from '../encap/config.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { sciOf } from '../wire/sci.ts';
import {
  type FoundGre,
  type FoundMacsec,
  type FoundSa,
  newGre,
  newLink,
  newMacsec,
  type Remark,
} from './kernel-site.ts';
import type { KernelTunnel } from './to-site.ts';

export interface ForKernel {
  readonly tunnel: KernelTunnel;
  readonly remarks: readonly Remark[];
}

/** Octets of SecTAG and EtherType. */
const SECTAG_LEN = 16;

/** Throws L2VPN_CONFIG where no kernel can be that end. */
export function toKernel(tunnel: TunnelConfig): ForKernel {
  refuse(tunnel);
  const remarks = remarksOf(tunnel).map((text) => ({ where: tunnel.name, text }));
  return { tunnel: linksOf(tunnel), remarks };
}

function linksOf({ tap, gre: outer, macsec, name }: TunnelConfig): KernelTunnel {
  const { mac, bridge: master, isolated, stp, vlans } = tap;
  const top = { mac, master, port: { isolated, ...stp, vlans: [...(vlans ?? [])] } };
  const kind = outer.family === 6 ? 'ip6gretap' : 'gretap';
  const mtu = tap.mtu === 'auto' ? null : tap.mtu + (macsec === null ? 0 : SECTAG_LEN + macsec.icvLen);
  const below = macsec === null ? tap.ifname : belowName(tap.ifname);
  const gre = { ...newLink(below, name, kind), mtu, gre: greOf(outer) };
  if (macsec === null) return { gre: { ...gre, ...top }, macsec: null };
  const secured = { ...newLink(tap.ifname, name, 'macsec'), below, macsec: macsecOf(macsec, mac) };
  return { gre, macsec: { ...secured, ...top } };
}

/** Of the `gretap` below: `macsec1` lies on `gretap1`. */
export function belowName(ifname: string): string {
  const [, number] = /^macsec(.*)$/.exec(ifname) ?? [];
  return number === undefined ? `g-${ifname}`.slice(0, 15) : `gretap${number}`.slice(0, 15);
}

function refuse({ name, gre, macsec }: TunnelConfig): void {
  if (gre.remote === 'dynamic')
    throw unfit(
      name,
      'gre.remote is "dynamic", and a kernel\'s gretap learns no peer; --peer is the other end',
    );
  if (addressFamily(gre.remote) === 0)
    throw unfit(
      name,
      `gre.remote is the name "${gre.remote}", and a kernel's gretap has an address: give it that`,
    );
  if (macsec !== null && macsec.icvLen > 8 && macsec.icvLen < 12)
    throw unfit(name, `icvLen is ${macsec.icvLen}, which is between two l2vpnd only: Linux refuses every SA`);
}

function unfit(name: string, why: string): L2vpnError {
  return new L2vpnError('L2VPN_CONFIG', `tunnel "${name}" cannot be a kernel's: ${why}`);
}

function greOf(gre: GreConfig): FoundGre {
  const { key, checksum, ttl, tos, df, port } = gre;
  return {
    ...newGre(gre.family),
    local: addressFamily(gre.local) === 0 ? null : gre.local,
    ...{ remote: gre.remote, ttl, tos: tos === 'inherit' ? tos : tos & 0xfe, inKey: key, outKey: key },
    ...{ inChecksum: checksum, outChecksum: checksum, pmtudisc: df },
    encap:
      gre.encap === 'none'
        ? null
        : { type: 'fou', port, sourcePort: gre.sourcePort === 'flow' ? 'auto' : port },
  };
}

function macsecOf(macsec: MacsecConfig, mac: string | null): FoundMacsec {
  return {
    ...newMacsec(),
    sci: mac === null ? null : sciOf(mac, macsec.port),
    ...{ port: macsec.port, cipher: macsec.cipher, icvLen: macsec.icvLen, encodingSa: macsec.encodingSa },
    ...{ protect: macsec.protect, encrypt: macsec.encrypt, sendSci: macsec.sendSci },
    ...{ endStation: macsec.endStation, scb: macsec.scb, validate: macsec.validate },
    ...{ replay: macsec.replayProtect, window: macsec.replayProtect ? macsec.replayWindow : 0 },
    txSa: macsec.txSa.map(saOf),
    rxSc: macsec.rxSc.map(({ sci, active, sa }) => ({ sci, active, sa: sa.map(saOf) })),
  };
}

function saOf({ an, pn, active, keyId, sak, ssci, salt }: SaConfig): FoundSa {
  return {
    an,
    pn,
    active,
    keyId,
    key: { hex: sak.export().toString('hex') },
    ssci,
    salt: salt?.toString('hex') ?? null,
  };
}

/** What the kernel does not do, or does otherwise. */
function remarksOf({ tap, gre, macsec, keepalive, mka }: TunnelConfig): string[] {
  const said: string[] = [];
  if (macsec !== null && mka === null) {
    said.push(
      'a packet number may never be used twice with a key: where l2vpnd has sent with these keys, take new ones at both ends ("l2vpnd genkey --sak"); a kernel also begins at the same number whenever the link is made',
    );
    if (tap.mac === null)
      said.push('tap.mac is null, so the SCI is another at each start: set it, as the peer has to know it');
  }
  if (macsec?.replayProtect && macsec.replayBitmap && mka === null)
    said.push('replayBitmap is left out: the kernel delivers a frame that is repeated within the window');
  if (macsec?.rxSc.some(({ active }) => !active))
    said.push('an rxSc that is off: the kernel receives frames that carry its SCI all the same');
  if (addressFamily(gre.local) === 0)
    said.push(
      'gre.local is "auto": the kernel\'s gretap has no local address, and takes that of the route for each packet',
    );
  if (gre.tos === 'inherit' && macsec !== null)
    said.push('gre.tos "inherit" has no effect: below a macsec the kernel sends 0');
  if (typeof gre.tos === 'number' && (gre.tos & 1) !== 0)
    said.push(`gre.tos ${gre.tos} becomes ${gre.tos & 0xfe}: the lowest bit is "inherit" to a kernel`);
  if (!gre.df && gre.family === 6) said.push('gre.df false is left out: there is no DF in IPv6');
  if (macsec?.cipher.includes('xpn')) said.push('XPN ciphers need Linux 5.7 and iproute2 6.1');
  if (keepalive !== null)
    said.push('keepalive is left out: it is between two l2vpnd, so remove it at the other end too');
  if (tap.carrier === 'peer') said.push('tap.carrier "peer" is left out: the link has carrier always');
  if (tap.queues > 1) said.push('tap.queues is left out');
  said.push(
    `the kernel lowers no TCP MSS and answers nothing that does not fit: the hosts of the LAN need the MTU that "ip link show ${tap.ifname}" says`,
  );
  return said;
}
