/** The Uncontrolled Port (802.1AE 10.4): untagged frames for the control plane, bounded whoever floods. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Bell } from '../../../src/datapath/bells.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import {
  type SenderOf,
  UncontrolledEntry,
  UncontrolledExit,
  UncontrolledLooks,
} from '../../../src/datapath/uncontrolled.ts';
import {
  createUncontrolledRing,
  OTHER_SLOTS,
  SLOT_FRAME_LEN,
  UncontrolledRing,
  WANTED_SLOTS,
} from '../../../src/datapath/uncontrolled-ring.ts';
import { UncontrolledSender } from '../../../src/datapath/uncontrolled-sender.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openPair } from '../../../src/host/pair.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { wrapRawSocket } from '../../../src/ports/raw-socket-port.ts';
import { ipv4Template } from '../../../src/wire/ipv4.ts';
import { frameOf, hex, macsecConfig, Site } from '../macsec/kit.ts';

const EAPOL = 0x888e;
const GRE = hex('00 00 65 58');
const eapol = (fill: number, len = 60): Buffer =>
  Buffer.concat([hex('01 80 c2 00 00 03  02 00 00 00 00 01  88 8e'), Buffer.alloc(len - 14, fill)]);

/** What frames that are wanted have there: `eapol(WANTED)` does. */
const MARK_AT = 50;
const WANTED = 0xaa;

