/** The client's side of the control protocol: asking a running daemon over its control socket. */
import { lstatSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { dirname } from 'node:path';
import { EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../errors.ts';
import { isOurs } from '../host/trusted-path.ts';
import { type Protocol, pathOf, type Refusal, ROUTES, type RouteName } from './routes.ts';
import { API_HEADER, API_VERSION, PACKAGE_HEADER } from './version.ts';

/** A daemon that lives answers a question at once. */
const ANSWER_MS = 3000;
/** A change waits for those before it, for workers and for the disk: a thousand tunnels may come and go. */
const CHANGE_MS = 60_000;

/** The body follows where the route takes one. */
type Body<Name extends RouteName> = Protocol[Name]['body'] extends undefined
  ? []
  : [body: Protocol[Name]['body']];

/**
 * Asks the daemon at `socket`. What changes something is sent only to a daemon that has just answered. Throws
 * L2VPN_UNAVAILABLE, L2VPN_PERMISSION, or what the daemon says.
 */
export async function ask<Name extends RouteName>(
  socket: string,
  name: Name,
  params: Protocol[Name]['params'],
  ...[body]: Body<Name>
): Promise<Protocol[Name]['answer']> {
  const { method, path } = ROUTES[name];
  refuseStranger(socket);
  const isChange = method !== 'GET';
  // Whatever it says of this path, it lives.
  if (isChange) refuseOtherVersion(socket, await exchange(socket, 'GET', '/v1', undefined, ANSWER_MS));
  const timeout = isChange ? CHANGE_MS : ANSWER_MS;
  const exchanged = await exchange(socket, method, pathOf(path, params), body, timeout);
  refuseOtherVersion(socket, exchanged);
  const { status, text } = exchanged;
  const answer = parseAnswer(socket, text);
  if (status < 300) return answer as Protocol[Name]['answer'];
  throw errorOf(status, answer as Partial<Refusal>);
}

/** After an upgrade of the package the daemon of before goes on until it is restarted. */
function refuseOtherVersion(socket: string, { api, version }: Exchanged): void {
  if (api === null || api === API_VERSION) return;
  const who = `the daemon at ${socket}${version === null ? '' : `, l2vpnd ${version},`}`;
  const which = `speaks version ${api} of the control protocol and this command version ${API_VERSION}`;
  const remedy = 'restart the daemon after an upgrade, or use the command that belongs to it';
  throw new L2vpnError('L2VPN_UNAVAILABLE', `${who} ${which}: ${remedy}`);
}

function parseAnswer(socket: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new L2vpnError('L2VPN_UNAVAILABLE', `${socket}: what answers there is no l2vpnd`, { cause });
  }
}

/**
 * In a directory like /tmp anybody can put a socket while no daemon runs, and `rotate --write` believes what is answered.
 * A daemon with a user of its own has a directory of its own.
 */
function refuseStranger(socket: string): void {
  const uidOf = (path: string): number | undefined => lstatSync(path, { throwIfNoEntry: false })?.uid;
  try {
    const uid = uidOf(socket);
    if (uid === undefined || isOurs(uid) || uid === uidOf(dirname(socket))) return;
    const text = `${socket} belongs to uid ${uid}, and its directory does not: it may be no l2vpnd that answers there`;
    throw new L2vpnError('L2VPN_PERMISSION', text);
  } catch (error) {
    if (error instanceof L2vpnError) throw error;
    throw unreachable(socket, error);
  }
}

function errorOf(status: number, { error, code, exitStatus }: Partial<Refusal>): L2vpnError {
  const known = code !== undefined && code in EXIT_STATUS ? code : 'L2VPN_SYSTEM';
  return new L2vpnError(
    status === 404 ? 'L2VPN_USAGE' : known,
    error ?? `the daemon answered ${status}`,
    exitStatus === undefined ? {} : { exitStatus },
  );
}

interface Exchanged {
  readonly status: number;
  readonly text: string;
  /** Version of the control protocol; null: not told, as by the first ones of 0.1. */
  readonly api: number | null;
  /** Of the daemon's package. */
  readonly version: string | null;
}

function exchanged({ statusCode = 500, headers }: IncomingMessage, text: string): Exchanged {
  const [api, version] = [headers[API_HEADER], headers[PACKAGE_HEADER]];
  return {
    ...{ status: statusCode, text },
    api: api === undefined ? null : Number(api),
    version: version === undefined ? null : String(version),
  };
}

function exchange(
  socket: string,
  method: string,
  path: string,
  body: unknown,
  timeout: number,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const req = request({ socketPath: socket, method, path, headers, timeout }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve(exchanged(res, Buffer.concat(chunks).toString())));
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
