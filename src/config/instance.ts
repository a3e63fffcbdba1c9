/**
 * Where a daemon keeps what is its own, where its configuration does not say: by the name of the file, so that several
 * daemons of a host need no paths in theirs. `site1.json` is the instance `site1`, as of the unit l2vpnd@site1.
 */
import { basename, join } from 'node:path';

/** Of all daemons of the host; each instance has a directory in it. */
export const RUNTIME_DIR = '/run/l2vpnd';
const STATE_DIR = '/var/lib/l2vpnd';
const SOCKET = 'l2vpnd.sock';

/** The instance that the configuration in `path` is. */
export function instanceOf(path: string): string {
  return basename(path).replace(/\.jsonc?$/, '');
}

/** The control socket of `instance`. */
export function socketOf(instance: string, runtimeDir: string = RUNTIME_DIR): string {
  return join(runtimeDir, instance, SOCKET);
}

/** `controlSocket` of the configuration in `path` where it names none; a service manager's RuntimeDirectory= goes first. */
export function defaultSocket(path: string): string {
  const given = firstOf(process.env.RUNTIME_DIRECTORY);
  return given === null ? socketOf(instanceOf(path)) : join(given, SOCKET);
}

/** `stateDir` likewise; StateDirectory= goes first. */
export function defaultStateDir(path: string): string {
  return firstOf(process.env.STATE_DIRECTORY) ?? join(STATE_DIR, instanceOf(path));
}

/** systemd.exec(5): several are separated by colons. */
function firstOf(list: string | undefined): string | null {
  const [first] = (list ?? '').split(':');
  return first === undefined || first === '' ? null : first;
}
