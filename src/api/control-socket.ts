/**
 * The control socket: a Unix socket that only its owner can open, in the place of one that a killed daemon has left, and
 * where nobody else could put one.
 */
import { chmodSync, statSync, unlinkSync } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { dirname } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { distrustOf } from '../host/trusted-path.ts';
import { makeDirs } from '../make-dirs.ts';
import { createRouter } from './router.ts';
import { ROUTES } from './routes.ts';
import { controlEndpoints, type Handlers, versionHeaders } from './server.ts';

const PROBE_TIMEOUT_MS = 1000;

/** At a time. */
const MAX_CONNECTIONS = 32;

/** Opens the socket at `path`, mode 0600. Throws L2VPN_CANTCREATE, L2VPN_UNAVAILABLE where a daemon answers there. */
export async function openControl(path: string, handlers: Handlers): Promise<Server> {
  const server = createRouter(controlEndpoints(handlers), MAX_CONNECTIONS, versionHeaders());
  try {
    makeDirs(dirname(path), 0o755);
    await requireTrusted(path);
    await removeStale(path);
    const mask = process.umask(0o177);
    try {
      await listen(server, path);
    } finally {
      process.umask(mask);
    }
    chmodSync(path, 0o600);
  } catch (cause) {
    if (cause instanceof L2vpnError) throw cause;
    throw new L2vpnError('L2VPN_CANTCREATE', `controlSocket ${path}: ${messageOf(cause)}`, { cause });
  }
  return server;
}

/** Who may exchange the socket could answer in our place, and have a mode set on a file of his choice. */
async function requireTrusted(path: string): Promise<void> {
  const distrust = await distrustOf(dirname(path), fsPromises);
  if (distrust === null) return;
  const { what, remedy } = distrust;
  const text = `controlSocket ${path}: ${what}, so somebody else could answer in its place; ${remedy}, or take another path`;
  throw new L2vpnError('L2VPN_CANTCREATE', text);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

/** A socket that nobody answers at is what a killed daemon has left. */
async function removeStale(path: string): Promise<void> {
  try {
    if (!statSync(path).isSocket()) {
      throw new L2vpnError(
        'L2VPN_CANTCREATE',
        `controlSocket ${path}: there is a file that is no socket; take another path`,
      );
    }
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw error;
  }
  if (await answers(path)) {
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `controlSocket ${path}: another l2vpnd answers there; stop it, or take another path`,
    );
  }
  unlinkSync(path);
}

/** A daemon that is too busy to answer in time is one, too. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { path } = ROUTES.tunnels;
    const probe = request({ socketPath, path, timeout: PROBE_TIMEOUT_MS }, (res) => {
      res.resume();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
    probe.on('timeout', () => {
      probe.destroy();
      resolve(true);
    });
    probe.end();
  });
}
