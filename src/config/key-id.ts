/** The identifier of a key that the configuration gives none: the same for the same key, at both ends, on any day. */
import { createHmac, type KeyObject } from 'node:crypto';

/** Keeps this use of the key apart from any other. */
const LABEL = 'l2vpnd default keyId';
const OCTETS = 4;

/** Hex of the first octets of HMAC-SHA-256(sak, LABEL): says nothing of the key but that it is this one. */
export function defaultKeyId(sak: KeyObject): string {
  return createHmac('sha256', sak)
    .update(LABEL)
    .digest('hex')
    .slice(0, 2 * OCTETS);
}
