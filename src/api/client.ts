/** Talking to a running daemon: HTTP over its control socket. */
import { request } from 'node:http';
import { type ErrorCode, EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../errors.ts';

/** A daemon that lives answers a question at once. */
const ANSWER_MS = 3000;
/** A change waits for those before it, for workers and for the disk: a thousand tunnels may come and go. */
const CHANGE_MS = 60_000;

/**
 * One request; returns the JSON of the answer. One that changes something is sent only to a daemon that has just
 * answered. Throws L2VPN_UNAVAILABLE, L2VPN_PERMISSION, or what the daemon says.
 */
export async function askDaemon(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const isChange = method !== 'GET';
  // Whatever it says of this path, it lives.
  if (isChange) await exchange(socket, 'GET', '/v1', undefined, ANSWER_MS);
  const { status, text } = await exchange(socket, method, path, body, isChange ? CHANGE_MS : ANSWER_MS);
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
  timeout: number,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const req = request({ socketPath: socket, method, path, headers, timeout }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 500, text: Buffer.concat(chunks).toString() }));
      res.on('error', (cause) => reject(unreachable(socket, cause)));
    });
    req.on('timeout', () => req.destroy(silent(socket, timeout)));
    req.on('error', (cause) => reject(unreachable(socket, cause)));
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function silent(socket: string, timeout: number): L2vpnError {
  const text = `the daemon at ${socket} does not answer${timeout === 0 ? '' : ` in ${timeout / 1000} s`}: it may be stopped or blocked`;
  return new L2vpnError('L2VPN_UNAVAILABLE', text);
}

function unreachable(socket: string, cause: unknown): L2vpnError {
  if (cause instanceof L2vpnError) return cause;
  const errno = errnoName(cause);
  // So many ask it already that no more may wait.
  if (errno === 'EAGAIN') return silent(socket, 0);
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
