/** MKPDUs put together octet by octet, with a right ICV: what no encoder of ours would write. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { aesCmac } from '../../../../src/crypto/cmac.ts';
import { hex } from './vectors.ts';

export const RAW_ICK: KeyObject = createSecretKey(Buffer.alloc(16, 0x11));

/** A Basic set: version 1, priority 16, key server, CKN of 4 octets. */
export const BASIC = '01 10 e0 20  02000000bb010001  718b8a39866b2f5814c9dcf6  00000001  0080c201  c0ffee01';

export interface Raw {
  addresses?: string;
  /** In front of the EtherType. */
  vlans?: string;
  etherType?: string;
  version?: string;
  type?: string;
  basic?: string;
  /** The sets behind Basic. */
  sets?: string;
  /** Where the body length is not that of the octets. */
  bodyLen?: number;
  /** Behind the MKPDU. */
  padding?: number;
}

export function rawMkpdu(raw: Raw): Buffer {
  const body = hex(`${raw.basic ?? BASIC} ${raw.sets ?? ''}`);
  const bodyLen = (raw.bodyLen ?? body.length + 16).toString(16).padStart(4, '0');
  const addresses = hex(raw.addresses ?? '0180c2000003 0200000000bb');
  const head = hex(`${raw.etherType ?? '888e'} ${raw.version ?? '03'} ${raw.type ?? '05'} ${bodyLen}`);
  const icv = aesCmac(RAW_ICK, addresses, head, body);
  return Buffer.concat([
    addresses,
    hex(raw.vlans ?? ''),
    head,
    body,
    icv,
    Buffer.alloc(raw.padding ?? 0, 0xee),
  ]);
}

export const MI_A: string = 'aa'.repeat(12);
export const MI_B: string = 'bb'.repeat(12);
export const LIVE_A: string = `01 00 0010 ${MI_A} 00000007`;
export const LIVE_B: string = `01 00 0010 ${MI_B} 00000007`;
export const SAK_USE: string = `03 50 0028 ${MI_A} 00000001 00000001 ${'00'.repeat(16)} 00000001`;
export const DIST_SAK: string = `04 10 001c 00000001 ${'5a'.repeat(24)}`;
