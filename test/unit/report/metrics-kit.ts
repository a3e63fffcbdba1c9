/** Metrics of snapshots that a test has made, and what their text says. */
import type { DaemonSnapshot } from '../../../src/api/daemon.ts';
import type { DownSnapshot, TunnelSnapshot } from '../../../src/api/tunnel.ts';
import { Metrics } from '../../../src/report/metrics/registry.ts';

export const DAEMON: DaemonSnapshot = {
  ...{ version: '1.2.3', node: '20.20.2', openssl: '3.0.19', aead: 'batch', engine: 'OpenSSL 3.0.19' },
  started: '2026-11-24T10:00:00.000Z',
  reload: { successful: true, success_time: '2026-11-24T10:00:00.500Z', refused: [], error: null },
};

/** One scrape. */
export function metricsOf(
  tunnels: TunnelSnapshot[],
  down: DownSnapshot[] = [],
  daemon: DaemonSnapshot = DAEMON,
): Promise<string> {
  return new Metrics({ daemon: () => daemon, tunnels: () => tunnels, down: () => down }).text();
}

/** Sample lines to values. Throws where a line is none, or comes twice. */
export function samplesOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const sample = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (sample === null || Number.isNaN(Number(sample[2])) || found.has(sample[1]!))
      throw new Error(`no sample: ${line}`);
    found.set(sample[1]!, Number(sample[2]));
  }
  return found;
}
