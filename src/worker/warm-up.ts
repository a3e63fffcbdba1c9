/**
 * Runs the hot path until the JavaScript engine has compiled it, before the first frame comes: a lone ping would
 * otherwise meet interpreted code for its first few hundred frames. Real lanes on real ports, in the worker's own loop,
 * with socket pairs in place of TAP and wire, and a key of its own that is thrown away.
 *
 *     feed ─▶ TAP pair ─▶ transmit lane ─▶ wire pair ─▶ receive lane ─▶ TAP pair ─▶ sink
 *
 * Over UDP the receive lane is the one that reads UDP, and a second transmit lane sends to nobody. All is built several
 * times: what happens once a lane has to be known to the compiler too.
 */

import { createSecretKey, randomBytes } from 'node:crypto';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Lane } from '../datapath/lane.ts';
import { type Batch, createBatch, resetBatch } from '../frame/batch.ts';
import { laneCountersBytes } from '../frame/lane-counters.ts';
import { closeFds } from '../host/close.ts';
import { openPair } from '../host/pair.ts';
import { secyCountersLen } from '../macsec/counters.ts';
import { loopSpec } from '../macsec/loop-spec.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { FramePort } from '../ports/frame-port.ts';
import { createEndpoint } from '../ports/udp-socket-port.ts';
import { wrapGreSocket, wrapTap } from '../ports/wrap.ts';
import { ipv4Template } from '../wire/ipv4.ts';
import { LaneTurns, type LoopEvents } from './loop.ts';
import type { LaneSpec } from './messages.ts';

/** The name of the tunnel that the lanes belong to. */
export const WARM_UP = 'warm-up';
/** How often lanes are built, and how many frames each time, at most. */
const GENERATIONS = 8;
const ROUNDS = 400;
/** The start must not wait longer for this. */
const BUDGET_MS = 180;
const FRAME_LEN = 98;
const LOWER_MTU = 1462;
const SCI = '0200000000010001';

/** What of the worker is warmed up: its lanes, how it adds and removes them, what it does after each ran. */
export interface Warmable {
  readonly lanes: readonly Lane[];
  readonly eventFd: number;
  readonly events: LoopEvents;
  add(specs: readonly LaneSpec[]): void;
  /** Removes the lanes of `WARM_UP`. */
  remove(): void;
}

/** For lanes like those of `specs`, which are still to come; the worker has none yet. */
export function warmUp(worker: Warmable, specs: readonly LaneSpec[]): void {
  const kinds = [...new Set(specs.map(({ endpoint }) => (endpoint === null ? 'raw' : 'udp')))];
  const end = performance.now() + BUDGET_MS;
  const batch = createBatch(LOWER_MTU, 4);
  for (let generation = 0; generation < GENERATIONS && performance.now() < end; generation++) {
    const kind = kinds[generation % kinds.length];
    if (kind !== undefined) runGeneration(worker, kind, batch, end);
  }
}

function runGeneration(worker: Warmable, kind: 'raw' | 'udp', batch: Batch, end: number): void {
  const [tapFd, feedFd] = openPair();
  const [wireFd, farFd] = openPair();
  const [farTapFd, sinkFd] = openPair();
  const fds = [tapFd, feedFd, wireFd, farFd, farTapFd, sinkFd];
  const secy = loopSecy();
  const common = { ...LANE, secy, counters: new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))) };
  const transmit = { ...common, direction: 'transmit', tapFd, wireFd } as const;
  const receive = { ...common, direction: 'receive', tapFd: farTapFd, wireFd: farFd } as const;
  const feeds = [wrapTap(feedFd, { offloads: false })];
  if (kind === 'raw') worker.add([transmit, receive].map(asWorkerData));
  else {
    const [udpTapFd, udpFeedFd] = openPair();
    const [udpWireFd, nobodyFd] = openPair();
    fds.push(udpTapFd, udpFeedFd, udpWireFd, nobodyFd);
    feeds.push(wrapTap(udpFeedFd, { offloads: false }));
    const udp = { endpoint: createEndpoint(null, 0), outerIpv4: false, ipv4: null };
    worker.add(
      [
        { ...transmit, ipv4: null },
        { ...receive, ...udp },
        { ...transmit, ...udp, tapFd: udpTapFd, wireFd: udpWireFd },
      ].map(asWorkerData),
    );
  }
  runRounds(worker, feeds, wrapTap(sinkFd, { offloads: false }), wrapGreSocket(wireFd), kind, batch, end);
  worker.remove();
  for (const feed of feeds) feed.close();
  closeFds(fds);
}

function runRounds(
  { lanes, eventFd, events }: Warmable,
  feeds: readonly FramePort[],
  sink: FramePort,
  stranger: FramePort,
  kind: 'raw' | 'udp',
  batch: Batch,
  end: number,
): void {
  const strange = STRANGE.map((gre) => (kind === 'raw' ? Buffer.concat([OUTER_IPV4, gre]) : gre));
  const turns = new LaneTurns(lanes, eventFd);
  for (let round = 0; round < ROUNDS && performance.now() < end; round++) {
    for (const feed of feeds) feed.send(framesOf(batch, LENGTHS[round % LENGTHS.length]!), 0);
    if (round % 8 === 0) stranger.send(packetOf(batch, strange[(round / 8) % strange.length]!), 0);
    // What one turn sends, the next one receives; sometimes a lane looks and finds nothing.
    for (let turn = 0; turn < 2; turn++) turns.run(turns.wait(0), events);
    if (round % 4 === 0) for (const lane of lanes) lane.run();
    resetBatch(batch);
    while (sink.receive(batch, 4) > 0) resetBatch(batch);
  }
  sink.close();
  stranger.close();
}

/** What the TAP gives in turn: lone frames for the most part, some at once, one that does not fit, a runt. */
const LENGTHS: readonly (readonly number[])[] = [
  ...Array.from({ length: 13 }, () => [FRAME_LEN]),
  [42, FRAME_LEN, 1400],
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
].map((hex) => Buffer.from(hex, 'hex'));
const OUTER_IPV4 = Buffer.from('45'.padEnd(40, '0'), 'hex');

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

const LANE = {
  ...{ tunnel: WARM_UP, endpoint: null, learns: false, outerIpv4: true, lowerMtu: LOWER_MTU, maxLen: 1600 },
  gre: { key: null, checksum: false },
  ipv4: ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 64, 0, true),
};

/** A key that nobody knows, not even we in a moment. */
function loopSecy(): SecySpec {
  const octets = randomBytes(16);
  const sak = createSecretKey(octets);
  octets.fill(0);
  return loopSpec(sak, SCI, 1n << 31n);
}
