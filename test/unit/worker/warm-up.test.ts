/** The warm-up of a worker: it moves frames, and nobody notices. */
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import { Workspaces } from '../../../src/datapath/workspace.ts';
import { type EncapSpec, rehearsalOf } from '../../../src/encap/kinds.ts';
import { laneCounters, laneCountersBytes, Traffic } from '../../../src/frame/lane-counters.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openEvent } from '../../../src/host/event.ts';
import { openPair } from '../../../src/host/pair.ts';
import { type BuiltLane, buildLane } from '../../../src/worker/build-lane.ts';
import { LaneLoop } from '../../../src/worker/loop.ts';
import type { LaneSpec } from '../../../src/worker/messages.ts';
import { WARM_UP, warmUp } from '../../../src/worker/warm-up.ts';

const opened: number[] = [];
afterEach(() => closeFds(opened.splice(0)));

/** The lanes of a tunnel between two socket pairs; only their kind matters. */
function tunnelLanes(kind: EncapSpec['kind']): LaneSpec[] {
  const pairs = [...openPair(), ...openPair()];
  opened.push(...pairs);
  return (['transmit', 'receive'] as const).map((direction) => ({
    ...{ direction, tunnel: 'site2', tapFd: pairs[0]!, wireFd: pairs[2]!, encap: rehearsalOf(kind).receives },
    ...{ secy: null, lowerMtu: 1462, mssClamp: 'auto', maxLen: 1600, uncontrolled: null, strays: null },
    counters: new SharedArrayBuffer(laneCountersBytes(0)),
  }));
}

/** Warms up what a worker would; which lanes it was given, and what they counted. */
function warmedUp(specs: readonly LaneSpec[]) {
  const given: LaneSpec[] = [];
  const eventFd = openEvent();
  opened.push(eventFd);
  const loop = new LaneLoop<BuiltLane>(eventFd);
  const workspaces = new Workspaces();
  let ran = 0;
  const events = { woken: () => false, ran: () => void ran++, turned: () => {}, failed: () => {} };
  const remove = (): void => {
    for (const built of [...loop.entries]) {
      loop.remove(built);
      built.lane.close();
    }
  };
  const add = (added: readonly LaneSpec[]): void => {
    given.push(...added);
    for (const spec of added) loop.add(buildLane(spec, nodeProvider, workspaces));
  };
  warmUp({ loop, events, add, remove }, [...new Set(specs.map(({ encap }) => encap.kind))]);
  const left = [...loop.entries];
  loop.close();
  return { left, given, ran };
}

function carried(spec: LaneSpec): number {
  return laneCounters(spec.counters).traffic[Traffic.outFrames]!;
}

describe('the warm-up of a worker', () => {
  it.each([
    ['gretap', ['gretap', 'gretap']],
    ['gre-udp', ['gretap', 'gre-udp', 'gre-udp']],
  ] as const)('moves frames through lanes of the kind to come (%s)', (kind, kinds) => {
    const { given, ran } = warmedUp(tunnelLanes(kind));
    const first = given.slice(0, kinds.length);
    expect(first.map(({ encap }) => encap.kind)).toEqual(kinds);
    expect(new Set(given.map(({ tunnel }) => tunnel))).toEqual(new Set([WARM_UP]));
    // A lane that sends to nobody carries nothing; all others do.
    const carrying = first.filter(
      ({ direction, encap }) => direction === 'receive' || encap.kind !== 'gre-udp',
    );
    for (const spec of carrying) expect(carried(spec)).toBeGreaterThan(0);
    expect(ran).toBeGreaterThan(0);
  });

  it('leaves the lanes of the tunnels alone, no lane behind and nothing open', () => {
    const specs = [...tunnelLanes('gretap'), ...tunnelLanes('gre-udp')];
    const before = readdirSync('/proc/self/fd').length;
    const { left } = warmedUp(specs);
    expect(left).toEqual([]);
    // The eventfd of the test.
    expect(readdirSync('/proc/self/fd').length - before).toBe(1);
    expect(specs.map(carried)).toEqual([0, 0, 0, 0]);
  });

  it('does nothing for a worker without lanes', () => {
    expect(warmedUp([])).toEqual({ left: [], given: [], ran: 0 });
  });
});
