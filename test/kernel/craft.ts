/**
 * MACsec frames by hand, right and wrong ones (802.1AE-2018 clauses 9, 10, 14), and the packet around them.
 * Written against the standard and node:crypto alone, so that it shares no mistake with src/.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export type Cipher = 'gcm-aes-128' | 'gcm-aes-256' | 'gcm-aes-xpn-128' | 'gcm-aes-xpn-256';

/** SecTAG octet 3 (9.5). */
export const TCI = { V: 0x80, ES: 0x40, SC: 0x20, SCB: 0x10, E: 0x08, C: 0x04 } as const;

export const ETHERTYPE_MACSEC = 0x88e5;
/** Local experimental EtherType 1 (IEEE 802): nobody's stack answers it. */
export const ETHERTYPE_TEST = 0x88b5;

const SHORT_LEN = 48;

export interface InnerFrame {
  dst: string;
  src: string;
  /** EtherType and payload. */
  userData: Buffer;
}

export interface Sak {
  cipher: Cipher;
  /** Hex. */
  key: string;
  icvLen: number;
  /** XPN only. */
  ssci?: number;
  /** XPN only, 24 hex digits. */
  salt?: string;
}

export interface Tag {
  /** TCI bits and AN. */
  tci: number;
  pn: number | bigint;
  /** 16 hex digits: what the IV is made of, and what stands in the tag when SC is set. */
  sci: string;
  /** Instead of what the user data's length says. */
  sl?: number;
}

/** What is done to a good frame to make it a bad one. */
export interface Damage {
  /** One bit of the ICV is turned. */
  icv?: boolean;
  /** Octets behind the ICV. */
  padding?: number;
  /** The frame ends here. */
  cutTo?: number;
}

/** EtherType 0x88b5 and `payloadLen` octets that tell where they are. */
export function testData(payloadLen: number): Buffer {
  const data = Buffer.alloc(2 + payloadLen);
  data.writeUInt16BE(ETHERTYPE_TEST);
  for (let i = 0; i < payloadLen; i++) data[2 + i] = (i * 7 + payloadLen) & 0xff;
  return data;
}

/** A frame without SecTAG. */
export function craftPlain(inner: InnerFrame): Buffer {
  return Buffer.concat([macOctets(inner.dst), macOctets(inner.src), inner.userData]);
}

/** A protected frame. E set: encrypted; E clear: integrity only, whatever C says (that is how Linux reads it). */
export function craftMacsec(inner: InnerFrame, tag: Tag, sak: Sak, damage: Damage = {}): Buffer {
  const head = Buffer.concat([
    macOctets(inner.dst),
    macOctets(inner.src),
    secTag(tag, inner.userData.length),
  ]);
  const cipher = createCipheriv(gcm(sak), Buffer.from(sak.key, 'hex'), initialValue(tag, sak), {
    authTagLength: 16,
  });
  let secureData = inner.userData;
  if ((tag.tci & TCI.E) !== 0) {
    cipher.setAAD(head);
    secureData = cipher.update(inner.userData);
  } else {
    cipher.setAAD(Buffer.concat([head, inner.userData]));
  }
  cipher.final();
  const icv = Buffer.from(cipher.getAuthTag().subarray(0, sak.icvLen));
  if (damage.icv === true) icv[0]! ^= 1;
  const frame = Buffer.concat([head, secureData, icv, Buffer.alloc(damage.padding ?? 0)]);
  return damage.cutTo === undefined ? frame : frame.subarray(0, damage.cutTo);
}

/** Takes a protected frame apart; null when the ICV is wrong. `upper` is the XPN's upper half. */
export function openMacsec(frame: Buffer, sci: string, sak: Sak, upper: number = 0): InnerFrame | null {
  const tci = frame[14]!;
  const headLen = (tci & TCI.SC) !== 0 ? 28 : 20;
  const pn = (BigInt(upper) << 32n) | BigInt(frame.readUInt32BE(16));
  const wireSci = (tci & TCI.SC) !== 0 ? frame.toString('hex', 20, 28) : sci;
  const iv = initialValue({ tci, pn, sci: wireSci }, sak);
  const opener = createDecipheriv(gcm(sak), Buffer.from(sak.key, 'hex'), iv, { authTagLength: sak.icvLen });
  opener.setAuthTag(frame.subarray(frame.length - sak.icvLen));
  const body = frame.subarray(headLen, frame.length - sak.icvLen);
  let userData: Buffer = body;
  if ((tci & TCI.E) !== 0) {
    opener.setAAD(frame.subarray(0, headLen));
    userData = opener.update(body);
  } else {
    opener.setAAD(frame.subarray(0, frame.length - sak.icvLen));
  }
  try {
    opener.final();
  } catch {
    return null;
  }
  return { dst: macText(frame.subarray(0, 6)), src: macText(frame.subarray(6, 12)), userData };
}

