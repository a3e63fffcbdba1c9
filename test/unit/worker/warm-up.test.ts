/** The warm-up of a worker: it moves frames, and nobody notices. */
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import type { Lane } from '../../../src/datapath/lane.ts';
import { laneCounters, laneCountersBytes, Traffic } from '../../../src/frame/lane-counters.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openPair } from '../../../src/host/pair.ts';
import { openEvent } from '../../../src/host/poller.ts';
import { createEndpoint } from '../../../src/ports/udp-socket-port.ts';
import type { LaneSpec } from '../../../src/worker/messages.ts';
import { buildLane } from '../../../src/worker/run.ts';
import { WARM_UP, warmUp } from '../../../src/worker/warm-up.ts';

const opened: number[] = [];
afterEach(() => closeFds(opened.splice(0)));

/** The lanes of a tunnel between two socket pairs; only their kind matters. */
function tunnelLanes(kind: 'raw' | 'udp'): LaneSpec[] {
  const pairs = [...openPair(), ...openPair()];
  opened.push(...pairs);
  const endpoint = kind === 'udp' ? createEndpoint('192.0.2.1', 4754) : null;
  return (['transmit', 'receive'] as const).map((direction) => ({
    ...{ direction, tunnel: 'site2', tapFd: pairs[0]!, wireFd: pairs[2]!, endpoint, learns: false },
    ...{ outerIpv4: false, secy: null, gre: { key: null, checksum: false }, lowerMtu: 1462, maxLen: 1600 },
    ...{ ipv4: null, counters: new SharedArrayBuffer(laneCountersBytes(0)) },
  }));
}

/** Warms up what a worker would; which lanes it was given, and what they counted. */
function warmedUp(specs: readonly LaneSpec[]) {
  const lanes: Lane[] = [];
  const given: LaneSpec[] = [];
  const eventFd = openEvent();
  opened.push(eventFd);
  let ran = 0;
  const events = { woken: () => false, ran: () => void ran++, failed: () => {} };
  const remove = (): void => {
    for (const lane of lanes.splice(0)) lane.close();
  };
  const add = (added: readonly LaneSpec[]): void => {
    given.push(...added);
    lanes.push(...added.map((spec) => buildLane(spec, nodeProvider).lane));
  };
  warmUp({ lanes, eventFd, events, add, remove }, specs);
  return { lanes, given, ran };
}

function carried(spec: LaneSpec): number {
  return laneCounters(spec.counters).traffic[Traffic.outFrames]!;
}

describe('the warm-up of a worker', () => {
  it.each([
    ['raw', [false, false]],
    ['udp', [false, true, true]],
  ] as const)('moves frames through lanes of the kind to come (%s)', (kind, overUdp) => {
    const { given, ran } = warmedUp(tunnelLanes(kind));
    const first = given.slice(0, overUdp.length);
    expect(first.map(({ endpoint }) => endpoint !== null)).toEqual(overUdp);
    expect(new Set(given.map(({ tunnel }) => tunnel))).toEqual(new Set([WARM_UP]));
    // A lane that sends to nobody carries nothing; all others do.
    const carrying = first.filter(({ direction, endpoint }) => direction === 'receive' || endpoint === null);
    for (const spec of carrying) expect(carried(spec)).toBeGreaterThan(0);
    expect(ran).toBeGreaterThan(0);
  });

  it('leaves the lanes of the tunnels alone, no lane behind and nothing open', () => {
    const specs = [...tunnelLanes('raw'), ...tunnelLanes('udp')];
    const before = readdirSync('/proc/self/fd').length;
    const { lanes } = warmedUp(specs);
    expect(lanes).toEqual([]);
    // The eventfd of the test.
    expect(readdirSync('/proc/self/fd').length - before).toBe(1);
    expect(specs.map(carried)).toEqual([0, 0, 0, 0]);
  });

  it('does nothing for a worker without lanes', () => {
    expect(warmedUp([])).toEqual({ lanes: [], given: [], ran: 0 });
  });
});
