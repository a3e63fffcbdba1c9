/** New keys as key files hold them: hex and a line's end, in memory that can be wiped. */
import { randomBytes, randomFillSync } from 'node:crypto';
import { secretOctets } from '../config/keys.ts';

/** Octets of a new CKN. As long as a CKN gets, so that no device fills it up. */
const CKN_LEN = 32;

export type KeyBits = 128 | 256;

/** The text of a key file with a new key. Wipe it. */
export function newKeyText(bits: KeyBits): Buffer {
  const octets = secretOctets(bits / 8);
  const text = secretOctets(bits / 4 + 1);
  randomFillSync(octets);
  octets.forEach((octet, i) => {
    text[2 * i] = hexDigit(octet >> 4);
    text[2 * i + 1] = hexDigit(octet & 0x0f);
  });
  octets.fill(0);
  text[text.length - 1] = 0x0a;
  return text;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x61 + value - 10;
}

/** A new name of a CAK, hex. It is no secret. */
export function newCkn(): string {
  return randomBytes(CKN_LEN).toString('hex');
}
