/**
 * Both whole lanes, from port to port: real SecY, real AEAD, real counters; a copy in and a copy out stand for the
 * system calls. The receive lane gets exactly what the transmit lane sent.
 */

import type { AeadProvider } from '../../src/crypto/aead.ts';
import { FragmentingPort } from '../../src/datapath/fragmenting-port.ts';
import { LaneMtu } from '../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../src/datapath/receive.ts';
import { TransmitLane } from '../../src/datapath/transmit.ts';
import { Workspaces } from '../../src/datapath/workspace.ts';
import { BATCH_FRAMES, slots } from '../../src/frame/batch.ts';
import { laneCounters, laneCountersBytes, Traffic } from '../../src/frame/lane-counters.ts';
import { secyCountersLen } from '../../src/macsec/counters.ts';
import { expectEqual, type MicroCase } from './bench.ts';
import { rawGretap } from './encap.ts';
import { HoldPort, loopSecy, SourcePort, sampleFrame } from './kit.ts';

const LOWER_MTU = 1462;
const MAX_LEN = 2048;

export interface LanePair {
  /** One batch from the TAP to the wire; returns frames. */
  transmit(): number;
  /** That batch from the wire to the TAP. */
  receive(): void;
  /** Throws unless every frame sent so far came through, the last ones as they were. */
  check(): void;
}

/** Two lanes with a link between; `provider` null: plain GRETAP. */
export function createLanePair(frameLen: number, provider: AeadProvider | null): LanePair {
  const frame = sampleFrame(frameLen);
  const source = new SourcePort(frame);
  const link = new HoldPort();
  const sink = new HoldPort();
  const txCounters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const rxCounters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const secy = provider && loopSecy(provider, txCounters.secy);
  const rxSecy = provider && loopSecy(provider, rxCounters.secy);
  const mtu = new LaneMtu(secy, LOWER_MTU);
  const workspaces = new Workspaces();
  const transmitLane = new TransmitLane({
    tap: new FragmentingPort(source, mtu, workspaces.shelf(slots(MAX_LEN))),
    wire: link,
    secy,
    encap: rawGretap(),
    mtu,
    workspaces,
    mssClamp: 'auto',
    maxFrameLen: MAX_LEN,
    counters: txCounters,
  });
  const receiveLane = new ReceiveLane({
    wire: link,
    tap: sink,
    secy: rxSecy,
    encap: rawGretap(),
    mtu: new LaneMtu(rxSecy, LOWER_MTU),
    mssClamp: 'auto',
    maxPacketLen: MAX_LEN,
    counters: rxCounters,
  });
  let sent = 0;
  return {
    transmit() {
      source.budget = BATCH_FRAMES;
      transmitLane.run();
      const frames = BATCH_FRAMES - source.budget;
      sent += frames;
      return frames;
    },
    receive() {
      receiveLane.run();
    },
    check() {
      expectEqual('transmit lane: frames out', txCounters.traffic[Traffic.outFrames], sent);
      expectEqual('receive lane: frames out', rxCounters.traffic[Traffic.outFrames], sent);
      const last = sink.held();
      expectEqual('receive lane: is the last batch there', last.length > 0, true);
      expectEqual(
        'receive lane: is it as it was sent',
        last.every((one) => one.equals(frame)),
        true,
      );
    },
  };
}

export function laneCases(frameLen: number, provider: AeadProvider | null): MicroCase[] {
  const pair = createLanePair(frameLen, provider);
  return ['transmit lane', 'receive lane'].map((name, part) => ({
    name,
    frameLen,
    provider: provider?.name ?? 'plain GRETAP',
    run(spent) {
      const start = performance.now();
      const frames = pair.transmit();
      const middle = performance.now();
      pair.receive();
      const end = performance.now();
      spent[0]! += (part === 0 ? middle - start : end - middle) * 1e6;
      return frames;
    },
    check: pair.check,
  }));
}
