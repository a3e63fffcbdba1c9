/**
 * The control protocol: HTTP over a Unix socket, JSON both ways. Server and client work from this one table.
 *
 *     GET  /v1/tunnels               every tunnel
 *     GET  /v1/tunnels/NAME          one of them
 *     GET  /v1/down                  those that are to run and do not
 *     POST /v1/tunnels/NAME/rotate   a key change
 *     POST /v1/tunnels/NAME/abort    back from one that has not ended
 *     POST /v1/reload                the configuration file as it is now
 *     POST /v1/hand-over             everything to another process, and then this one ends
 *
 * What is refused is answered with a `Refusal`; 404 where there is no such path or tunnel.
 */
import { type ZodType, z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import { type RekeyStatus, ROTATE_BODY, type RotateBody, type RotationStatus } from './rotate.ts';
import type { DownSnapshot, TunnelSnapshot } from './tunnel.ts';

type NoParams = Record<string, never>;

/** Of each route: what stands for the names in its path, what is sent, what comes back. */
export interface Protocol {
  tunnels: { params: NoParams; body: undefined; answer: TunnelSnapshot[] };
  tunnel: { params: { name: string }; body: undefined; answer: TunnelSnapshot };
  down: { params: NoParams; body: undefined; answer: DownSnapshot[] };
  rotate: { params: { name: string }; body: RotateBody; answer: RotationStatus | RekeyStatus };
  abort: { params: { name: string }; body: undefined; answer: RotationStatus };
  reload: { params: NoParams; body: undefined; answer: ReloadAnswer };
  handOver: { params: NoParams; body: HandOverBody; answer: HandOverAnswer };
}

export type RouteName = keyof Protocol;

export interface Route<Body> {
  readonly method: 'GET' | 'POST';
  /** `{name}` stands for a parameter. */
  readonly path: string;
  /** Null: the route takes no body. */
  readonly body: ZodType<Body> | null;
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

const HAND_OVER_BODY: ZodType<HandOverBody> = z.object({
  version: z.number().int(),
  meeting: z.string().max(100),
  netns: z.string().max(100),
});

export const ROUTES: { readonly [Name in RouteName]: Route<Protocol[Name]['body']> } = {
  tunnels: { method: 'GET', path: '/v1/tunnels', body: null },
  tunnel: { method: 'GET', path: '/v1/tunnels/{name}', body: null },
  down: { method: 'GET', path: '/v1/down', body: null },
  rotate: { method: 'POST', path: '/v1/tunnels/{name}/rotate', body: ROTATE_BODY },
  abort: { method: 'POST', path: '/v1/tunnels/{name}/abort', body: null },
  reload: { method: 'POST', path: '/v1/reload', body: null },
  handOver: { method: 'POST', path: '/v1/hand-over', body: HAND_OVER_BODY },
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
