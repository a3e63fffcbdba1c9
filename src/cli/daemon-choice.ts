/**
 * Which daemon a command asks: the one at `--socket`, else the one of `--instance` or `--config`, else the only one in the
 * runtime directory. Asking needs no sound configuration: of the file nothing but the socket's path is read, no key.
 */
import { type Dirent, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { defaultSocket, RUNTIME_DIR, socketOf } from '../config/instance.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { printWarning } from './output.ts';

export interface DaemonChoice {
  socket?: string;
  /** `site1`: of /etc/l2vpnd/site1.json, and of the unit l2vpnd@site1. */
  instance?: string;
  config?: string;
}

/** Throws L2VPN_USAGE where there are several, L2VPN_UNAVAILABLE where there is none, L2VPN_PERMISSION. */
export async function socketPath(choice: DaemonChoice, runtimeDir: string = RUNTIME_DIR): Promise<string> {
  if (choice.socket !== undefined) return choice.socket;
  if (choice.instance !== undefined) return instanceSocket(choice.instance, runtimeDir);
  if (choice.config === undefined) return onlySocket(runtimeDir);
  const { findControlSocket } = await import('../config/load.ts');
  const found = findControlSocket(choice.config);
  if (found !== null) return found ?? defaultSocket(choice.config);
  const socket = await onlySocket(runtimeDir);
  printWarning(`${choice.config} cannot be read; asking the daemon at ${socket}`);
  return socket;
}

/** Throws L2VPN_USAGE for what is no name of a file. */
function instanceSocket(instance: string, dir: string): string {
  if (/^[^/]+$/.test(instance) && !/^\.\.?$/.test(instance)) return socketOf(instance, dir);
  throw new L2vpnError('L2VPN_USAGE', `--instance "${instance}": name it as in l2vpnd@site1, like site1`);
}

/** The daemon that was named, else all of them; of one that was killed the socket is there, and it does not answer. Throws as `socketPath`. */
export async function socketPaths(choice: DaemonChoice, runtimeDir: string = RUNTIME_DIR): Promise<string[]> {
  const paths = [choice.socket, choice.instance, choice.config].every((one) => one === undefined)
    ? socketsIn(runtimeDir)
    : [];
  return paths.length > 1 ? paths : [await socketPath(choice, runtimeDir)];
}

async function onlySocket(dir: string): Promise<string> {
  const paths = socketsIn(dir);
  const live = await Promise.all(paths.map(hasListener));
  const found = paths.length > 1 ? paths.filter((_, i) => live[i]) : paths;
  const [first, second] = found.length > 0 ? found : paths;
  const remedy = 'name one with --instance or --socket, or its configuration with --config';
  if (first === undefined) {
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `${dir} holds no control socket: is l2vpnd running? If so, ${remedy}`,
    );
  }
  if (second === undefined) return first;
  const names = found.map((path) => instanceAt(path, dir) ?? path);
  throw new L2vpnError('L2VPN_USAGE', `there are several daemons: ${names.join(', ')}; ${remedy}`);
}

/** Where `path` is the default socket of an instance, its name. */
function instanceAt(path: string, dir: string): string | null {
  const name = path.slice(dir.length + 1).split('/')[0]!;
  return path === socketOf(name, dir) ? name : null;
}

/** In `dir` itself, and those of instances. */
function socketsIn(dir: string): string[] {
  const paths = entriesOf(dir).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return entriesOf(path).map(({ name }) => join(path, name));
    return [path];
  });
  return paths.filter((path) => path.endsWith('.sock')).sort();
}

function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
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
