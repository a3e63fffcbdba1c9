/** Frames that came to one tunnel and name another: few of them go to the main thread, whoever floods. */
import { describe, expect, it } from 'vitest';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import { LONGEST_STRAY, StrayEntry, StrayExit } from '../../../src/datapath/strays.ts';
import { UncontrolledLooks } from '../../../src/datapath/uncontrolled.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { frameOf, hex, macsecConfig, Site } from '../macsec/kit.ts';

const GRE = hex('00 00 65 58');
const eapol = Buffer.concat([hex('01 80 c2 00 00 03  02 00 00 00 00 01  88 8e'), Buffer.alloc(46)]);
/** Of a station that no RxSC is for. */
const strange = (fill: number, len = 90): Buffer =>
  Buffer.concat([
    hex('ff ff ff ff ff ff  02 00 00 00 00 09  88 e5 2c 00  00 00 00 01  02 00 00 00 00 09 00 01'),
    Buffer.alloc(len - 28, fill),
  ]);

function lane() {
  const [, wire] = memoryPortPair();
  const [tap] = memoryPortPair();
  const got: Buffer[] = [];
  const senders: number[] = [];
  const exit = new StrayExit((frame, sender) => {
    got.push(Buffer.from(frame));
    senders.push(sender[0]!);
  }, new UncontrolledLooks());
  const strays = new StrayEntry(exit.ring, (frame, into) => void into.fill(frame + 1));
  const counters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const { secy } = new Site(macsecConfig());
  const receive = new ReceiveLane({
    ...{ wire, tap, secy, strays, counters },
    encap: createGretap({ family: 6, gre: { key: null, checksum: false }, header: null }),
    mtu: new LaneMtu(secy, 1462),
    maxPacketLen: 10_000,
  });
  const send = (...frames: Buffer[]): void => {
    for (const frame of frames) wire.push(Buffer.concat([GRE, frame]));
    while (wire.waiting > 0) receive.run();
  };
  return { send, exit, strays, got, senders };
}

describe('frames that name another tunnel', () => {
  it('are laid aside with their sender: one of a batch with an SCI that nobody has, and MKPDUs', () => {
    const { send, exit, strays, got, senders } = lane();
    send(strange(1));
    send(frameOf(60), eapol);
    expect(strays.untold).toBe(true);
    exit.drain();
    expect(got).toEqual([strange(1), eapol]);
    expect(senders).toEqual([1, 2]);
  });

  it('are none where the frames are the tunnel’s own, or in clear', () => {
    const { send, exit, strays, got } = lane();
    send(new Site(macsecConfig()).protect([frameOf(60)]).alive[0]!, frameOf(60));
    expect(strays.untold).toBe(false);
    exit.drain();
    expect(got).toEqual([]);
  });

  it('are bounded, and the main thread is told of them once until it looks', () => {
    const { send, exit, strays, got } = lane();
    send(strange(0, LONGEST_STRAY + 1));
    for (let i = 0; i < 20; i++) {
      strays.untold = false;
      send(strange(i));
      expect(strays.untold).toBe(i === 0);
    }
    exit.drain();
    expect(got).toEqual([0, 1, 2, 3].map((i) => strange(i)));
    strays.untold = false;
    send(strange(9, LONGEST_STRAY));
    expect(strays.untold).toBe(true);
    exit.drain();
    expect(got.at(-1)).toEqual(strange(9, LONGEST_STRAY));
  });
});
