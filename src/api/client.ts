/** Talking to a running daemon: HTTP over its control socket. */
import { request } from 'node:http';
import { loadConfig } from '../config/load.ts';
import { type ErrorCode, EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../errors.ts';

export const DEFAULT_SOCKET = '/run/l2vpnd/l2vpnd.sock';

/** Which daemon: `--socket`, else the one that `--config` names, else the default. */
export interface DaemonChoice {
  socket?: string;
  config?: string;
}

export function socketPath(choice: DaemonChoice): string {
  if (choice.socket !== undefined) return choice.socket;
  return choice.config === undefined ? DEFAULT_SOCKET : loadConfig(choice.config).controlSocket;
}

const TIMEOUT_MS = 10_000;

/** One request; returns the JSON of the answer. Throws L2VPN_UNAVAILABLE, L2VPN_PERMISSION, or what the daemon says. */
export async function askDaemon(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { status, text } = await exchange(socket, method, path, body);
  const answer: unknown = JSON.parse(text);
  if (status < 300) return answer;
  const { error, code, exitStatus } = answer as { error?: string; code?: ErrorCode; exitStatus?: number };
  const known = code !== undefined && code in EXIT_STATUS ? code : 'L2VPN_SYSTEM';
  throw new L2vpnError(
    status === 404 ? 'L2VPN_USAGE' : known,
    error ?? `the daemon answered ${status}`,
    exitStatus === undefined ? {} : { exitStatus },
  );
}

function exchange(
  socket: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const req = request({ socketPath: socket, method, path, headers, timeout: TIMEOUT_MS }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 500, text: Buffer.concat(chunks).toString() }));
      res.on('error', (cause) => reject(unreachable(socket, cause)));
    });
    req.on('timeout', () => req.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    req.on('error', (cause) => reject(unreachable(socket, cause)));
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function unreachable(socket: string, cause: unknown): L2vpnError {
  const errno = errnoName(cause);
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new L2vpnError(
      'L2VPN_PERMISSION',
      `${socket}: permission denied; only the daemon's user may ask it`,
      { cause },
    );
  }
  const why = errno === 'ENOENT' || errno === 'ECONNREFUSED' ? 'no l2vpnd answers there' : messageOf(cause);
  const remedy = 'is it running? Name its socket with --socket, or its configuration with --config';
  return new L2vpnError('L2VPN_UNAVAILABLE', `${socket}: ${why}; ${remedy}`, { cause });
}
