/** Alert rules, dashboard and reference name what is there. That the rules fire is tested by e2e/monitoring. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DROP_TEXTS } from '../../../src/frame/drop.ts';
import { REFUSAL_TEXTS } from '../../../src/keys/mka/refusal.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { metricsReference } from '../../../src/report/metrics/reference.ts';
import { describedMetrics } from '../../../src/report/metrics/registry.ts';

const read = (...path: string[]): string => readFileSync(join(packageRoot(), ...path), 'utf8');
const ALERTS = read('packaging', 'monitoring', 'alerts.yml');
const DASHBOARD = read('packaging', 'monitoring', 'grafana-dashboard.json');
/** What the process and Prometheus itself have. */
const OTHERS = ['process_cpu_seconds_total', 'process_resident_memory_bytes'];

/** Names of series, the parts of histograms among them. */
function known(): Set<string> {
  const parts = describedMetrics().flatMap(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name],
  );
  return new Set([...parts, ...OTHERS]);
}

function named(text: string): string[] {
  return [...new Set(text.match(/\b(?:l2vpnd|process|nodejs)_[a-z0-9_]+\b/g))];
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describe('the alert rules', () => {
  it('name metrics that there are', () => {
    const exprs = ALERTS.match(/^ {8}expr: (?:\|\n.*|.*)$/gm)!;
    expect(exprs.length).toBeGreaterThan(15);
    const all = known();
    expect(named(exprs.join('\n')).filter((name) => !all.has(name))).toEqual([]);
  });

  it('name reasons that there are', () => {
    const reasons = [...ALERTS.matchAll(/reason=~?"([^"]+)"/g)].flatMap(([, list]) => list!.split('|'));
    const all = new Set([...DROP_TEXTS.map(({ name }) => name), ...Object.keys(REFUSAL_TEXTS)]);
    expect(reasons.length).toBeGreaterThan(5);
    expect(reasons.filter((reason) => !all.has(reason))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const { panels, templating } = JSON.parse(DASHBOARD) as {
    panels: Panel[];
    templating: { list: { name: string }[] };
  };
  const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it('names metrics that there are', () => {
    const all = known();
    expect(named(DASHBOARD).filter((name) => !all.has(name))).toEqual([]);
    expect(exprs.length).toBeGreaterThan(25);
  });

  it('shows every metric of traffic, path, drops and keys that there is a panel for', () => {
    const shown = new Set(named(exprs.join('\n')));
    for (const name of [
      'l2vpnd_peer_up',
      'l2vpnd_drops_total',
      'l2vpnd_path_frames_lost_total',
      'l2vpnd_mka_sak_age_seconds',
    ])
      expect(shown).toContain(name);
  });

  it('is for chosen instances and tunnels', () => {
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance', 'tunnel']);
    for (const expr of exprs) expect(expr).toMatch(/instance=~"\$instance"/);
  });
});

describe('docs/reference/metrics.md', () => {
  it('is what npm run docs:metrics makes', () => {
    expect(read('docs', 'reference', 'metrics.md')).toBe(metricsReference());
  });
});