/** A receive lane whose EAPOL frames go into rings. */
function lane(senderOf: SenderOf | null = null) {
  const [, wire] = memoryPortPair();
  const [tap, bridge] = memoryPortPair();
  const shared = createUncontrolledRing();
  const ring = new UncontrolledRing(shared);
  ring.want([{ at: MARK_AT, octets: Buffer.alloc(2, WANTED) }]);
  const got: Buffer[] = [];
  const senders: Buffer[] = [];
  const received = (frame: Uint8Array, sender: Uint8Array): void => {
    got.push(Buffer.from(frame));
    senders.push(Buffer.from(sender));
  };
  const looks = new UncontrolledLooks();
  const exit = new UncontrolledExit(ring, received, looks);
  const bell = new Bell(looks.bells, exit.bell);
  const uncontrolled = new UncontrolledEntry(shared, { etherTypes: [EAPOL], bell, senderOf });
  const counters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const encap = createGretap({ family: 6, gre: { key: null, checksum: false }, header: null });
  const secy = new Site(macsecConfig()).secy;
  const receive = new ReceiveLane({
    ...{ wire, tap, encap, secy, uncontrolled, counters },
    mtu: new LaneMtu(secy, 1462),
    maxPacketLen: 3000,
  });
  const send = (...frames: Buffer[]): void => {
    for (const frame of frames) wire.push(Buffer.concat([GRE, frame]));
    while (wire.waiting > 0) receive.run();
  };
  return { send, bridge, counters, uncontrolled, exit, looks, got, senders, ring };
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

  it('is bounded: a flood costs a counter, and what comes after the rings were emptied is taken again', () => {
    const { send, exit, looks, got, counters, uncontrolled } = lane();
    for (let i = 0; i < 10; i++) send(...Array.from({ length: 100 }, () => eapol(i)));
    expect(counters.drops[Drop.Uncontrolled]).toBe(OTHER_SLOTS);
    expect(counters.drops[Drop.UncontrolledFull]).toBe(1000 - OTHER_SLOTS);
    looks.rung();
    expect(got).toHaveLength(OTHER_SLOTS);
    uncontrolled.untold = false;
    send(eapol(99), eapol(98, SLOT_FRAME_LEN + 1));
    expect(uncontrolled.untold).toBe(true);
    expect(exit.drain()).toBe(1);
    expect(got.at(-1)).toEqual(eapol(99));
    expect(counters.drops[Drop.UncontrolledFull]).toBe(1001 - OTHER_SLOTS);
  });

  it('lets through a flood what has a mark, and hands it on first', () => {
    const { send, exit, got, ring } = lane();
    send(...Array.from({ length: 100 }, () => eapol(1)), eapol(WANTED));
    expect(exit.drain()).toBe(OTHER_SLOTS + 1);
    expect(got[0]).toEqual(eapol(WANTED));
    send(...Array.from({ length: 100 }, () => eapol(WANTED)), eapol(1));
    expect(exit.drain()).toBe(WANTED_SLOTS + 1);
    ring.want([]);
    send(...Array.from({ length: 100 }, () => eapol(WANTED)), eapol(WANTED, 51));
    expect(exit.drain()).toBe(OTHER_SLOTS);
  });

  it('takes as little memory as a thousand tunnels allow', () => {
    expect(createUncontrolledRing().byteLength).toBeLessThan(13_100);
  });

  it('says who sent each frame, as the lane saw it', () => {
    const { send, exit, senders } = lane((frame, into) => void into.fill(frame + 1));
    send(eapol(1), eapol(WANTED));
    exit.drain();
    expect(senders.map(([octet]) => octet)).toEqual([2, 1]);
  });

  it('leaves a frame behind a VLAN tag to the SecY, even where that is EAPOL', () => {
    const { send, exit, counters } = lane();
    send(Buffer.concat([eapol(1).subarray(0, 12), hex('81 00 00 05'), eapol(1).subarray(12)]));
    expect(exit.drain()).toBe(0);
    expect(counters.drops[Drop.InPktsNoTag]).toBe(1);
  });

  it('tells the main thread once for all that wait, and hands on what came meanwhile in time', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { send, looks, got, uncontrolled } = lane();
    send(eapol(1));
    looks.rung();
    expect(got).toHaveLength(1);
    uncontrolled.untold = false;
    send(eapol(2));
    expect(uncontrolled.untold).toBe(true);
    looks.rung();
    looks.rung();
    // So soon after the last look the next one waits: that is the bound.
    expect(got).toHaveLength(1);
    vi.advanceTimersByTime(20);
    expect(got[1]).toEqual(eapol(2));
  });

  it('sends by the socket of the tunnel, in its encapsulation', () => {
    const [near, far] = openPair();
    const spec = {
      kind: 'gretap',
      family: 6,
      gre: { key: 5, checksum: true },
      header: null,
      inheritsTos: false,
    } as const;
    const sender = new UncontrolledSender(spec, near);
    expect(sender.send(eapol(3))).toBe(Drop.None);
    expect(sender.send(eapol(3, 20_000))).toBe(Drop.OutPktsTooLong);
    const port = wrapRawSocket(far);
    const batch = createBatch(3000, 4);
    resetBatch(batch);
    expect(port.receive(batch, 4)).toBe(1);
    createGretap(spec).pull(batch, true);
    expect(batch.verdict[0]).toBe(Drop.None);
    expect(batch.arena.subarray(batch.at[0]!, batch.at[0]! + batch.len[0]!)).toEqual(eapol(3));
    port.close();
    closeFds([near, far]);
  });

  it('marks what it sends with CS6 in an outer header of its own, and leaves the lanes their template', () => {
    const [near, far] = openPair();
    const header = ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 64, 0x28, true);
    const spec = {
      kind: 'gretap',
      family: 4,
      gre: { key: null, checksum: false },
      header,
      inheritsTos: false,
    } as const;
    expect(new UncontrolledSender(spec, near).send(eapol(3))).toBe(Drop.None);
    const port = wrapRawSocket(far);
    const batch = createBatch(3000, 4);
    resetBatch(batch);
    expect(port.receive(batch, 4)).toBe(1);
    expect(batch.arena[batch.at[0]! + 1]).toBe(0xc0);
    expect(header[1]).toBe(0x28);
    port.close();
    closeFds([near, far]);
  });

  it('loses a frame where the queue of the socket is full, and goes on when it is not', () => {
    const [near, far] = openPair();
    const spec = {
      kind: 'gretap',
      family: 6,
      gre: { key: null, checksum: false },
      header: null,
      inheritsTos: false,
    } as const;
    const sender = new UncontrolledSender(spec, near);
    let sent = 0;
    while (sender.send(eapol(sent & 0xff, 1000)) === Drop.None) expect(++sent).toBeLessThan(100_000);
    expect(sender.send(eapol(1))).toBe(Drop.WireError);
    const port = wrapRawSocket(far);
    const batch = createBatch(3000, 128);
    for (let received = 0; received < sent; received += batch.count) {
      resetBatch(batch);
      expect(port.receive(batch, 128)).toBeGreaterThan(0);
    }
    expect(sender.send(eapol(1))).toBe(Drop.None);
    port.close();
    closeFds([near, far]);
  });
});
