/** Answers to dropped frames: back into the TAP, for the reasons that have one, and so many per second at most. */
import { describe, expect, it } from 'vitest';
import { Answers, type DropAnswer } from '../../../src/datapath/answers.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { TransmitLane } from '../../../src/datapath/transmit.ts';
import { Workspaces } from '../../../src/datapath/workspace.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { slots } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { frameOf, macsecConfig, Site } from '../macsec/kit.ts';

/** Says how long the frame was that did not fit. */
const tooLong: DropAnswer = {
  reason: Drop.OutPktsTooLong,
  answer(batch, i, reply) {
    const at = reply.at[reply.count]!;
    reply.arena.writeUInt16BE(batch.len[i]!, at);
    reply.len[reply.count] = 20;
    reply.verdict[reply.count++] = 0;
    return true;
  },
};

function lane(nowMs: () => number) {
  const [bridge, tap] = memoryPortPair();
  const [wire, far] = memoryPortPair();
  const workspaces = new Workspaces();
  const answers = new Answers([tooLong], workspaces.shelf(slots(1500)), nowMs);
  const counters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const encap = createGretap({ family: 6, gre: { key: null, checksum: false }, header: null });
  const { secy } = new Site(macsecConfig());
  const transmit = new TransmitLane({
    ...{ tap, wire, encap, counters, workspaces, answers, secy },
    ...{ mtu: new LaneMtu(secy, 1462), maxFrameLen: 1900 },
  });
  const send = (...frames: Buffer[]): number[] => {
    for (const frame of frames) tap.push(frame);
    transmit.run();
    const replies: number[] = [];
    for (let reply = bridge.shift(); reply !== undefined; reply = bridge.shift())
      replies.push(reply.readUInt16BE(0));
    return replies;
  };
  return { send, far, counters };
}

describe('answers to dropped frames', () => {
  it('go back into the TAP for the reason that has one; the others go on', () => {
    const { send, far, counters } = lane(() => 0);
    expect(send(frameOf(60), frameOf(1600), frameOf(10), frameOf(1700))).toEqual([1600, 1700]);
    expect(far.waiting).toBe(1);
    expect(counters.drops[Drop.OutPktsTooLong]).toBe(2);
  });

  it('are bounded, and come again as time goes on', () => {
    let now = 0;
    const { send } = lane(() => now);
    const flood = Array.from({ length: 100 }, () => frameOf(1600));
    expect(send(...flood)).toHaveLength(32);
    expect(send(...flood)).toHaveLength(0);
    now = 50;
    expect(send(...flood)).toHaveLength(5);
    now = 60_000;
    expect(send(...flood)).toHaveLength(32);
  });
});
