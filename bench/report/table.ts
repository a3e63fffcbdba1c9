/** The Markdown tables of a run. Every figure is a median of its rounds, with the lowest and highest beside it. */
import { YARDSTICK } from '../contenders/index.ts';
import { busiestCpu, type ContenderRow } from './aggregate.ts';
import type { Goal } from './goals.ts';
import type { Summary } from './statistics.ts';

/** `columns` are the streams that were run. */
export function throughputTable(rows: readonly ContenderRow[], streams: readonly number[]): string {
  const header = [
    'contender',
    'protects',
    'inner MTU',
    ...streams.map((n) => `Mbit/s, ${n} ${n === 1 ? 'stream' : 'streams'}`),
    ...streams.map((n) => `× ${YARDSTICK}, ${n}`),
  ];
  return table(
    header,
    rows.map((row) => [
      row.title,
      row.protection,
      `${row.mtu}`,
      ...streams.map((n) => spread(row.tcp[n], 0)),
      ...streams.map((n) => (row.ratio[n] === undefined ? '–' : row.ratio[n].toFixed(2))),
    ]),
  );
}

export function costTable(rows: readonly ContenderRow[]): string {
  const header = [
    'contender',
    'UDP frames/s without loss',
    'ping idle, ms',
    'ping under load, ms',
    'CPU s/Gbit: site 1',
    'site 2',
    'machine',
    'memory, MB',
  ];
  return table(
    header,
    rows.map((row) => [
      row.title,
      (row.udpOpenEnded ? '≥ ' : '') + spread(row.udpFramesPerSecond ?? undefined, 0),
      spread(row.pingIdleMs ?? undefined, 3),
      spread(row.pingLoadedMs ?? undefined, 3),
      spread(row.cpuPerGbit.site1, 2),
      spread(row.cpuPerGbit.site2, 2),
      spread(row.machineCpuPerGbit, 2),
      spread(row.residentMb ?? undefined, 0),
    ]),
  );
}

export function setupTable(rows: readonly ContenderRow[]): string {
  return table(
    ['contender', 'version', 'layer', 'inner MTU', 'octets added to an IP packet'],
    rows.map((row) => [row.title, row.version, `${row.layer}`, `${row.mtu}`, row.overhead]),
  );
}

/** What the project set out to reach, and what this run measured. */
export function goalTable(goals: readonly Goal[]): string {
  return table(
    ['aim', 'wanted', 'measured', ''],
    goals.map(({ what, aim, measured, reached }) => [
      what,
      aim,
      measured,
      reached ? 'reached' : 'not reached',
    ]),
  );
}

/** What must not have happened, a line each; empty when nothing did. */
export function complaints(rows: readonly ContenderRow[]): string[] {
  return rows.flatMap((row) => [
    ...row.failures.map((failure) => `${row.title}: failed in ${failure}`),
    ...(row.fragments > 0 ? [`${row.title}: ${row.fragments} IP fragments: its MTU is too large`] : []),
    ...(row.pingsLost > 0 ? [`${row.title}: ${row.pingsLost} of ${row.pingsSent} pings lost`] : []),
  ]);
}

/** A table for a terminal: the throughput, and the ratio to the yardstick. */
export function consoleTable(rows: readonly ContenderRow[], streams: readonly number[]): string {
  const cells = rows.map((row) => [
    row.title,
    ...streams.flatMap((n) => [
      row.tcp[n]?.median.toFixed(0) ?? '–',
      row.ratio[n] === undefined ? '–' : `${row.ratio[n].toFixed(2)} ×`,
    ]),
    Number.isNaN(busiestCpu(row)) ? '–' : busiestCpu(row).toFixed(2),
  ]);
  return alignColumns([
    ['contender', ...streams.flatMap((n) => [`Mbit/s -P ${n}`, 'ratio']), 'CPU s/Gbit'],
    ...cells,
  ]);
}

/** Columns of equal width, the first to the left, the others to the right. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  return lines
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
    )
    .join('\n');
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** `757 (740–768)`; the median alone where there was one round. */
function spread(summary: Summary | undefined, digits: number): string {
  if (summary === undefined || Number.isNaN(summary.median)) return '–';
  const text = summary.median.toFixed(digits);
  if (summary.rounds < 2) return text;
  return `${text} (${summary.min.toFixed(digits)}–${summary.max.toFixed(digits)})`;
}
