/**
 * The control socket: HTTP over a Unix socket that only its owner can open. `show` reads here.
 *
 *     GET /v1/tunnels           every tunnel (snapshot.ts)
 *     GET /v1/tunnels/NAME      one of them
 */
import { chmodSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import type { TunnelSnapshot } from './snapshot.ts';

export interface ControlApi {
  tunnels(): TunnelSnapshot[];
}

/** Opens the socket at `path`, mode 0600. Throws L2VPN_CANTCREATE, L2VPN_UNAVAILABLE where a daemon answers there. */
export async function openControl(path: string, api: ControlApi): Promise<Server> {
  const server = createServer((req, res) => answer(api, req, res));
  try {
    await removeStale(path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
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

export function closeControl(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
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

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ socketPath: path, path: '/v1/tunnels', timeout: 1000 }, (res) => {
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

function answer(api: ControlApi, req: IncomingMessage, res: ServerResponse): void {
  const [status, body] = route(api, req);
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(`${JSON.stringify(body)}\n`);
}

function route(api: ControlApi, req: IncomingMessage): [status: number, body: unknown] {
  const path = req.url ?? '/';
  if (req.method !== 'GET') return [405, { error: `${req.method} is not allowed here` }];
  if (path === '/v1/tunnels') return [200, api.tunnels()];
  const tunnel = api.tunnels().find(({ name }) => path === `/v1/tunnels/${encodeURIComponent(name)}`);
  return tunnel === undefined ? [404, { error: `there is no ${path}` }] : [200, tunnel];
}
