/** The server's side of the control protocol: the routes over whoever carries them out. */
import { L2vpnError } from '../errors.ts';
import { type Endpoint, jsonReply } from './router.ts';
import { type Protocol, ROUTES, type Route, type RouteName } from './routes.ts';

type Handler<Name extends RouteName> = (
  params: Protocol[Name]['params'],
  body: Protocol[Name]['body'],
) => Promise<Protocol[Name]['answer'] | null>;

/** What carries each route out. Null: there is no such tunnel. Throws L2vpnError for what is refused. */
export type Handlers = { readonly [Name in RouteName]: Handler<Name> };

export function controlEndpoints(handlers: Handlers): Endpoint[] {
  return (Object.keys(ROUTES) as RouteName[]).map((name) => endpointOf(name, handlers));
}

function endpointOf<Name extends RouteName>(name: Name, handlers: Handlers): Endpoint {
  const route: Route<Protocol[Name]['body']> = ROUTES[name];
  const handle: Handler<Name> = handlers[name];
  return {
    method: route.method,
    path: route.path,
    reply: async (params, text) => {
      // The router has taken the parameters from the path of this very route.
      const answer = await handle(params as Protocol[Name]['params'], parseBody(name, route, text));
      return answer === null ? null : jsonReply(200, answer);
    },
  };
}

/** Throws L2VPN_USAGE: `rotate: an: …`. */
function parseBody<Body>(name: string, { body }: Route<Body>, text: string): Body {
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
