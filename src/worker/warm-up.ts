/**
 * Runs the hot path over memory ports until the JavaScript engine has compiled it, before the first frame comes: a
 * lone ping would otherwise meet interpreted code for its first few hundred frames. A key of its own, thrown away.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import type { AeadProvider } from '../aead/aead.ts';
import type { MacsecConfig, SaConfig } from '../config/types.ts';
import { laneCounters, laneCountersBytes } from '../datapath/lane-counters.ts';
import { ReceiveLane } from '../datapath/receive.ts';
import { TransmitLane } from '../datapath/transmit.ts';
import { MemoryPort } from '../io/memory-port.ts';
import { PnGrant } from '../macsec/packet-number.ts';
import { createSecy, keySlots, type SecY } from '../macsec/secy.ts';
import { ipv4Template } from '../wire/ipv4.ts';

const ROUNDS = 4000;
/** The start must not wait longer for this. */
const BUDGET_MS = 120;
const FRAME_LEN = 128;
const SCI = '0200000000010001';
const GRE = { key: null, checksum: false };

export function warmUp(provider: AeadProvider): void {
  const start = performance.now();
  const tap = new MemoryPort();
  const [wire, far] = pair();
  const [farTap, farBridge] = pair();
  const grant = new PnGrant(1);
  grant.grant(2 ** 31, 2 ** 31);
  const tx = laneCounters(new SharedArrayBuffer(laneCountersBytes(1)));
  const rx = laneCounters(new SharedArrayBuffer(laneCountersBytes(1)));
  const ipv4 = ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 64, 0, true);
  const sak = randomBytes(16);
  const transmit = new TransmitLane({
    ...{ gre: GRE, tap, wire, secy: loopSecy(provider, tx.secy, sak, grant), lowerMtu: 1462, ipv4 },
    ...{ maxFrameLen: 1480, counters: tx },
  });
  const receive = new ReceiveLane({
    ...{ gre: GRE, wire: far, tap: farTap, secy: loopSecy(provider, rx.secy, sak, grant), outerIpv4: true },
    ...{ maxPacketLen: 1600, counters: rx },
  });
  sak.fill(0);
  const frame = Buffer.alloc(FRAME_LEN);
  for (let round = 0; round < ROUNDS && performance.now() - start < BUDGET_MS; round++) {
    tap.push(frame);
    transmit.run();
    receive.run();
    farBridge.shift();
  }
  transmit.close();
  receive.close();
}

function pair(): [MemoryPort, MemoryPort] {
  const ends: [MemoryPort, MemoryPort] = [new MemoryPort(), new MemoryPort()];
  ends[0].connect(ends[1]);
  return ends;
}

/** A SecY that receives what it sends. */
function loopSecy(provider: AeadProvider, counters: Float64Array, key: Buffer, grant: PnGrant): SecY {
  const common = { an: 0, pn: 1, keyId: '00', active: true, ssci: null, salt: null };
  const sa: SaConfig = { ...common, sak: createSecretKey(key) };
  const config: MacsecConfig = {
    ...{ cipher: 'gcm-aes-128', protect: true, encrypt: true, validate: 'strict', sendSci: true },
    ...{ endStation: false, scb: false, icvLen: 16, port: 1, encodingSa: 0 },
    ...{ replayProtect: true, replayWindow: 1024, replayBitmap: true },
    ...{ txSa: [sa], rxSc: [{ sci: SCI, active: true, sa: [sa] }] },
  };
  const spec = {
    config,
    sci: SCI,
    txShare: [{ pn: grant.shared, nextPn: 0 }],
    rxShare: [[{ pn: null, nextPn: 1 }]],
  };
  return createSecy(spec, provider.openKeyring(keySlots(config)), counters);
}
