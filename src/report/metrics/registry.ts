/**
 * All metrics, for Prometheus. Figures are read when somebody asks, from one look at all tunnels, and no more often than once a
 * second: who asks more often gets the same text again.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { DaemonSnapshot } from '../../api/daemon.ts';
import type { DownSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { L2vpnError } from '../../errors.ts';
import { DAEMON_FAMILIES } from './daemon-families.ts';
import type { TunnelFamily } from './family.ts';
import { type FamilyText, familyText, type Labelled, type MetricAbout } from './family-text.ts';
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

/** Gauges that prom-client calls like counters. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

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
  /** Those of the process, made when somebody asks: they watch the event loop. */
  #process: Registry | null = null;
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
    const look = { daemon: daemon(), up: tunnels(), down: down() };
    this.#process ??= processMetrics();
    const parts: string[] = [];
    for (const family of families(() => look)) {
      parts.push(family.text());
      // A thousand tunnels have a quarter of a million lines: whatever else there is to do comes in between.
      await nextTurn();
    }
    parts.push((await this.#process.metrics()).replace(NOT_KNOWN, ''));
    return parts.join('\n');
  }
}

function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

/** All metrics of ours, in the order in which they are told. */
export function describedMetrics(): MetricAbout[] {
  return families(() => {
    throw new L2vpnError('L2VPN_INTERNAL', 'metrics were asked for without a look at the tunnels');
  });
}

function families(look: () => Look): FamilyText[] {
  const tunnels = (): Labelled<TunnelSnapshot>[] =>
    look().up.map((tunnel) => ({ labels: [tunnel.name], from: tunnel }));
  const whole =
    <From>(from: (look: Look) => From) =>
    (): Labelled<From>[] => [{ labels: [], from: from(look()) }];
  return [
    ...DAEMON_FAMILIES.map((family) =>
      familyText(
        family,
        [],
        whole(({ daemon }) => daemon),
      ),
    ),
    ...STATE_FAMILIES.map((family) =>
      familyText(
        family,
        [],
        whole((all) => all),
      ),
    ),
    ...OF_ONE_TUNNEL.map((family) => familyText(family, ['tunnel'], tunnels)),
  ];
}
