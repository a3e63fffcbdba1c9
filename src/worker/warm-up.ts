/**
 * Runs the hot path until the JavaScript engine has compiled it, before the first frame comes: a lone ping would
 * otherwise meet interpreted code for its first few hundred frames. Real lanes on real ports, with socket pairs in
 * place of TAP and wire, and a key of its own that is thrown away.
 *
 *     feed ─▶ TAP pair ─▶ transmit lane ─▶ wire pair ─▶ receive lane ─▶ TAP pair ─▶ sink
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { MacsecConfig, SaConfig } from '../config/types.ts';
import { type Batch, createBatch, resetBatch } from '../datapath/batch.ts';
import type { Lane } from '../datapath/lane.ts';
import { laneCountersBytes } from '../datapath/lane-counters.ts';
import { closeFds } from '../io/close.ts';
import { openPair } from '../io/pair.ts';
import { wrapGreSocket, wrapTap } from '../io/wrap.ts';
import { PnGrant } from '../macsec/packet-number.ts';
import { ipv4Template } from '../wire/ipv4.ts';
import type { LaneSpec } from './messages.ts';

const ROUNDS = 4000;
/** The start must not wait longer for this. */
const BUDGET_MS = 200;
const FRAME_LEN = 98;
const LOWER_MTU = 1462;
const SCI = '0200000000010001';

/** `build` is how the worker builds its own lanes: the same code, the same shapes. */
export function warmUp(build: (spec: LaneSpec) => Lane): void {
  const [tapFd, feedFd] = openPair();
  const [wireFd, farFd] = openPair();
  const [farTapFd, sinkFd] = openPair();
  const secy = loopSecy();
  const transmit = build(asWorkerData(laneSpec('transmit', tapFd, wireFd, secy)));
  const receive = build(asWorkerData(laneSpec('receive', farTapFd, farFd, secy)));
  const [feed, sink] = [wrapTap(feedFd, { offloads: false }), wrapTap(sinkFd, { offloads: false })];
  const stranger = wrapGreSocket(wireFd);
  const batch = createBatch(LOWER_MTU, 4);
  const start = performance.now();
  for (let round = 0; round < ROUNDS && performance.now() - start < BUDGET_MS; round++) {
    feed.send(framesOf(batch, LENGTHS[round % LENGTHS.length]!), 0);
    transmit.run();
    if (round % 8 === 0) stranger.send(packetOf(batch, STRANGE[(round / 8) % STRANGE.length]!), 0);
    receive.run();
    resetBatch(batch);
    while (sink.receive(batch, 4) > 0) resetBatch(batch);
  }
  for (const one of [transmit, receive, feed, sink, stranger]) one.close();
  closeFds([tapFd, feedFd, wireFd, farFd, farTapFd, sinkFd]);
}

/** What the TAP gives in turn: lone frames for the most part, some at once, one that does not fit, a runt. */
const LENGTHS: readonly (readonly number[])[] = [
  ...Array.from({ length: 13 }, () => [FRAME_LEN]),
  [60, FRAME_LEN, 1400],
  [LOWER_MTU, FRAME_LEN],
  [10, FRAME_LEN],
];

/** What must be dropped: branches that are met first by a real frame would throw away the compiled code. */
const STRANGE: readonly Buffer[] = [
  '00000800', // another GRE protocol
  '20006558', // an unexpected key
  `00006558${'02'.repeat(12)}0800${'00'.repeat(40)}`, // no SecTAG
  `00006558${'02'.repeat(12)}88e52c0000000001${'ee'.repeat(8)}${'00'.repeat(64)}`, // an unknown SCI
  `00006558${'02'.repeat(12)}88e52c00000fffff${SCI}${'00'.repeat(64)}`, // a wrong ICV
  `00006558${'02'.repeat(12)}88e52c0000000001${SCI}${'00'.repeat(64)}`, // a late PN
].map((hex) => Buffer.from(`${'45'.padEnd(40, '0')}${hex}`, 'hex'));

function framesOf(batch: Batch, lengths: readonly number[]): Batch {
  resetBatch(batch);
  lengths.forEach((len, i) => {
    batch.len[i] = len;
    batch.verdict[i] = 0;
  });
  batch.count = lengths.length;
  return batch;
}

function packetOf(batch: Batch, packet: Buffer): Batch {
  framesOf(batch, [packet.length]);
  batch.arena.set(packet, batch.at[0]);
  return batch;
}

/** A spec as it arrives in a worker: what was cloned has other shapes than what was written here. */
function asWorkerData(spec: LaneSpec): LaneSpec {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(spec);
  const { message } = receiveMessageOnPort(port2) as { message: LaneSpec };
  port1.close();
  return message;
}

function laneSpec(
  direction: LaneSpec['direction'],
  tapFd: number,
  wireFd: number,
  secy: NonNullable<LaneSpec['secy']>,
): LaneSpec {
  return {
    ...{ direction, tunnel: 'warm-up', tapFd, wireFd, endpoint: null, learns: false, outerIpv4: true, secy },
    ...{ gre: { key: null, checksum: false }, lowerMtu: LOWER_MTU, maxLen: 1600 },
    ipv4: ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 64, 0, true),
    counters: new SharedArrayBuffer(laneCountersBytes(1)),
  };
}

/** A SecY that receives what it sends. */
function loopSecy(): NonNullable<LaneSpec['secy']> {
  const octets = randomBytes(16);
  const sa: SaConfig = {
    ...{ an: 0, pn: 1, keyId: '00', active: true, ssci: null, salt: null },
    sak: createSecretKey(octets),
  };
  octets.fill(0);
  const config: MacsecConfig = {
    ...{ cipher: 'gcm-aes-128', protect: true, encrypt: true, validate: 'strict', sendSci: true },
    ...{ endStation: false, scb: false, icvLen: 16, port: 1, encodingSa: 0 },
    ...{ replayProtect: true, replayWindow: 1024, replayBitmap: true },
    ...{ txSa: [sa], rxSc: [{ sci: SCI, active: true, sa: [sa] }] },
  };
  const grant = new PnGrant(1);
  grant.grant(2 ** 31, 2 ** 31);
  const tx = { pn: grant.shared, nextPn: 0, serial: 1 };
  return { config, sci: SCI, txShare: [tx], rxShare: [[{ pn: null, nextPn: 1, serial: 2 }]], rxIndex: [0] };
}