export interface Endpoint {
  mac: string;
  ip: string;
}

/** `frame` in GRE (0x6558, no options) in IPv4 in Ethernet, as a gretap sends it. */
export function overGre(frame: Buffer, from: Endpoint, to: Endpoint): Buffer {
  const packet = Buffer.alloc(38);
  macOctets(to.mac).copy(packet, 0);
  macOctets(from.mac).copy(packet, 6);
  packet.writeUInt16BE(0x0800, 12);
  packet.writeUInt8(0x45, 14);
  packet.writeUInt16BE(24 + frame.length, 16);
  packet.writeUInt16BE(0x4000, 20);
  packet.writeUInt8(64, 22);
  packet.writeUInt8(47, 23);
  ipOctets(from.ip).copy(packet, 26);
  ipOctets(to.ip).copy(packet, 30);
  packet.writeUInt16BE(checksum(packet.subarray(14, 34)), 24);
  packet.writeUInt16BE(0x6558, 36);
  return Buffer.concat([packet, frame]);
}

/** "Who has `to.ip`?", asked of its MAC address directly: a marker that the other end answers. */
export function arpRequest(from: Endpoint, to: Endpoint): Buffer {
  return Buffer.concat([
    ...[macOctets(to.mac), macOctets(from.mac), Buffer.from('08060001080006040001', 'hex')],
    ...[macOctets(from.mac), ipOctets(from.ip), Buffer.alloc(6), ipOctets(to.ip)],
  ]);
}

/** Is this the ARP answer (or question) of `from`? */
export function isArpOf(frame: Buffer, from: Endpoint, operation: 1 | 2): boolean {
  if (frame.length < 42 || frame.readUInt16BE(12) !== 0x0806 || frame.readUInt16BE(20) !== operation)
    return false;
  return frame.subarray(28, 32).equals(ipOctets(from.ip));
}

export function macOctets(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

function macText(octets: Buffer): string {
  return octets.toString('hex').match(/../g)!.join(':');
}

function ipOctets(ip: string): Buffer {
  return Buffer.from(ip.split('.').map(Number));
}

function secTag(tag: Tag, userDataLen: number): Buffer {
  const octets = Buffer.alloc(8);
  octets.writeUInt16BE(ETHERTYPE_MACSEC, 0);
  octets.writeUInt8(tag.tci, 2);
  octets.writeUInt8(tag.sl ?? (userDataLen < SHORT_LEN ? userDataLen : 0), 3);
  octets.writeUInt32BE(Number(BigInt(tag.pn) & 0xffffffffn), 4);
  return (tag.tci & TCI.SC) !== 0 ? Buffer.concat([octets, Buffer.from(tag.sci, 'hex')]) : octets;
}

/** 14.5: SCI ‖ PN; 14.7 (XPN): (SSCI ‖ 64-bit PN) xor Salt. */
function initialValue(tag: Tag, sak: Sak): Buffer {
  const iv = Buffer.alloc(12);
  if (sak.salt === undefined) {
    iv.write(tag.sci, 'hex');
    iv.writeUInt32BE(Number(BigInt(tag.pn) & 0xffffffffn), 8);
    return iv;
  }
  iv.writeUInt32BE(sak.ssci ?? 0, 0);
  iv.writeBigUInt64BE(BigInt(tag.pn), 4);
  const salt = Buffer.from(sak.salt, 'hex');
  return iv.map((octet, i) => octet ^ salt[i]!) as Buffer;
}

function gcm(sak: Sak): 'aes-128-gcm' | 'aes-256-gcm' {
  return sak.cipher.endsWith('256') ? 'aes-256-gcm' : 'aes-128-gcm';
}

function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
