/**
 * The control socket: HTTP over a Unix socket that only its owner can open. `show`, `rotate` and `reload` ask here.
 *
 *     GET  /v1/tunnels               every tunnel (snapshot.ts)
 *     GET  /v1/tunnels/NAME          one of them
 *     POST /v1/tunnels/NAME/rotate   a key change (rotate-request.ts)
 *     POST /v1/reload                the configuration file as it is now; answers with what was refused
 */
import { chmodSync, statSync, unlinkSync } from 'node:fs';
import { type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { ReloadPlan } from '../daemon/reload.ts';
import { EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../errors.ts';
import { makeDirs } from '../make-dirs.ts';
import { BoundedServer } from './bounded-server.ts';
import type { TunnelSnapshot } from './tunnel.ts';

export interface ControlApi {
  tunnels(): TunnelSnapshot[];
  reload(): Promise<ReloadPlan>;
  rotate(name: string, body: unknown): Promise<object>;
}

type Answer = readonly [status: number, body: unknown];

/** At a time. */
const MAX_CONNECTIONS = 32;
/** No request is longer. */
const MAX_BODY_LEN = 65_536;

/** Opens the socket at `path`, mode 0600. Throws L2VPN_CANTCREATE, L2VPN_UNAVAILABLE where a daemon answers there. */
export async function openControl(path: string, api: ControlApi): Promise<Server> {
  const server = new BoundedServer(MAX_CONNECTIONS, (req, res) => answer(api, req, res));
  try {
    await removeStale(path);
    makeDirs(dirname(path), 0o755);
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

export function closeServer(server: Server): Promise<void> {
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
  const send = ([status, body]: Answer): void => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(`${JSON.stringify(body)}\n`);
  };
  if (req.method === 'GET') send(read(api, req.url ?? '/'));
  else if (req.method === 'POST') change(api, req).then(send, (error) => send(refusal(error)));
  else send([405, { error: `${req.method} is not allowed here` }]);
}

function read(api: ControlApi, path: string): Answer {
  if (path === '/v1/tunnels') return [200, api.tunnels()];
  const tunnel = api.tunnels().find(({ name }) => path === `/v1/tunnels/${encodeURIComponent(name)}`);
  return tunnel === undefined ? [404, { error: `there is no ${path}` }] : [200, tunnel];
}

async function change(api: ControlApi, req: IncomingMessage): Promise<Answer> {
  const body = await readBody(req);
  if (req.url === '/v1/reload') {
    const { add, remove, macsec, refused } = await api.reload();
    const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name);
    return [200, { added: names(add), removed: remove, changed: names(macsec), refused }];
  }
  const tunnel = api
    .tunnels()
    .find(({ name }) => req.url === `/v1/tunnels/${encodeURIComponent(name)}/rotate`);
  if (tunnel === undefined) return [404, { error: `there is no ${req.url}` }];
  return [200, await api.rotate(tunnel.name, body)];
}

async function readBody(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_LEN)
      throw new L2vpnError('L2VPN_USAGE', `a request has at most ${MAX_BODY_LEN} octets`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new L2vpnError('L2VPN_USAGE', 'the request is not JSON');
  }
}

/** Whose fault it was: the asker's (400) or the daemon's (500). */
function refusal(error: unknown): Answer {
  const ours =
    !(error instanceof L2vpnError) || error.code === 'L2VPN_SYSTEM' || error.code === 'L2VPN_INTERNAL';
  const code = error instanceof L2vpnError ? error.code : 'L2VPN_INTERNAL';
  const exitStatus = error instanceof L2vpnError ? error.exitStatus : EXIT_STATUS[code];
  return [ours ? 500 : 400, { error: messageOf(error), code, exitStatus }];
}
