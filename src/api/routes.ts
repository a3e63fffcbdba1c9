/**
 * The control protocol: HTTP over a Unix socket, JSON both ways. Server and client work from this one table.
 *
 *     GET  /v1/tunnels               every tunnel
 *     GET  /v1/tunnels/NAME          one of them
 *     GET  /v1/down                  those that are to run and do not
 *     GET  /v1/daemon                the daemon itself
 *     POST /v1/tunnels/NAME/rotate   a key change
 *     POST /v1/tunnels/NAME/abort    back from one that has not ended
 *     POST /v1/reload                the configuration file as it is now
 *
 * Beside them GET /metrics answers with text for Prometheus.
 *
 * What is refused is answered with a `Refusal`; 404 where there is no such path or tunnel.
 */
import type { ZodType } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { DaemonSnapshot } from './daemon.ts';
import { type RekeyStatus, ROTATE_BODY, type RotateBody, type RotationStatus } from './rotate.ts';
import type { DownSnapshot, TunnelSnapshot } from './tunnel.ts';

type NoParams = Record<string, never>;

/** Of each route: what stands for the names in its path, what is sent, what comes back. */
export interface Protocol {
  tunnels: { params: NoParams; body: undefined; answer: TunnelSnapshot[] };
  tunnel: { params: { name: string }; body: undefined; answer: TunnelSnapshot };
  down: { params: NoParams; body: undefined; answer: DownSnapshot[] };
  daemon: { params: NoParams; body: undefined; answer: DaemonSnapshot };
  rotate: { params: { name: string }; body: RotateBody; answer: RotationStatus | RekeyStatus };
  abort: { params: { name: string }; body: undefined; answer: RotationStatus };
  reload: { params: NoParams; body: undefined; answer: ReloadAnswer };
}

export type RouteName = keyof Protocol;

export interface Route<Body> {
  readonly method: 'GET' | 'POST';
  /** `{name}` stands for a parameter. */
  readonly path: string;
  /** Null: the route takes no body. */
  readonly body: ZodType<Body> | null;
}

export const ROUTES: { readonly [Name in RouteName]: Route<Protocol[Name]['body']> } = {
  tunnels: { method: 'GET', path: '/v1/tunnels', body: null },
  tunnel: { method: 'GET', path: '/v1/tunnels/{name}', body: null },
  down: { method: 'GET', path: '/v1/down', body: null },
  daemon: { method: 'GET', path: '/v1/daemon', body: null },
  rotate: { method: 'POST', path: '/v1/tunnels/{name}/rotate', body: ROTATE_BODY },
  abort: { method: 'POST', path: '/v1/tunnels/{name}/abort', body: null },
  reload: { method: 'POST', path: '/v1/reload', body: null },
};

/** What a reload did, by tunnel names, and what it could not do, in sentences. */
export interface ReloadAnswer {
  added: readonly string[];
  removed: readonly string[];
  /** Without a frame being lost; and those that have stopped for a moment. */
  changed: readonly string[];
  restarted: readonly string[];
  refused: readonly string[];
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
