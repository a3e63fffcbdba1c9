/**
 * Whose requests `metrics.listen` answers. A page of somebody else's in a browser on this host can make its name one of
 * 127.0.0.1 and ask us (DNS rebinding); its requests say that name, so that only names which nobody else can have are
 * answered: addresses, `localhost`, and those that the configuration gives. With a token only who sends it.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { jsonReply, type Reply } from '../api/router.ts';
import type { Refusal } from '../api/routes.ts';
import { hashOf, readTokenFile } from '../config/token-file.ts';
import type { MetricsConfig } from '../config/types.ts';

/** Null: it is answered. */
export type Guard = (req: IncomingMessage) => Reply | null;

/** Who asks for one of `open` needs no token. Throws L2vpnError where the token cannot be read. */
export function metricsGuard(
  { hosts, tokenFile }: MetricsConfig,
  open: ReadonlySet<string> = new Set(),
): Guard {
  const names = new Set(hosts.map((name) => name.toLowerCase()));
  const token = tokenFile === null ? null : readTokenFile(tokenFile);
  return ({ headers, url = '/' }) => {
    if (!isOurs(headers.host, names))
      return refuse(421, `this is not "${shown(headers.host!)}": see metrics.hosts`);
    if (token === null || open.has(url) || hasToken(headers.authorization, token)) return null;
    return {
      ...refuse(401, 'a bearer token is needed: see metrics.tokenFile'),
      headers: { 'www-authenticate': 'Bearer' },
    };
  };
}

/** Browsers always say a host. */
function isOurs(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true;
  const name = host.replace(/:[0-9]*$/, '').toLowerCase();
  return name === 'localhost' || isIP(name.replace(/^\[|\]$/g, '')) !== 0 || names.has(name);
}

function hasToken(authorization: string | undefined, wanted: Buffer): boolean {
  const token = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  return token !== undefined && timingSafeEqual(hashOf(token), wanted);
}

function refuse(status: number, error: string): Reply {
  return jsonReply(status, { error } satisfies Refusal);
}

function shown(host: string): string {
  return host.slice(0, 60).replace(/[^\x20-\x7e]/g, '?');
}
