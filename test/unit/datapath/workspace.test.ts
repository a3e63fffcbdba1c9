/** Batches belong to the worker: lanes borrow them, and keep one only while the far end takes no more. */
import { describe, expect, it } from 'vitest';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { TransmitLane } from '../../../src/datapath/transmit.ts';
import { Workspaces } from '../../../src/datapath/workspace.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { slots } from '../../../src/frame/batch.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { frameOf } from '../macsec/kit.ts';

function plainLane(workspaces: Workspaces, wireCapacity = 1024) {
  const [, tap] = memoryPortPair();
  const [wire, far] = memoryPortPair({ capacity: wireCapacity });
  const counters = laneCounters(new SharedArrayBuffer(laneCountersBytes(0)));
  const encap = createGretap({ family: 6, gre: { key: null, checksum: false }, header: null });
  const lane = new TransmitLane({
    ...{
      tap,
      wire,
      encap,
      counters,
      workspaces,
      secy: null,
      mtu: new LaneMtu(null, 1462),
      maxFrameLen: 1480,
    },
  });
  return { lane, tap, far };
}

describe('the workspaces of a worker', () => {
  it('a thousand lanes of about one size share one batch', () => {
    const workspaces = new Workspaces();
    const lanes = Array.from({ length: 1000 }, () => plainLane(workspaces));
    for (const { lane, tap, far } of lanes) {
      tap.push(frameOf(60));
      lane.run();
      expect(far.waiting).toBe(1);
    }
    expect(workspaces.shelf(slots(1480)).made).toBe(1);
    expect(workspaces.shelf(slots(1500))).toBe(workspaces.shelf(slots(1480)));
    expect(workspaces.shelf(slots(9000))).not.toBe(workspaces.shelf(slots(1480)));
  });

  it('a lane that waits for its far end keeps its batch, and what others do does not touch it', () => {
    const workspaces = new Workspaces();
    const stuck = plainLane(workspaces, 1);
    const other = plainLane(workspaces);
    for (let i = 0; i < 3; i++) stuck.tap.push(frameOf(60 + i));
    stuck.lane.run();
    expect(stuck.far.waiting).toBe(1);
    for (let i = 0; i < 5; i++) other.tap.push(frameOf(200));
    other.lane.run();
    expect(other.far.waiting).toBe(5);
    const got: number[] = [];
    for (let i = 0; i < 3; i++) {
      got.push(stuck.far.shift()!.length);
      stuck.lane.run();
    }
    expect(got).toEqual([64, 65, 66]);
    expect(workspaces.shelf(slots(1480)).made).toBe(2);
  });
});
