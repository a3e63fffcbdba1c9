/** docs/reference/metrics.md, made of what the metrics say of themselves. */
import { describedMetrics } from './registry.ts';

const HEAD = `# Metrics
Made by \`npm run docs:metrics\` from what a scrape says of itself; do not edit. [How to scrape, alerts and a
dashboard](../how-to/monitoring.md).

Prometheus text format, version 0.0.4, at \`/metrics\` of \`metrics.listen\` and of the control socket. All tunnels are looked at when
somebody scrapes, once per second at the most. A value that is not known is left out. Direction \`tx\` is from the TAP to the wire,
\`rx\` from the wire to the TAP. Counters of a tunnel begin at 0 when it starts anew, after a reload or a failure; rates take that
for what it is. Beside these there are the usual \`process_…\` and \`nodejs_…\` of the daemon's process, as
[prom-client](https://github.com/siimon/prom-client) makes them.

| metric | type | labels | |
| --- | --- | --- | --- |
`;

export function metricsReference(): string {
  const rows = describedMetrics().map(({ name, type, labelNames, help }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labels} | ${help.replaceAll('|', '\\|')} |\n`;
  });
  return HEAD + rows.join('');
}
