/** The counters for Prometheus, read from shared memory when somebody asks: `GET /metrics`. */
import type { Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { BoundedServer } from '../api/bounded-server.ts';
import type { Counters, MacsecSnapshot, SaSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import { L2vpnError, messageOf } from '../errors.ts';

/** At a time. */
const MAX_CONNECTIONS = 16;

/** The registry whose figures `tunnels` gives at each scrape. */
export function createMetrics(tunnels: () => TunnelSnapshot[]): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'l2vpnd_' });
  const registers = [registry];
  const help = (text: string, ...labelNames: string[]) => ({ help: text, labelNames, registers });
  const frames = new Counter({
    name: 'l2vpnd_frames_total',
    ...help('Frames carried all the way', 'tunnel', 'direction'),
    collect: () => refresh(),
  });
  const octets = new Counter({
    name: 'l2vpnd_octets_total',
    ...help('Octets carried all the way', 'tunnel', 'direction'),
  });
  const drops = new Counter({
    name: 'l2vpnd_drops_total',
    ...help('Frames dropped, by reason', 'tunnel', 'reason'),
  });
  const macsec = new Counter({
    name: 'l2vpnd_macsec_total',
    ...help('The counters of ip -s macsec show', 'tunnel', 'part', 'sci', 'an', 'counter'),
  });
  const pn = new Gauge({
    name: 'l2vpnd_macsec_pn',
    ...help('Next packet number', 'tunnel', 'part', 'sci', 'an'),
  });
  const mtu = new Gauge({ name: 'l2vpnd_mtu_octets', ...help('MTU of the TAP', 'tunnel') });

  /** Metrics are collected in the order of their making: the first one fetches the figures of all. */
  const refresh = (): void => {
    for (const metric of [frames, octets, drops, macsec, pn, mtu]) metric.reset();
    for (const tunnel of tunnels()) {
      const name = { tunnel: tunnel.name };
      mtu.set(name, tunnel.mtu);
      for (const direction of ['tx', 'rx'] as const) {
        frames.inc({ ...name, direction }, tunnel[direction].frames_out);
        octets.inc({ ...name, direction }, tunnel[direction].octets_out);
      }
      for (const [reason, value] of Object.entries(tunnel.drops)) drops.inc({ ...name, reason }, value);
      if (tunnel.macsec !== null) setMacsec(name, tunnel.macsec);
    }
  };
  const setMacsec = (name: { tunnel: string }, secy: MacsecSnapshot): void => {
    const set = (labels: Record<string, string>, stats: Counters): void => {
      for (const [counter, value] of Object.entries(stats))
        macsec.inc({ ...name, ...labels, counter }, value);
    };
    const setSa = (part: string, sci: string, sa: SaSnapshot): void => {
      const labels = { part, sci, an: String(sa.an) };
      set(labels, sa.stats);
      pn.set({ ...name, ...labels }, sa.pn);
    };
    set({ part: 'secy' }, secy.stats);
    set({ part: 'txsc', sci: secy.sci }, secy.tx_stats);
    for (const sa of secy.sa_list) setSa('txsa', secy.sci, sa);
    for (const sc of secy.rx_sc) {
      set({ part: 'rxsc', sci: sc.sci }, sc.stats);
      for (const sa of sc.sa_list) setSa('rxsa', sc.sci, sa);
    }
  };
  return registry;
}

/** Serves `registry` at `listen` (`127.0.0.1:9586`, `[::1]:9586`). Throws L2VPN_UNAVAILABLE. */
export function openMetrics(listen: string, registry: Registry): Promise<Server> {
  const server = new BoundedServer(MAX_CONNECTIONS, (req, res) => {
    if (req.method !== 'GET' || req.url !== '/metrics') {
      res.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => res.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error) => res.writeHead(500).end(messageOf(error)),
    );
  });
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new L2vpnError('L2VPN_UNAVAILABLE', `metrics.listen ${listen}: ${cause.message}`, { cause }));
    });
    server.listen({ host, port: Number(listen.slice(colon + 1)) }, () => resolve(server));
  });
}
