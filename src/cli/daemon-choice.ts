/**
 * Which daemon a command asks: the one at `--socket`, else the one of `--config`, else the only one in the runtime
 * directory. Asking needs no sound configuration: of the file nothing but the socket's path is read, no key.
 */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { printWarning } from './output.ts';

export const RUNTIME_DIR = '/run/l2vpnd';
/** What a configuration without `controlSocket` means. */
const DEFAULT_SOCKET: string = join(RUNTIME_DIR, 'l2vpnd.sock');

export interface DaemonChoice {
  socket?: string;
  config?: string;
}

/** Throws L2VPN_USAGE where there are several, L2VPN_UNAVAILABLE where there is none, L2VPN_PERMISSION. */
export async function socketPath(choice: DaemonChoice, runtimeDir: string = RUNTIME_DIR): Promise<string> {
  if (choice.socket !== undefined) return choice.socket;
  if (choice.config === undefined) return onlySocket(runtimeDir);
  const { findControlSocket } = await import('../config/load.ts');
  const found = findControlSocket(choice.config);
  if (found !== null) return found ?? DEFAULT_SOCKET;
  const socket = await onlySocket(runtimeDir);
  printWarning(`${choice.config} cannot be read; asking the daemon at ${socket}`);
  return socket;
}

/** The daemon that was named, else all of them; of one that was killed the socket is there, and it does not answer. Throws as `socketPath`. */
export async function socketPaths(choice: DaemonChoice, runtimeDir: string = RUNTIME_DIR): Promise<string[]> {
  const paths = choice.socket === undefined && choice.config === undefined ? socketsIn(runtimeDir) : [];
  return paths.length > 1 ? paths : [await socketPath(choice, runtimeDir)];
}

async function onlySocket(dir: string): Promise<string> {
  const paths = socketsIn(dir);
  const live = await Promise.all(paths.map(hasListener));
  const found = paths.length > 1 ? paths.filter((_, i) => live[i]) : paths;
  const [first, second] = found.length > 0 ? found : paths;
  const remedy = 'name one with --socket, or its configuration with --config';
  if (first === undefined) {
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `${dir} holds no control socket: is l2vpnd running? If so, ${remedy}`,
    );
  }
  if (second === undefined) return first;
  throw new L2vpnError('L2VPN_USAGE', `there are several daemons: ${found.join(', ')}; ${remedy}`);
}

function socketsIn(dir: string): string[] {
  try {
    const names = readdirSync(dir).filter((name) => name.endsWith('.sock'));
    return names.sort().map((name) => join(dir, name));
  } catch (cause) {
    const errno = errnoName(cause);
    if (errno === 'ENOENT') return [];
    const denied = errno === 'EACCES' || errno === 'EPERM';
    const why = denied ? `permission denied; only the daemon's user may ask it` : messageOf(cause);
    throw new L2vpnError(denied ? 'L2VPN_PERMISSION' : 'L2VPN_UNAVAILABLE', `${dir}: ${why}`, { cause });
  }
}

/** False for what a killed daemon has left. One that is only blocked has a listener. */
function hasListener(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => resolve(errnoName(error) !== 'ECONNREFUSED'));
  });
}
