/** The metrics for whoever scrapes them: `GET /metrics`, by TCP and by the control socket. */
import type { Server } from 'node:http';
import { createRouter, type Endpoint, type Stream } from '../api/router.ts';
import type { MetricsConfig } from '../config/types.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { privilegedPort } from '../host/socket.ts';
import type { Metrics } from '../report/metrics/registry.ts';
import { metricsGuard } from './metrics-guard.ts';

/** At a time. */
const MAX_CONNECTIONS = 16;

export function metricsEndpoint(metrics: Metrics): Endpoint {
  return {
    method: 'GET',
    path: '/metrics',
    reply: async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() }),
  };
}

/**
 * Serves `endpoints` at `metrics.listen` (`127.0.0.1:9586`, `[::1]:9586`); `open`: paths for which nobody needs the token.
 * Throws L2VPN_UNAVAILABLE, or what is wrong with the token.
 */
export async function openMetrics(
  config: MetricsConfig,
  endpoints: readonly (Endpoint | Stream)[],
  open: ReadonlySet<string> = new Set(),
): Promise<Server> {
  const { listen } = config;
  const server = createRouter(endpoints, MAX_CONNECTIONS, { refuse: metricsGuard(config, open) });
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(cannotListen(listen, cause));
    });
    server.listen({ host, port: Number(listen.slice(colon + 1)) }, resolve);
  });
  return server;
}

function cannotListen(listen: string, cause: unknown): L2vpnError {
  const place = `metrics.listen ${listen}`;
  if (errnoName(cause) !== 'EACCES')
    return new L2vpnError('L2VPN_UNAVAILABLE', `${place}: ${messageOf(cause)}`, { cause });
  const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
  return new L2vpnError('L2VPN_PERMISSION', `${place}: ${privilegedPort(port, messageOf(cause))}`, { cause });
}
