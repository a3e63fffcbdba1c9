/**
 * Frames as the standards say, made here and by nothing of src/: a second implementation to test the first with.
 * IEEE 802.1AE-2018 clauses 9 and 14.5 (GCM), RFC 2784 and 2890.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const ETHERTYPE_MACSEC = 0x88e5;
/** For experiments (IEEE 802 9.2.4): no stack answers it. */
export const ETHERTYPE_TEST = 0x88b5;

/** Octets of `aa:bb:…` or of plain or spaced hex. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/[:\s]/g, ''), 'hex');
}

export function ethernet(dst: string, src: string, etherType: number, payload: Buffer): Buffer {
  const type = Buffer.alloc(2);
  type.writeUInt16BE(etherType);
  return Buffer.concat([hex(dst), hex(src), type, payload]);
}

/** `len` octets that differ from their neighbours and from another `seed`'s. */
export function pattern(len: number, seed = 0): Buffer {
  return Buffer.from(Array.from({ length: len }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff));
}

export interface Association {
  /** Hex, 16 or 32 octets. */
  key: string;
  /** 16 hex digits. */
  sci: string;
  pn: number;
  an?: number;
  /** First octet behind the EtherType, without AN. Default 0x2c: SC, E, C. */
  tci?: number;
  icvLen?: number;
  /** Second octet; default as 9.7 has it. */
  sl?: number;
  /** SCI on the wire, where it is another than that of the IV. */
  wireSci?: string;
}

/** Protects `frame` (802.1AE 10.5). TCI with E: encrypted; without: integrity only. */
export function protect(frame: Buffer, association: Association): Buffer {
  const tci = association.tci ?? 0x2c;
  const userData = frame.subarray(12);
  const tag = Buffer.alloc(tci & 0x20 ? 16 : 8);
  tag.writeUInt16BE(ETHERTYPE_MACSEC, 0);
  tag[2] = tci | (association.an ?? 0);
  tag[3] = association.sl ?? (userData.length < 48 ? userData.length : 0);
  tag.writeUInt32BE(association.pn, 4);
  if (tci & 0x20) hex(association.wireSci ?? association.sci).copy(tag, 8);
  const head = Buffer.concat([frame.subarray(0, 12), tag]);
  const encrypted = (tci & 0x08) !== 0;
  const cipher = createCipheriv(cipherOf(association.key), hex(association.key), ivOf(association), {
    authTagLength: 16,
  });
  cipher.setAAD(encrypted ? head : Buffer.concat([head, userData]));
  const text = cipher.update(encrypted ? userData : Buffer.alloc(0));
  cipher.final();
  const icv = cipher.getAuthTag().subarray(0, association.icvLen ?? 16);
  return Buffer.concat([head, encrypted ? text : userData, icv]);
}

/** Undoes `protect`; PN, AN and TCI are read from the frame. Undefined when the ICV is wrong. */
export function unprotect(frame: Buffer, key: string, sci: string): Buffer | undefined {
  const tci = frame[14] ?? 0;
  const tagEnd = tci & 0x20 ? 28 : 20;
  const [head, text, icv] = [frame.subarray(0, tagEnd), frame.subarray(tagEnd, -16), frame.subarray(-16)];
  const iv = ivOf({ sci, pn: frame.readUInt32BE(16) });
  const decipher = createDecipheriv(cipherOf(key), hex(key), iv, { authTagLength: 16 });
  const encrypted = (tci & 0x08) !== 0;
  decipher.setAAD(encrypted ? head : Buffer.concat([head, text]));
  decipher.setAuthTag(icv);
  try {
    const userData = decipher.update(encrypted ? text : Buffer.alloc(0));
    decipher.final();
    return Buffer.concat([frame.subarray(0, 12), encrypted ? userData : text]);
  } catch {
    return undefined;
  }
}

function cipherOf(key: string): 'aes-128-gcm' | 'aes-256-gcm' {
  return key.length === 32 ? 'aes-128-gcm' : 'aes-256-gcm';
}

function ivOf({ sci, pn }: Pick<Association, 'sci' | 'pn'>): Buffer {
  const iv = Buffer.concat([hex(sci), Buffer.alloc(4)]);
  iv.writeUInt32BE(pn, 8);
  return iv;
}

export interface GreHeader {
  flags?: number;
  protocol?: number;
  /** Written where `flags` has 0x2000. */
  key?: number;
  /** Written where `flags` has 0x8000; default: the right one. */
  checksum?: number;
}

/** Puts a GRE header before `payload`; `flags` decides which fields it has. */
export function gre(payload: Buffer, header: GreHeader = {}): Buffer {
  const flags = header.flags ?? 0;
  const fields = Buffer.alloc(
    4 + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0),
  );
  fields.writeUInt16BE(flags, 0);
  fields.writeUInt16BE(header.protocol ?? 0x6558, 2);
  if (flags & 0x2000) fields.writeUInt32BE(header.key ?? 0, flags & 0x8000 ? 8 : 4);
  const packet = Buffer.concat([fields, payload]);
  if (flags & 0x8000) packet.writeUInt16BE(header.checksum ?? internetChecksum(packet), 4);
  return packet;
}

/** RFC 1071. */
export function internetChecksum(octets: Buffer): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
