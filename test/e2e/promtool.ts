/** Scrapes of a running daemon, and what promtool makes of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunResult, run } from '../../lab/run.ts';
import type { Site } from '../../lab/site.ts';
import { packageRoot } from '../../src/package-root.ts';
import { ask } from '../unit/api/http.ts';

export const ALERTS: string = join(packageRoot(), 'packaging', 'monitoring', 'alerts.yml');

/** What a daemon said, and when. */
export interface Scrape {
  readonly text: string;
  readonly atMs: number;
  /** By name and labels as they stand in the text. */
  readonly samples: ReadonlyMap<string, number>;
}

/** By the control socket. */
export async function scrapeOf(site: Site): Promise<Scrape> {
  const { status, body } = await ask({ socketPath: site.controlSocket, path: '/metrics' });
  if (status !== 200) throw new Error(`${site.name}: /metrics: ${status} ${body}`);
  const samples = body.matchAll(/^([a-z_]\w*(?:\{.*\})?) (\S+)$/gm);
  return {
    text: body,
    atMs: performance.now(),
    samples: new Map([...samples].map(([, name, value]) => [name!, Number(value)])),
  };
}

/** The next one for which `enough` holds. A daemon looks at its tunnels once a second. */
export async function scrapeWhen(
  site: Site,
  enough: (samples: Scrape['samples']) => boolean,
  timeoutMs = 20_000,
): Promise<Scrape> {
  for (const end = Date.now() + timeoutMs; ; await new Promise((next) => setTimeout(next, 200))) {
    const scrape = await scrapeOf(site);
    if (enough(scrape.samples)) return scrape;
    if (Date.now() > end) throw new Error(`${site.name}: never: ${enough}\n${scrape.text}`);
  }
}

/** `promtool check metrics`. */
export function checkMetrics({ text }: Scrape): Promise<RunResult> {
  return run(['promtool', 'check', 'metrics'], { input: text });
}

const MINUTES = 20;
const LOOK_AT = '15m';

/**
 * Which alerts fire after a quarter of an hour in which all goes on as between two scrapes: counters grow at that rate, gauges
 * stay. Throws unless promtool says that it is those of `expected`, no more and no fewer. `path`: where its file may be.
 */
export async function expectAlerts(
  path: string,
  [before, after]: readonly [Scrape, Scrape],
  expected: readonly string[],
): Promise<void> {
  const series = [...after.samples].map(([name, value]) => ({
    series: withLabels(name),
    values: `${value.toFixed(6)}+${growth(before, after, name).toFixed(6)}x${MINUTES}`,
  }));
  const up = { series: 'up{job="l2vpnd",instance="site1"}', values: `1+0x${MINUTES}` };
  const test = {
    interval: '1m',
    input_series: [up, ...series],
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: LOOK_AT,
        exp_samples: [...expected].sort().map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
      },
    ],
  };
  // YAML takes JSON.
  writeFileSync(path, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: '1m', tests: [test] }));
  const { code, stdout, stderr } = await run(['promtool', 'test', 'rules', path]);
  if (code !== 0) throw new Error(`promtool test rules ${path}: exit ${code}\n${stdout}${stderr}`);
}

function withLabels(name: string): string {
  const own = 'job="l2vpnd",instance="site1"';
  return name.endsWith('}') ? `${name.slice(0, -1)},${own}}` : `${name}{${own}}`;
}

/** Of a counter, or a part of a histogram, in a minute. */
function growth(before: Scrape, after: Scrape, name: string): number {
  if (!/^\w+_(?:total|bucket|sum|count)(?:\{|$)/.test(name)) return 0;
  const grown = after.samples.get(name)! - (before.samples.get(name) ?? 0);
  return Math.max(grown, 0) / ((after.atMs - before.atMs) / 60_000);
}
