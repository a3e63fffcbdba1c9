/** The client's side of the control protocol: asking a running daemon over its control socket. */
import { request } from 'node:http';
import { EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../errors.ts';
import { type Protocol, pathOf, type Refusal, ROUTES, type RouteName } from './routes.ts';

const TIMEOUT_MS = 10_000;

/** The body follows where the route takes one. */
type Body<Name extends RouteName> = Protocol[Name]['body'] extends undefined
  ? []
  : [body: Protocol[Name]['body']];

/** Asks the daemon at `socket`. Throws L2VPN_UNAVAILABLE, L2VPN_PERMISSION, or what the daemon says. */
export async function ask<Name extends RouteName>(
  socket: string,
  name: Name,
  params: Protocol[Name]['params'],
  ...[body]: Body<Name>
): Promise<Protocol[Name]['answer']> {
  const { method, path } = ROUTES[name];
  const { status, text } = await exchange(socket, method, pathOf(path, params), body);
  // The daemon is of this very version: what it answers is what the table says.
  const answer: unknown = JSON.parse(text);
  if (status < 300) return answer as Protocol[Name]['answer'];
  throw errorOf(status, answer as Partial<Refusal>);
}

function errorOf(status: number, { error, code, exitStatus }: Partial<Refusal>): L2vpnError {
  const known = code !== undefined && code in EXIT_STATUS ? code : 'L2VPN_SYSTEM';
  return new L2vpnError(
    status === 404 ? 'L2VPN_USAGE' : known,
    error ?? `the daemon answered ${status}`,
    exitStatus === undefined ? {} : { exitStatus },
  );
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const req = request({ socketPath, method, path, headers, timeout: TIMEOUT_MS }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 500, text: Buffer.concat(chunks).toString() }));
      res.on('error', (cause) => reject(unreachable(socketPath, cause)));
    });
    req.on('timeout', () => req.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    req.on('error', (cause) => reject(unreachable(socketPath, cause)));
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
