/**
 * The control protocol: HTTP over a Unix socket, JSON both ways. Server and client work from this one table.
 *
 *     GET  /v1                       who answers, and in which version
 *     GET  /v1/tunnels               every tunnel
 *     GET  /v1/tunnels/NAME          one of them
 *     GET  /v1/down                  those that are to run and do not
 *     GET  /v1/daemon                the daemon itself
 *     POST /v1/tunnels/NAME/rotate   a key change
 *     POST /v1/tunnels/NAME/abort    back from one that has not ended
 *     POST /v1/reload                the configuration file as it is now
 *     POST /v1/hand-over             everything to another process, and then this one ends
 *
 * Beside them GET /metrics answers with text for Prometheus.
 *
 * What is refused is answered with a `Refusal`; 404 where there is no such path or tunnel. Every answer has the headers of
 * version.ts.
 */
import type { ErrorCode } from '../errors.ts';
import type { DaemonSnapshot } from './daemon.ts';
import type { RekeyStatus, RotateBody, RotationStatus } from './rotate.ts';
import type { DownSnapshot, TunnelSnapshot } from './tunnel.ts';
import type { VersionAnswer } from './version.ts';

type NoParams = Record<string, never>;

/** Of each route: what stands for the names in its path, what is sent, what comes back. */
export interface Protocol {
  version: { params: NoParams; body: undefined; answer: VersionAnswer };
  tunnels: { params: NoParams; body: undefined; answer: TunnelSnapshot[] };
  tunnel: { params: { name: string }; body: undefined; answer: TunnelSnapshot };
  down: { params: NoParams; body: undefined; answer: DownSnapshot[] };
  daemon: { params: NoParams; body: undefined; answer: DaemonSnapshot };
  rotate: { params: { name: string }; body: RotateBody; answer: RotationStatus | RekeyStatus };
  abort: { params: { name: string }; body: undefined; answer: RotationStatus };
  reload: { params: NoParams; body: undefined; answer: ReloadAnswer };
  handOver: { params: NoParams; body: HandOverBody; answer: HandOverAnswer };
}

export type RouteName = keyof Protocol;

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `{name}` stands for a parameter. */
  readonly path: string;
}

/** A process that is to take the place of this one. */
export interface HandOverBody {
  /** Of what is handed over (`daemon/handed-state.ts`). */
  version: number;
  /** Where it waits, in the abstract namespace of Unix sockets. */
  meeting: string;
  /** Its network namespace: TAPs and sockets stay in theirs. */
  netns: string;
}

/** The shapes of bodies are the server's (server.ts): a client need not load what checks them. */
export const ROUTES: { readonly [Name in RouteName]: Route } = {
  version: { method: 'GET', path: '/v1' },
  tunnels: { method: 'GET', path: '/v1/tunnels' },
  tunnel: { method: 'GET', path: '/v1/tunnels/{name}' },
  down: { method: 'GET', path: '/v1/down' },
  daemon: { method: 'GET', path: '/v1/daemon' },
  rotate: { method: 'POST', path: '/v1/tunnels/{name}/rotate' },
  abort: { method: 'POST', path: '/v1/tunnels/{name}/abort' },
  reload: { method: 'POST', path: '/v1/reload' },
  handOver: { method: 'POST', path: '/v1/hand-over' },
};

/** It is on its way. */
export interface HandOverAnswer {
  pid: number;
}

/** What a reload did, by tunnel names, and what it could not do, in sentences. */
export interface ReloadAnswer {
  added: readonly string[];
  removed: readonly string[];
  /** Without a frame being lost; and those that have stopped for a moment. */
  changed: readonly string[];
  restarted: readonly string[];
  refused: readonly string[];
  /** Another process, of the program as it is on disk now, has taken over: the process that it is; absent: none. */
  process?: number;
}

/** The body of an answer that is no success. */
export interface Refusal {
  error: string;
  code?: ErrorCode;
  /** What a command that asked exits with. */
  exitStatus?: number;
}

/** `/v1/tunnels/{name}` and `{ name: 'site2' }` to `/v1/tunnels/site2`. */
export function pathOf(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}
