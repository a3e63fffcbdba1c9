/** The metrics for whoever scrapes them: `GET /metrics`. */
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';
import { createRouter } from '../api/router.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { privilegedPort } from '../host/socket.ts';

/** At a time. */
const MAX_CONNECTIONS = 16;

/** Serves `registry` at `listen` (`127.0.0.1:9586`, `[::1]:9586`). Throws L2VPN_UNAVAILABLE. */
export function openMetrics(listen: string, registry: Registry): Promise<Server> {
  const server = createRouter(
    [
      {
        method: 'GET',
        path: '/metrics',
        reply: async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() }),
      },
    ],
    MAX_CONNECTIONS,
  );
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(cannotListen(listen, cause));
    });
    server.listen({ host, port: Number(listen.slice(colon + 1)) }, () => resolve(server));
  });
}

function cannotListen(listen: string, cause: unknown): L2vpnError {
  const place = `metrics.listen ${listen}`;
  if (errnoName(cause) !== 'EACCES')
    return new L2vpnError('L2VPN_UNAVAILABLE', `${place}: ${messageOf(cause)}`, { cause });
  const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
  return new L2vpnError('L2VPN_PERMISSION', `${place}: ${privilegedPort(port, messageOf(cause))}`, { cause });
}
