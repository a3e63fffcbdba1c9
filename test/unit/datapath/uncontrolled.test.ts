/** The Uncontrolled Port (802.1AE 10.4): untagged frames for the control plane, bounded whoever floods. */
import { describe, expect, it } from 'vitest';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import {
  createUncontrolledRing,
  openUncontrolledSender,
  UncontrolledEntry,
  UncontrolledExit,
} from '../../../src/datapath/uncontrolled.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openPair } from '../../../src/host/pair.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { wrapRawSocket } from '../../../src/ports/raw-socket-port.ts';
import { frameOf, hex, macsecConfig, Site } from '../macsec/kit.ts';

const EAPOL = 0x888e;
const GRE = hex('00 00 65 58');
const eapol = (fill: number, len = 60): Buffer =>
  Buffer.concat([hex('01 80 c2 00 00 03  02 00 00 00 00 01  88 8e'), Buffer.alloc(len - 14, fill)]);

/** A receive lane whose EAPOL frames go into a ring. */
function lane() {
  const [, wire] = memoryPortPair();
  const [tap, bridge] = memoryPortPair();
  const ring = createUncontrolledRing();
  const uncontrolled = new UncontrolledEntry(ring, [EAPOL]);
  const counters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const encap = createGretap({ family: 6, gre: { key: null, checksum: false }, header: null });
  const secy = new Site(macsecConfig()).secy;
  const receive = new ReceiveLane({
    ...{ wire, tap, encap, secy, uncontrolled, counters },
    mtu: new LaneMtu(secy, 1462),
    maxPacketLen: 3000,
  });
  const got: Buffer[] = [];
  const exit = new UncontrolledExit(ring, (frame) => got.push(Buffer.from(frame)));
  const send = (...frames: Buffer[]): void => {
    for (const frame of frames) wire.push(Buffer.concat([GRE, frame]));
    while (wire.waiting > 0) receive.run();
  };
  return { send, bridge, counters, uncontrolled, exit, got };
}

describe('the uncontrolled port', () => {
  it('takes untagged frames of its types, whole and in order, and the TAP never sees them', () => {
    const { send, bridge, exit, got, counters, uncontrolled } = lane();
    send(eapol(1), eapol(2));
    expect(uncontrolled.untold).toBe(true);
    expect(exit.drain()).toBe(2);
    expect(got).toEqual([eapol(1), eapol(2)]);
    expect(bridge.waiting).toBe(0);
    expect(counters.drops[Drop.Uncontrolled]).toBe(2);
    expect(counters.drops[Drop.InPktsNoTag]).toBe(0);
  });

  it('leaves EAPOL inside MACsec to the TAP: that is user data', () => {
    const { send, bridge, exit } = lane();
    send(new Site(macsecConfig()).protect([eapol(7)]).alive[0]!);
    expect(exit.drain()).toBe(0);
    expect(bridge.shift()).toEqual(eapol(7));
  });

  it('leaves other untagged frames to the SecY', () => {
    const { send, exit, counters } = lane();
    send(frameOf(60));
    expect(exit.drain()).toBe(0);
    expect(counters.drops[Drop.InPktsNoTag]).toBe(1);
  });

  it('is bounded: a flood costs a counter, and what comes after the ring was emptied is taken again', () => {
    const { send, exit, got, counters, uncontrolled } = lane();
    for (let i = 0; i < 10; i++) send(...Array.from({ length: 100 }, () => eapol(i)));
    expect(counters.drops[Drop.Uncontrolled]).toBe(32);
    expect(counters.drops[Drop.UncontrolledFull]).toBe(968);
    expect(exit.drain()).toBe(32);
    uncontrolled.untold = false;
    send(eapol(99), eapol(98, 2500));
    expect(uncontrolled.untold).toBe(true);
    expect(exit.drain()).toBe(1);
    expect(got.at(-1)).toEqual(eapol(99));
    expect(counters.drops[Drop.UncontrolledFull]).toBe(969);
  });

  it('tells the main thread once for all that wait, and hands on what came meanwhile in time', async () => {
    const { send, exit, got, uncontrolled } = lane();
    send(eapol(1));
    exit.told();
    expect(got).toHaveLength(1);
    uncontrolled.untold = false;
    send(eapol(2));
    expect(uncontrolled.untold).toBe(true);
    const second = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (got.length < 2) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
    exit.told();
    exit.told();
    // So soon after the last look the next one waits: that is the bound.
    expect(got).toHaveLength(1);
    await second;
    expect(got[1]).toEqual(eapol(2));
  });

  it('sends by the socket of the tunnel, in its encapsulation', () => {
    const [near, far] = openPair();
    const spec = { kind: 'gretap', family: 6, gre: { key: 5, checksum: true }, header: null } as const;
    const sender = openUncontrolledSender(spec, near);
    expect(sender.send(eapol(3))).toBe(Drop.None);
    expect(sender.send(eapol(3, 4000))).toBe(Drop.OutPktsTooLong);
    const port = wrapRawSocket(far);
    const batch = createBatch(3000, 4);
    resetBatch(batch);
    expect(port.receive(batch, 4)).toBe(1);
    createGretap(spec).pull(batch);
    expect(batch.verdict[0]).toBe(Drop.None);
    expect(batch.arena.subarray(batch.at[0]!, batch.at[0]! + batch.len[0]!)).toEqual(eapol(3));
    sender.close();
    port.close();
    closeFds([near, far]);
  });
});
