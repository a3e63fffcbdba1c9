/** A tunnel that goes another way probes that one, and is told what comes of it. */
import { describe, expect, it } from 'vitest';
import { PROBE_MS, type SearchClock } from '../../../src/path/search.ts';
import { type PathNews, TunnelPath } from '../../../src/tunnel/path.ts';
import { PathUse } from '../../../src/tunnel/path-use.ts';
import { GRE } from './kit.ts';

const LEAD = 24;

/** A monotonic clock with one timer, which the test advances. */
class TestClock implements SearchClock {
  #nowMs = 0;
  #due: { atMs: number; wake: () => void } | null = null;
  nowMs(): number {
    return this.#nowMs;
  }
  wakeAt(atMs: number, wake: () => void): void {
    this.#due = { atMs, wake };
  }
  cancel(): void {
    this.#due = null;
  }
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    while (this.#due !== null && this.#due.atMs <= endMs) {
      const { atMs, wake } = this.#due;
      this.#due = null;
      this.#nowMs = Math.max(this.#nowMs, atMs);
      wake();
    }
    this.#nowMs = endMs;
  }
}

function pathTo(remote: string): TunnelPath {
  const context = {
    gre: { ...GRE, remote },
    fixedMtu: null,
    peer: () => null,
    sourcePorts: () => [],
    secTags: () => null,
  };
  const route = { mtu: 1500, ofRoute: false, locked: false };
  return new TunnelPath(context, 'gre', { route: () => route, link: () => 1500 });
}

function usedPath() {
  const [clock, first] = [new TestClock(), pathTo('2.2.2.2')];
  const use = new PathUse(first, { lead: () => LEAD, isBusy: () => true });
  const news: PathNews[] = [];
  use.onNews((more) => news.push(...more));
  /** Frames that were sent as probes; those of `carries` octets with what is before them are answered. */
  const probes: number[] = [];
  const peer = { carries: 1500 };
  const probe = (frameLen: number): void => {
    probes.push(frameLen);
    if (frameLen + LEAD <= peer.carries) use.answered(frameLen);
  };
  return { clock, first, use, news, probes, peer, probe };
}

describe('what is done with a path', () => {
  it('probes are frames: the headers before them are of the packet', () => {
    const { clock, first, use, probes, probe } = usedPath();
    use.probeBy(probe, clock);
    clock.pass(PROBE_MS);
    expect(probes[0]).toBe(1500 - LEAD);
    expect(first.search).not.toBe('stopped');
    use.probeBy(null, clock);
    expect(first.search).toBe('stopped');
  });

  it('goes on with another path: that one is probed and tells of it, the one before does not', () => {
    const { clock, first, use, news, peer, probes, probe } = usedPath();
    use.probeBy(probe, clock);
    clock.pass(PROBE_MS);
    const second = pathTo('3.3.3.3');
    peer.carries = 1400;
    use.moveTo(second);
    const sent = probes.length;
    clock.pass(60 * PROBE_MS);
    expect(first).toMatchObject({ search: 'stopped', octets: 1500 });
    expect(probes.length).toBeGreaterThan(sent);
    expect(second).toMatchObject({ octets: 1400, limit: 'probes' });
    expect(news.at(-1)).toMatchObject({ kind: 'changed' });
  });

  it('another path is not probed where nobody answers, and none once the tunnel is closed', () => {
    const { clock, use, probes, probe } = usedPath();
    const second = pathTo('3.3.3.3');
    use.moveTo(second);
    expect(second.search).toBe('stopped');
    use.probeBy(probe, clock);
    use.close();
    const sent = probes.length;
    clock.pass(60 * PROBE_MS);
    expect([second.search, probes.length]).toEqual(['stopped', sent]);
  });
});
