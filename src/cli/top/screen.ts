/** `l2vpnd top` as lines of text, for a terminal of some size: no more of them, and none wider. */
import type { DownSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { DROP_TEXTS } from '../../frame/drop.ts';
import { downStatus, formatAge, type TunnelStatus, upStatus } from '../status-format.ts';
import type { RateMeter, Rates } from './rates.ts';

export interface Looked {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly tunnels: readonly TunnelSnapshot[];
  readonly down: readonly DownSnapshot[];
  readonly rates: ReadonlyMap<string, Rates | null>;
  readonly meter: RateMeter;
  /** Why the daemon does not answer; null: it does. What is shown is of its last answer then. */
  readonly trouble: string | null;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** The tunnel whose details are shown; its place in the list. */
  readonly chosen: number;
}

const BLOCKS = '▁▂▃▄▅▆▇█';
const UNITS = ['', 'k', 'M', 'G', 'T'];
const CAUSES = new Map(DROP_TEXTS.map(({ name, cause }) => [name, cause]));
/** Rows that the chosen tunnel's details take, with the line above them. */
const DETAIL_ROWS = 9;
const HELP = 'q quit   ↑↓ choose   space pause';

/** The tunnels in the order in which they are listed: those that are not well first. */
export function listed({ tunnels, down, at }: Looked): TunnelStatus[] {
  const all = [...down.map(downStatus), ...tunnels.map((tunnel) => upStatus(tunnel, at))];
  return all.toSorted((a, b) => Number(a.ok) - Number(b.ok));
}

export function screenLines(looked: Looked, screen: Screen, isPaused = false): string[] {
  const all = listed(looked);
  const room = Math.max(1, screen.rows - DETAIL_ROWS - 4);
  const first = Math.min(Math.max(0, screen.chosen - room + 1), Math.max(0, all.length - room));
  const chosen = all[screen.chosen];
  const head = headOf(looked, all, isPaused);
  const rows = all
    .slice(first, first + room)
    .map((one, i) => rowOf(one, looked, first + i === screen.chosen, screen.columns));
  const more = all.length - first - rows.length;
  const lines = [
    head,
    looked.trouble === null ? '' : `! ${looked.trouble}`,
    cells(['  TUNNEL', 'STATE', 'OUT', 'IN', 'DROP/S', 'LAST MINUTE'], screen.columns),
    ...rows,
    more > 0 ? `  and ${more} more` : '',
    ...(chosen === undefined ? [] : detailLines(chosen, looked)),
  ];
  const fitting = lines.slice(0, screen.rows - 1);
  while (fitting.length < screen.rows - 1) fitting.push('');
  return [...fitting, HELP].map((line) => cut(line, screen.columns));
}

function headOf({ at, tunnels, down }: Looked, all: readonly TunnelStatus[], isPaused: boolean): string {
  const well = all.filter(({ ok }) => ok).length;
  const time = new Date(at).toTimeString().slice(0, 8);
  const count = tunnels.length + down.length;
  return `l2vpnd top - ${time}, ${well} of ${count} tunnel${count === 1 ? '' : 's'} well${isPaused ? ', paused' : ''}`;
}

function rowOf(one: TunnelStatus, { rates, meter, at }: Looked, isChosen: boolean, columns: number): string {
  const rate = rates.get(one.name) ?? null;
  const state =
    one.state === 'down' ? `DOWN ${formatAge(at - Date.parse(one.since))}` : one.ok ? 'up' : 'FAULT';
  const spark = sparkline(meter.pastOf(one.name), Math.max(0, columns - 62));
  const number = (value: number | undefined): string => (value === undefined ? '-' : scaled(value));
  return cells(
    [
      `${isChosen ? '>' : ' '} ${one.name}`,
      state,
      number(rate?.outBits),
      number(rate?.inBits),
      number(rate?.drops),
      spark,
    ],
    columns,
  );
}

const WIDTHS = [18, 10, 10, 10, 8];

function cells(texts: readonly string[], columns: number): string {
  const parts = texts.map((text, i) => {
    const width = WIDTHS[i];
    if (width === undefined) return text;
    const short = cut(text, width);
    return i < 2 ? short.padEnd(width) : short.padStart(width);
  });
  return cut(parts.join(' '), columns);
}

function detailLines(one: TunnelStatus, { tunnels, at }: Looked): string[] {
  const tunnel = tunnels.find(({ name }) => name === one.name);
  const lines = [`── ${one.name} (${one.ifname}) ${'─'.repeat(200)}`];
  if (one.reasons.length > 0) lines.push(one.reasons[0]!);
  if (tunnel === undefined) return lines;
  lines.push(
    `up ${formatAge(at - Date.parse(one.since))}, peer ${tunnel.peer.state}${one.heard === null ? '' : `, heard ${formatAge(at - Date.parse(one.heard))} ago`}, at ${one.remote}, MTU ${tunnel.mtu} of ${tunnel.path_mtu}`,
    keyLine(tunnel),
    pathLine(tunnel),
    ...dropLines(tunnel),
  );
  return lines;
}

function keyLine({ macsec, agreement, pn_left }: TunnelSnapshot): string {
  if (macsec === null) return 'in clear: no MACsec';
  const pns = `packet numbers left ${pn_left ?? '-'}`;
  if (agreement === null) return `${macsec.cipher_suite}, static keys, AN ${macsec.encoding_sa}, ${pns}`;
  const age =
    agreement.latest === null ? 'no SAK' : `SAK ${formatAge(agreement.latest.age_seconds * 1000)} old`;
  return `${macsec.cipher_suite}, ${agreement.role}, ${age}, ${pns}`;
}

function pathLine({ path_quality: quality, queue_drops: queues }: TunnelSnapshot): string {
  const ratio = (value: number | null | undefined): string =>
    value === null || value === undefined ? '-' : `${(value * 100).toPrecision(2)} %`;
  const rtt = quality.rtt_seconds === null ? '-' : `${(quality.rtt_seconds * 1000).toFixed(1)} ms`;
  const lost = `lost out ${ratio(quality.out?.loss_ratio)}, in ${ratio(quality.in?.loss_ratio)}`;
  return `${lost}, round trip ${rtt}, queues dropped ${(queues.socket ?? 0) + (queues.tap ?? 0)}`;
}

function dropLines({ drops }: TunnelSnapshot): string[] {
  const rows = Object.entries(drops)
    .filter(([, frames]) => frames > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3);
  return rows.map(([name, frames]) => `dropped ${scaled(frames)} ${name}: ${CAUSES.get(name) ?? ''}`);
}

/** The last `width` values, the highest as a full block. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 1);
  return shown
    .map((value) => BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((value / most) * BLOCKS.length))])
    .join('');
}

/** `1.24G`, of bits per second as of frames. */
export function scaled(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(rest) : rest.toPrecision(3)}${UNITS[unit]}`;
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
