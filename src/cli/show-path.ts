/** What the path does to frames, and how fast the lanes are, in `show`. Lines of the block `l2vpnd:` without their indent. */
import type {
  LatelySnapshot,
  PathDirectionSnapshot,
  PathQualitySnapshot,
  TrafficSnapshot,
  TunnelSnapshot,
} from '../api/tunnel.ts';

/** `path: loss 0.02% out, 0.00% in, reordered 0.00% out, 0.00% in, rtt 1.2 ms`; none where nothing tells. */
export function pathQualityLines({ in: to, out, rtt_min_seconds }: PathQualitySnapshot): string[] {
  const parts = [
    ...ratios('loss', out, to, (one) => one.loss_ratio),
    ...ratios('reordered', out, to, (one) => one.reorder_ratio),
    ...(rtt_min_seconds === null ? [] : [`rtt ${milliseconds(rtt_min_seconds)}`]),
  ];
  return parts.length === 0 ? [] : [`path: ${parts.join(', ')}`];
}

function ratios(
  name: string,
  out: PathDirectionSnapshot | null,
  to: PathDirectionSnapshot | null,
  of: (one: PathDirectionSnapshot) => number | null,
): string[] {
  const said = [
    ...(out === null || of(out) === null ? [] : [`${percent(of(out)!)} out`]),
    ...(to === null || of(to) === null ? [] : [`${percent(of(to)!)} in`]),
  ];
  return said.length === 0 ? [] : [`${name} ${said.join(', ')}`];
}

/** `tx: 12 frames, 1200 octets, lately 3.1 frames per batch in 0.12 ms (99 %: 0.40 ms)`. */
export function trafficLine(name: string, { frames_out, octets_out, lately }: TrafficSnapshot): string {
  return `${name}: ${frames_out} frames, ${octets_out} octets${latelyText(lately)}`;
}

function latelyText(lately: LatelySnapshot | null): string {
  if (lately === null) return '';
  const { frames_per_batch: frames, p50_seconds: p50, p99_seconds: p99 } = lately;
  if (frames === null || p50 === null || p99 === null) return '';
  return `, lately ${frames.toFixed(1)} frames per batch in ${milliseconds(p50)} (99 %: ${milliseconds(p99)})`;
}

export function queueDropsLine({ queue_drops: { socket, tap } }: TunnelSnapshot): string {
  return `queue drops: socket ${socket ?? 'not known'}, tap ${tap ?? 'not known'}`;
}

/** Something is never told as nothing. */
function percent(ratio: number): string {
  return ratio > 0 && ratio < 0.0001 ? '<0.01%' : `${(ratio * 100).toFixed(2)}%`;
}

function milliseconds(seconds: number): string {
  const ms = seconds * 1000;
  return `${ms < 10 ? ms.toFixed(ms < 1 ? 2 : 1) : Math.round(ms)} ms`;
}
