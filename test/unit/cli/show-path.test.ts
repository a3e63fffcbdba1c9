/** The path in `show`: loss and reorder both ways, round trip; how fast the lanes are. */
import { describe, expect, it } from 'vitest';
import type { PathDirectionSnapshot, PathQualitySnapshot } from '../../../src/api/tunnel.ts';
import { jsonOf, textOf } from '../../../src/cli/show-format.ts';
import { pathQualityLines } from '../../../src/cli/show-path.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const UNKNOWN: PathQualitySnapshot = { in: null, out: null, rtt_seconds: null, rtt_min_seconds: null };

function direction(lost: number, reordered: number, expected = 100_000): PathDirectionSnapshot {
  const counts = { expected, lost, reordered };
  const ratio = (frames: number): number | null => (expected === 0 ? null : frames / expected);
  return { total: counts, minute: counts, loss_ratio: ratio(lost), reorder_ratio: ratio(reordered) };
}

describe('the path', () => {
  it.each<[string, Partial<PathQualitySnapshot>, string[]]>([
    [
      'both ways',
      { in: direction(0, 300), out: direction(20, 0), rtt_seconds: 0.002, rtt_min_seconds: 0.0012 },
      ['path: loss 0.02% out, 0.00% in, reordered 0.00% out, 0.30% in, rtt 1.2 ms'],
    ],
    ['to here alone', { in: direction(1, 0) }, ['path: loss <0.01% in, reordered 0.00% in']],
    ['on which nothing is sent', { in: direction(0, 0, 0), rtt_min_seconds: 0.0421 }, ['path: rtt 42 ms']],
    ['of which nothing is known', {}, []],
  ])('%s', (_, quality, lines) => {
    expect(pathQualityLines({ ...UNKNOWN, ...quality })).toEqual(lines);
  });

  it('is in show and its JSON, and with -s what lanes and queues do', async () => {
    const { tunnel } = await tunnelOf(null);
    const bare = snapshotOf(tunnel, 'batch', null);
    const lately = {
      batches: 9,
      frames_per_batch: 3.14,
      mean_seconds: 1e-4,
      p50_seconds: 1.2e-4,
      p99_seconds: 4e-3,
    };
    const one = {
      ...bare,
      path_quality: { ...UNKNOWN, out: direction(20, 0) },
      tx: { ...bare.tx, lately },
      queue_drops: { socket: 4, tap: null },
    };
    expect(textOf(one, false)).toContain('        path: loss 0.02% out, reordered 0.00% out\n');
    const all = textOf(one, true);
    expect(all).toContain(
      '        tx: 0 frames, 0 octets, lately 3.1 frames per batch in 0.12 ms (99 %: 4.0 ms)\n',
    );
    expect(all).toContain('        rx: 0 frames, 0 octets\n        queue drops: socket 4, tap not known\n');
    expect(jsonOf(one, true)).toMatchObject({
      l2vpnd: {
        path_quality: one.path_quality,
        queue_drops: one.queue_drops,
        since: bare.since,
        tx: { lately },
      },
    });
    expect(jsonOf(one, false)).not.toHaveProperty('l2vpnd.queue_drops');
    expect(textOf(bare, true)).not.toMatch(/path: |lately/);
  });
});
