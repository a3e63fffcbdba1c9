/**
 * Runs the hot path until the JavaScript engine has compiled it, before the first frame comes: a lone ping would
 * otherwise meet interpreted code for its first few hundred frames. Real lanes on real ports, in the worker's own loop,
 * with socket pairs in place of TAP and wire, and a key of its own that is thrown away.
 *
 *     feed ─▶ TAP pair ─▶ transmit lane ─▶ wire pair ─▶ receive lane ─▶ TAP pair ─▶ sink
 *
 * Which lanes those are is for the encapsulation to say (`Rehearsal`). All is built several times: what happens once per
 * lane has to be known to the compiler too.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Rehearsal } from '../encap/encap.ts';
import { type EncapSpec, rehearsalOf } from '../encap/kinds.ts';
import { type Batch, createBatch, resetBatch } from '../frame/batch.ts';
import { laneCountersBytes } from '../frame/lane-counters.ts';
import { closeFds } from '../host/close.ts';
import { openPair } from '../host/pair.ts';
import { secyCountersLen } from '../macsec/counters.ts';
import { loopSpec } from '../macsec/loop-spec.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { FramePort } from '../ports/frame-port.ts';
import { wrapRawSocket } from '../ports/raw-socket-port.ts';
import { wrapTap } from '../ports/tap-port.ts';
import type { LaneLoop, LoopEvents, Looped } from './loop.ts';
import type { LaneSpec } from './messages.ts';

/** The name of the tunnel that the lanes belong to. */
export const WARM_UP = 'warm-up';
/** How often lanes are built, and how many rounds of frames each time, at most. */
const GENERATIONS = 8;
const ROUNDS = 400;
/** The start must not wait longer for this. */
const BUDGET_MS = 180;
const FRAME_LEN = 98;
const LOWER_MTU = 1462;
const MAX_LEN = 1600;
const SCI = '0200000000010001';

/** What of the worker is warmed up: its loop, how it adds and removes lanes, what it does after each ran. */
export interface Warmable<Entry extends Looped> {
  readonly loop: LaneLoop<Entry>;
  readonly events: LoopEvents<Entry>;
  add(specs: readonly LaneSpec[]): void;
  /** Removes the lanes of `WARM_UP`. */
  remove(): void;
}

/** For lanes of these kinds, which are still to come; the worker has none yet. */
export function warmUp<Entry extends Looped>(
  worker: Warmable<Entry>,
  kinds: readonly EncapSpec['kind'][],
): void {
  const end = performance.now() + BUDGET_MS;
  const batch = createBatch(LOWER_MTU, 4);
  for (let generation = 0; generation < GENERATIONS && performance.now() < end; generation++) {
    const kind = kinds[generation % kinds.length];
    if (kind !== undefined) runGeneration(worker, rehearsalOf(kind), batch, end);
  }
}

function runGeneration<Entry extends Looped>(
  worker: Warmable<Entry>,
  rehearsal: Rehearsal<EncapSpec>,
  batch: Batch,
  end: number,
): void {
  const stage = new Stage(rehearsal);
  worker.add(stage.specs.map(asWorkerData));
  runRounds(worker, stage, batch, end);
  worker.remove();
  stage.close();
}

/** The socket pairs around the lanes of one generation. */
class Stage {
  readonly specs: LaneSpec[] = [];
  readonly feeds: FramePort[] = [];
  readonly sink: FramePort;
  /** Somebody on the wire who sends what must be dropped. */
  readonly stranger: FramePort;
  readonly strange: readonly Buffer[];
  readonly #fds: number[] = [];

  constructor({ sends, receives, alsoSends, outer }: Rehearsal<EncapSpec>) {
    const secy = loopSecy();
    const [wireFd, farFd] = this.#pair();
    this.#addTransmit(sends, wireFd, secy);
    const [farTapFd, sinkFd] = this.#pair();
    this.specs.push(laneOf('receive', receives, farTapFd, farFd, secy));
    for (const spec of alsoSends) this.#addTransmit(spec, this.#pair()[0], secy);
    this.sink = wrapTap(sinkFd, { offloads: false });
    this.stranger = wrapRawSocket(wireFd);
    this.strange = STRANGE.map((gre) => Buffer.concat([outer, gre]));
  }

  close(): void {
    for (const port of [...this.feeds, this.sink, this.stranger]) port.close();
    closeFds(this.#fds);
  }

  #addTransmit(encap: EncapSpec, wireFd: number, secy: LaneSpec['secy']): void {
    const [tapFd, feedFd] = this.#pair();
    this.feeds.push(wrapTap(feedFd, { offloads: false }));
    this.specs.push(laneOf('transmit', encap, tapFd, wireFd, secy));
  }

  #pair(): [number, number] {
    const pair = openPair();
    this.#fds.push(...pair);
    return pair;
  }
}

function laneOf(
  direction: LaneSpec['direction'],
  encap: EncapSpec,
  tapFd: number,
  wireFd: number,
  secy: LaneSpec['secy'],
): LaneSpec {
  const counters = new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1)));
  return {
    ...{ direction, tunnel: WARM_UP, tapFd, wireFd, encap, secy, counters },
    ...{ lowerMtu: LOWER_MTU, mssClamp: 'auto' as const, maxLen: MAX_LEN, uncontrolled: null, strays: null },
  };
}

function runRounds<Entry extends Looped>(
  { loop, events }: Warmable<Entry>,
  { feeds, sink, stranger, strange }: Stage,
  batch: Batch,
  end: number,
): void {
  for (let round = 0; round < ROUNDS && performance.now() < end; round++) {
    for (const feed of feeds) feed.send(framesOf(batch, LENGTHS[round % LENGTHS.length]!), 0);
    if (round % 8 === 0) stranger.send(packetOf(batch, strange[(round / 8) % strange.length]!), 0);
    // What one turn sends, the next one receives; sometimes a lane looks and finds nothing.
    for (let turn = 0; turn < 2; turn++) loop.run(loop.wait(0), events);
    if (round % 4 === 0) for (const { lane } of loop.entries) lane.run();
    resetBatch(batch);
    while (sink.receive(batch, 4) > 0) resetBatch(batch);
  }
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

/** A SecY that receives what it sends, under a key that nobody knows, not even we in a moment. */
function loopSecy(): SecySpec {
  const octets = randomBytes(16);
  const sak = createSecretKey(octets);
  octets.fill(0);
  return loopSpec(sak, SCI, 1n << 31n);
}
