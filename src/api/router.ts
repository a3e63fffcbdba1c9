/**
 * A small HTTP router, for the control socket and the metrics alike: finds the endpoint, bounds the request, answers 404
 * and 405, and makes of what an endpoint throws the answer that says whose fault it was.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { EXIT_STATUS, L2vpnError, messageOf } from '../errors.ts';
import { BoundedServer } from './bounded-server.ts';
import type { Refusal } from './routes.ts';

export type Params = Readonly<Record<string, string>>;

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Endpoint {
  readonly method: string;
  /** `/v1/tunnels/{name}`. */
  readonly path: string;
  /** `body`: what came, MAX_BODY_LEN octets at most. Null: there is no such thing. Throws L2vpnError. */
  reply(params: Params, body: string): Promise<Reply | null>;
}

/** One whose answer goes on until somebody ends it. */
export interface Stream {
  readonly method: string;
  readonly path: string;
  /** Begins to answer. Returns the answer that says why not, else null. */
  open(params: Params, res: ServerResponse): Reply | null;
}

/** No request is longer, in octets. */
const MAX_BODY_LEN = 65_536;

type Headers = Readonly<Record<string, string>>;

export interface RouterOptions {
  /** Of every answer. */
  readonly headers?: Headers;
  /** The answer to who is not answered otherwise; null: he is. */
  readonly refuse?: (req: IncomingMessage) => Reply | null;
}

/** A server that answers with `endpoints`, to `connections` at a time; not yet listening. */
export function createRouter(
  endpoints: readonly (Endpoint | Stream)[],
  connections: number,
  { headers = {}, refuse = () => null }: RouterOptions = {},
): BoundedServer {
  return new BoundedServer(connections, (req, res) => {
    const refused = refuse(req);
    const replied = refused === null ? answer(endpoints, req, res) : Promise.resolve(refused);
    replied.then(
      (reply) => reply !== null && send(res, reply, headers),
      (error: unknown) => send(res, refusal(error), headers),
    );
  });
}

/** Ends open connections too. */
export function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Listens no longer, and lets those who are being answered have their answers, for `graceMs` at most. */
export function leaveServer(server: Server, graceMs: number): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export function jsonReply(status: number, value: unknown): Reply {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` };
}

/** Null: the answer has begun. */
async function answer(
  endpoints: readonly (Endpoint | Stream)[],
  req: IncomingMessage,
  res: ServerResponse,
): Promise<Reply | null> {
  const { url = '/', method = '' } = req;
  let known = false;
  for (const endpoint of endpoints) {
    const params = matchPath(endpoint.path, url);
    if (params === null) continue;
    known = true;
    if (endpoint.method !== method) continue;
    if ('open' in endpoint) return endpoint.open(params, res);
    return (await endpoint.reply(params, await readBody(req))) ?? notFound(url);
  }
  if (!known) return notFound(url);
  return jsonReply(405, { error: `${method} is not allowed here` } satisfies Refusal);
}

function notFound(url: string): Reply {
  return jsonReply(404, { error: `there is no ${url}` } satisfies Refusal);
}

function send(res: ServerResponse, reply: Reply, headers: Headers): void {
  const { status, type, text } = reply;
  res.writeHead(status, { ...headers, ...reply.headers, 'content-type': type }).end(text);
}

/** The parameters of `url` where it is `path`, else null. */
function matchPath(path: string, url: string): Params | null {
  const wanted = path.split('/');
  const parts = url.split('/');
  if (wanted.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, want] of wanted.entries()) {
    const part = parts[i] ?? '';
    const name = /^\{(\w+)\}$/.exec(want)?.[1];
    if (name !== undefined) {
      const value = decoded(part);
      if (value === null) return null;
      params[name] = value;
    } else if (want !== part) return null;
  }
  return params;
}

/** Null for a percent sign that stands for nothing. */
function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_LEN)
      throw new L2vpnError('L2VPN_USAGE', `a request has at most ${MAX_BODY_LEN} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Whose fault it was: the asker's (400) or the daemon's (500). */
function refusal(error: unknown): Reply {
  const ours =
    !(error instanceof L2vpnError) || error.code === 'L2VPN_SYSTEM' || error.code === 'L2VPN_INTERNAL';
  const code = error instanceof L2vpnError ? error.code : 'L2VPN_INTERNAL';
  const exitStatus = error instanceof L2vpnError ? error.exitStatus : EXIT_STATUS[code];
  const body: Refusal = { error: messageOf(error), code, exitStatus };
  return jsonReply(ours ? 500 : 400, body);
}
