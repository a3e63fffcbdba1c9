/**
 * All metrics, for Prometheus. Figures are read when somebody asks, from one look at all tunnels, and no more often than once a
 * second: who asks more often gets the same text again.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { DaemonSnapshot } from '../../api/daemon.ts';
import type { DownSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { L2vpnError } from '../../errors.ts';
import { DAEMON_FAMILIES } from './daemon-families.ts';
import type { TunnelFamily } from './family.ts';
import { type FamilyMetric, familyMetric, type Labelled, type MetricAbout } from './family-metric.ts';
import { MACSEC_FAMILIES } from './macsec-families.ts';
import { MKA_FAMILIES } from './mka-families.ts';
import { PATH_FAMILIES } from './path-families.ts';
import { type AllTunnels, STATE_FAMILIES } from './state-families.ts';
import { TUNNEL_FAMILIES } from './tunnel-families.ts';

/** Where the figures come from. */
export interface MetricsSource {
  daemon(): DaemonSnapshot;
  tunnels(): TunnelSnapshot[];
  down(): DownSnapshot[];
}

/** Node's event loop has no mean delay before it was measured, say. */
const NOT_KNOWN = /^\S.* Nan\n/gm;

/** Between two looks at the tunnels. */
const COLLECT_MS = 1000;

const OF_ONE_TUNNEL: readonly TunnelFamily[] = [
  ...TUNNEL_FAMILIES,
  ...PATH_FAMILIES,
  ...MACSEC_FAMILIES,
  ...MKA_FAMILIES,
];

interface Look extends AllTunnels {
  readonly daemon: DaemonSnapshot;
}

export class Metrics {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #source: MetricsSource;
  readonly #nowMs: () => number;
  /** Made when somebody asks: the metrics of node watch its event loop. */
  #registry: Registry | null = null;
  #look: Look | null = null;
  #last: { readonly atMs: number; readonly text: Promise<string> } | null = null;

  /** `nowMs`: a monotonic clock. */
  constructor(source: MetricsSource, nowMs: () => number = () => performance.now()) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** In the text format 0.0.4. */
  text(): Promise<string> {
    const atMs = this.#nowMs();
    if (this.#last === null || atMs - this.#last.atMs >= COLLECT_MS) {
      this.#last = { atMs, text: this.#collect() };
    }
    return this.#last.text;
  }

  async #collect(): Promise<string> {
    const { daemon, tunnels, down } = this.#source;
    this.#look = { daemon: daemon(), up: tunnels(), down: down() };
    this.#registry ??= this.#newRegistry();
    try {
      return (await this.#registry.metrics()).replace(NOT_KNOWN, '');
    } finally {
      this.#look = null;
    }
  }

  #newRegistry(): Registry {
    const registry = new Registry();
    for (const metric of familyMetrics(() => this.#look!)) {
      // It has what the registry asks of a metric, and neither values nor a hash of its own.
      registry.registerMetric(metric as unknown as Metric);
    }
    collectDefaultMetrics({ register: registry });
    return registry;
  }
}

/** All metrics of ours, in the order in which they are told. */
export function describedMetrics(): MetricAbout[] {
  return familyMetrics(() => {
    throw new L2vpnError('L2VPN_INTERNAL', 'metrics were asked for without a look at the tunnels');
  });
}

function familyMetrics(look: () => Look): FamilyMetric[] {
  const tunnels = (): Labelled<TunnelSnapshot>[] =>
    look().up.map((tunnel) => ({ labels: [tunnel.name], from: tunnel }));
  const whole =
    <From>(from: (look: Look) => From) =>
    (): Labelled<From>[] => [{ labels: [], from: from(look()) }];
  return [
    ...DAEMON_FAMILIES.map((family) =>
      familyMetric(
        family,
        [],
        whole(({ daemon }) => daemon),
      ),
    ),
    ...STATE_FAMILIES.map((family) =>
      familyMetric(
        family,
        [],
        whole((all) => all),
      ),
    ),
    ...OF_ONE_TUNNEL.map((family) => familyMetric(family, ['tunnel'], tunnels)),
  ];
}
