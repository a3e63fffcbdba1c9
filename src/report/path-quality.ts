/** What a path does to frames, as `show`, the metrics and the control socket tell of it (`api/tunnel.ts`). */
import type { PathDirectionSnapshot, PathQualitySnapshot } from '../api/tunnel.ts';
import type { LinkSnapshot } from '../link/link-control.ts';
import type { PathReport } from '../link/path-report.ts';

/** `own`: what came here; `link`: what the peer says, and how long it takes to say so. */
export function pathQuality(own: PathReport | null, link: LinkSnapshot | null): PathQualitySnapshot {
  return {
    in: direction(own),
    out: direction(link?.peerReport ?? null),
    rtt_seconds: seconds(link?.roundTripMs ?? null),
    rtt_min_seconds: seconds(link?.leastRoundTripMs ?? null),
  };
}

function direction(report: PathReport | null): PathDirectionSnapshot | null {
  if (report === null) return null;
  const { total, minute } = report;
  const ratio = (frames: number): number | null => (minute.expected > 0 ? frames / minute.expected : null);
  return {
    ...{ total: { ...total }, minute: { ...minute } },
    ...{ loss_ratio: ratio(minute.lost), reorder_ratio: ratio(minute.reordered) },
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
