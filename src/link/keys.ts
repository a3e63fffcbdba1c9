/**
 * Keys of control frames. They are made of what both ends have in common anyway, and of nothing that anything else is
 * made of, by HKDF (RFC 5869) with SHA-256: a CAK is MKA's key for other derivations, and a SAK is AES-GCM's, so AES
 * itself has no part in it.
 *
 * With key agreement both ends use one key, of the CAK. With static keys each end uses that of the SAK that it transmits
 * with, and takes those of all SAKs that it receives with: so a rotation, which has both ends receive with the new SAK
 * before either transmits with it, never comes between them. The name of a key, made beside it, says which it was.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { KEY_NAME_LEN, type LinkKey } from './frame.ts';

/** The key of all who have `cak`, named `ckn` (hex). */
export function linkKeyOfCak(cak: KeyObject, ckn: string): LinkKey {
  return derive(cak, 'l2vpnd control frames, CAK', ckn);
}

/** The key of the station whose SCI is `senderSci` (16 hex digits) and which transmits with `sak`. */
export function linkKeyOfSak(sak: KeyObject, senderSci: string): LinkKey {
  return derive(sak, 'l2vpnd control frames, SAK', senderSci);
}

/** An ICV key as long as `secret`, and its name. */
function derive(secret: KeyObject, label: string, context: string): LinkKey {
  const len = secret.symmetricKeySize!;
  const info = Buffer.concat([Buffer.from(`${label}\0`, 'latin1'), Buffer.from(context, 'hex')]);
  const octets = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), info, len + KEY_NAME_LEN));
  const icvKey = createSecretKey(octets.subarray(0, len));
  const name = octets.toString('hex', len);
  octets.fill(0);
  return { name, icvKey };
}
