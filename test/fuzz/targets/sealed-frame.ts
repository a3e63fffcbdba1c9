/** MACsec frames made with node:crypto and nothing of src/: an authentic frame for whatever its SecTAG says. */
import { createCipheriv } from 'node:crypto';

export interface SealOptions {
  readonly key: Buffer;
  readonly tci: number;
  /** The octet of SL as it stands on the wire. */
  readonly sl: number;
  readonly pn: bigint;
  readonly sci: Buffer;
  readonly icvLen: number;
  readonly xpn: { readonly ssci: number; readonly salt: Buffer } | null;
}

/** 802.1AE 14.5: SCI ‖ PN; 802.1AEbw 14.7: (SSCI ‖ PN) xor salt. */
function ivOf({ xpn, sci, pn }: SealOptions): Buffer {
  const iv = Buffer.alloc(12);
  if (xpn === null) {
    sci.copy(iv);
    iv.writeUInt32BE(Number(pn & 0xffffffffn), 8);
    return iv;
  }
  iv.writeUInt32BE(xpn.ssci);
  iv.writeBigUInt64BE(pn, 4);
  return Buffer.from(iv.map((octet, i) => octet ^ xpn.salt[i]!));
}

/** `inner` is a whole Ethernet frame; E in the TCI encrypts what follows its addresses. */
export function sealFrame(inner: Buffer, options: SealOptions): Buffer {
  const { key, tci, sl, pn, sci, icvLen } = options;
  const tag = Buffer.alloc(8);
  tag.writeUInt16BE(0x88e5);
  tag.writeUInt8(tci, 2);
  tag.writeUInt8(sl, 3);
  tag.writeUInt32BE(Number(pn & 0xffffffffn), 4);
  const head = Buffer.concat([inner.subarray(0, 12), tag, (tci & 0x20) !== 0 ? sci : Buffer.alloc(0)]);
  const data = inner.subarray(12);
  const isEncrypted = (tci & 0x08) !== 0;
  const cipher = createCipheriv(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', key, ivOf(options));
  cipher.setAAD(isEncrypted ? head : Buffer.concat([head, data]));
  const text = isEncrypted ? cipher.update(data) : data;
  cipher.final();
  return Buffer.concat([head, text, cipher.getAuthTag().subarray(0, icvLen)]);
}
