/**
 * Key files that the service manager hands over (systemd.exec(5), LoadCredential=): it reads them as root and shows them
 * to the daemon alone, in $CREDENTIALS_DIRECTORY, so that nobody else needs to read them, the daemon's own user included.
 *
 * Of a directory (`LoadCredential=keys:/etc/l2vpnd/keys`) each file has its path as name, with `_` for `/`: what a
 * configuration calls `keys/site1.cak`, and is that file for whoever runs it by hand, is the credential `keys_site1.cak`.
 * They are copies of the moment at which the service started.
 */
import { existsSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { L2vpnError } from '../errors.ts';

/** The credential for `keyFile`, as a configuration has it; null: there is none, and the file itself is meant. */
export function credentialOf(keyFile: string): string | null {
  const dir = process.env.CREDENTIALS_DIRECTORY ?? '';
  if (dir === '' || isAbsolute(keyFile)) return null;
  const path = join(dir, normalize(keyFile).replaceAll('/', '_'));
  return existsSync(path) ? path : null;
}

/** Whether `path` is one: owner and mode are the service manager's matter. */
export function isCredential(path: string): boolean {
  return dirname(path) === process.env.CREDENTIALS_DIRECTORY;
}

/**
 * Throws L2VPN_KEYFILE where `file` has been changed since `credential` was copied of it: what the operator means is the
 * new one. A file that cannot be looked at is taken for unchanged.
 */
export function refuseOutdated(credential: string, file: string): void {
  const [copied, now] = [statOf(credential), statOf(file)];
  if (copied === null || now === null || now.mtimeMs <= copied.mtimeMs) return;
  const text = `key file ${file} has been changed since the service started, which has read it then: restart the service, or take a new key into use with l2vpnd rotate`;
  throw new L2vpnError('L2VPN_KEYFILE', text);
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
