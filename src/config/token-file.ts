/** The file with the bearer token of `metrics.listen`: one line of printable characters, as whoever scrapes has it too. */
import { createHash } from 'node:crypto';
import { L2vpnError } from '../errors.ts';
import { readPrivateFile, secretOctets } from './keys.ts';

/** What nobody guesses: 16 characters of base64 are 96 bits. */
const LEAST_LEN = 16;
const MOST_LEN = 512;
/** What an Authorization header may have (RFC 6750 2.1). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * The SHA-256 of the token in `path`. White space around it does not matter. Throws L2VPN_KEYFILE (78; 66 where there is no
 * such file) or L2VPN_PERMISSION (77), never with the token.
 */
export function readTokenFile(path: string): Buffer {
  const octets = secretOctets(MOST_LEN + 1);
  try {
    const token = octets.toString('latin1', 0, readPrivateFile(path, octets, 'token file')).trim();
    const fault = faultOf(token);
    if (fault !== null) throw new L2vpnError('L2VPN_KEYFILE', `token file ${path} ${fault}`);
    return hashOf(token);
  } finally {
    octets.fill(0);
  }
}

/** Of one length whatever the token, so that a comparison tells nothing of it. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'latin1').digest();
}

function faultOf(token: string): string | null {
  if (token.length < LEAST_LEN || token.length > MOST_LEN) {
    return `must hold one token of ${LEAST_LEN} to ${MOST_LEN} characters; make one with "openssl rand -base64 24"`;
  }
  return TOKEN.test(token) ? null : 'holds characters that a bearer token cannot have (RFC 6750)';
}
