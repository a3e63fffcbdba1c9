/** The server's side of the control protocol: the routes over whoever carries them out. */
import { type ZodType, z } from 'zod';
import { L2vpnError } from '../errors.ts';
import { packageVersion } from '../package-root.ts';
import { ROTATE_BODY } from './rotate.ts';
import { type Endpoint, jsonReply } from './router.ts';
import { type HandOverBody, type Protocol, ROUTES, type RouteName } from './routes.ts';
import { API_HEADER, API_VERSION, PACKAGE_HEADER } from './version.ts';

type Handler<Name extends RouteName> = (
  params: Protocol[Name]['params'],
  body: Protocol[Name]['body'],
) => Promise<Protocol[Name]['answer'] | null>;

/** What carries each route out. Null: there is no such tunnel. Throws L2vpnError for what is refused. */
export type Handlers = { readonly [Name in Exclude<RouteName, 'version'>]: Handler<Name> };

type AllHandlers = { readonly [Name in RouteName]: Handler<Name> };

const HAND_OVER_BODY: ZodType<HandOverBody> = z.object({
  version: z.number().int(),
  meeting: z.string().max(100),
  netns: z.string().max(100),
});

/** Of the routes that take one. */
const BODIES: { readonly [Name in RouteName]?: ZodType<Protocol[Name]['body']> } = {
  rotate: ROTATE_BODY,
  handOver: HAND_OVER_BODY,
};

/** Whoever asks in another version than ours is told so by them. */
export function versionHeaders(): Record<string, string> {
  return { [API_HEADER]: String(API_VERSION), [PACKAGE_HEADER]: packageVersion() };
}

export function controlEndpoints(handlers: Handlers): Endpoint[] {
  const all: AllHandlers = { ...handlers, version: answerVersion() };
  return (Object.keys(ROUTES) as RouteName[]).map((name) => endpointOf(name, all));
}

/** The package's version as it was at the start: an upgrade may have changed the file. */
function answerVersion(): Handler<'version'> {
  const answer = { api: API_VERSION, version: packageVersion(), pid: process.pid };
  return async () => answer;
}

function endpointOf<Name extends RouteName>(name: Name, handlers: AllHandlers): Endpoint {
  const { method, path } = ROUTES[name];
  const handle: Handler<Name> = handlers[name];
  const body: ZodType<Protocol[Name]['body']> | null = BODIES[name] ?? null;
  return {
    method,
    path,
    reply: async (params, text) => {
      // The router has taken the parameters from the path of this very route.
      const answer = await handle(params as Protocol[Name]['params'], parseBody(name, body, text));
      return answer === null ? null : jsonReply(200, answer);
    },
  };
}

/** Throws L2VPN_USAGE: `rotate: an: …`. */
function parseBody<Body>(name: string, body: ZodType<Body> | null, text: string): Body {
  const value = parseJson(text);
  if (body === null) return undefined as Body;
  const parsed = body.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new L2vpnError('L2VPN_USAGE', `${name}: ${path.join('.')}: ${message}`);
}

function parseJson(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new L2vpnError('L2VPN_USAGE', 'the request is not JSON');
  }
}
