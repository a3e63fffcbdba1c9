/** What a worker thread does: builds its lanes from the spec, runs the loop, reports. `entry.ts` calls it. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { AeadProvider } from '../crypto/aead.ts';
import { providerNamed } from '../crypto/select.ts';
import type { Lane } from '../datapath/lane.ts';
import { ReceiveLane } from '../datapath/receive.ts';
import { TransmitLane } from '../datapath/transmit.ts';
import { messageOf } from '../errors.ts';
import { type LaneCounters, laneCounters } from '../frame/lane-counters.ts';
import { configureSecy, createSecy, MAX_KEY_SLOTS } from '../macsec/configure.ts';
import { encodingSa } from '../macsec/protect.ts';
import type { SecY, SecySpec } from '../macsec/secy.ts';
import type { FramePort } from '../ports/frame-port.ts';
import { UDP_BATCH_FRAMES, UDP_BATCH_SLOT_LEN } from '../ports/udp-socket-port.ts';
import { wrapGreSocket, wrapTap, wrapUdpSocket } from '../ports/wrap.ts';
import { drain, type LoopEvents, runLoop } from './loop.ts';
import type { FromWorker, LaneSpec, ToWorker, WorkerSpec } from './messages.ts';
import { WARM_UP, warmUp } from './warm-up.ts';

interface BuiltLane {
  readonly spec: LaneSpec;
  readonly lane: Lane;
  readonly secy: SecY | null;
  /** It takes packet numbers, which the main thread grants. */
  readonly takesPns: boolean;
  /** A grant was asked for and has not come yet. */
  asked: boolean;
}

/** Runs until it is told to stop, or a lane fails. */
export function runWorker(spec: WorkerSpec, port: MessagePort): void {
  const worker = new LaneWorker(spec, port);
  const stopped = runLoop(worker.lanes, spec.eventFd, worker);
  for (const lane of worker.lanes) lane.close();
  if (stopped) port.postMessage({ type: 'stopped' } satisfies FromWorker);
}

class LaneWorker implements LoopEvents {
  /** Parallel to `#built`. */
  readonly lanes: Lane[] = [];
  readonly #built: BuiltLane[] = [];
  readonly #provider: AeadProvider;
  readonly #port: MessagePort;

  constructor(spec: WorkerSpec, port: MessagePort) {
    this.#provider = providerNamed(spec.provider);
    this.#port = port;
    warmUp(
      {
        lanes: this.lanes,
        eventFd: spec.eventFd,
        events: this,
        add: (lanes) => this.#add(lanes),
        remove: () => this.#remove(WARM_UP),
      },
      spec.lanes,
    );
    this.#add(spec.lanes);
    this.#post({ type: 'running' });
  }

  woken(): boolean {
    for (const built of this.#built) built.asked = false;
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: ToWorker } | undefined;
      if (received === undefined) return false;
      const { message } = received;
      if (message.type === 'stop') return true;
      if (message.type === 'add') this.#add(message.lanes);
      if (message.type === 'remove') this.#remove(message.tunnel);
      if (message.type === 'secy') this.#configure(message.tunnel, message.spec);
      if (message.type === 'mtu') this.#setMtu(message.tunnel, message.lowerMtu);
      this.#post({ type: 'done', id: message.id });
    }
  }

  /** HOT PATH: allocates a message a grant. */
  ran(lane: number): void {
    const built = this.#built[lane]!;
    if (!built.takesPns || built.asked) return;
    const sa = encodingSa(built.secy!);
    if (sa === null || !sa.pn.wantsGrant()) return;
    built.asked = true;
    this.#post({ type: 'pn-low', tunnel: built.spec.tunnel });
  }

  failed(lane: number, cause: unknown): void {
    this.#post({ type: 'failed', tunnel: this.#built[lane]?.spec.tunnel ?? '', reason: messageOf(cause) });
  }

  #add(specs: readonly LaneSpec[]): void {
    for (const spec of specs) {
      const built = buildLane(spec, this.#provider);
      this.#built.push(built);
      this.lanes.push(built.lane);
    }
  }

  #remove(tunnel: string): void {
    for (let i = this.#built.length - 1; i >= 0; i--) {
      if (this.#built[i]!.spec.tunnel !== tunnel) continue;
      drain(this.lanes[i]!);
      this.lanes[i]!.close();
      this.#built.splice(i, 1);
      this.lanes.splice(i, 1);
    }
  }

  #configure(tunnel: string, spec: SecySpec): void {
    for (const built of this.#built) {
      if (built.spec.tunnel === tunnel && built.secy !== null) configureSecy(built.secy, spec);
    }
  }

  #setMtu(tunnel: string, lowerMtu: number): void {
    for (const { spec, lane } of this.#built) {
      if (spec.tunnel === tunnel && lane instanceof TransmitLane) lane.lowerMtu = lowerMtu;
    }
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

/** The lane that `spec` describes, on descriptors that stay the caller's. */
export function buildLane(spec: LaneSpec, provider: AeadProvider): BuiltLane {
  const counters = laneCounters(spec.counters);
  const secy =
    spec.secy === null ? null : createSecy(spec.secy, provider.openKeyring(MAX_KEY_SLOTS), counters.secy);
  const lane =
    spec.direction === 'transmit' ? transmitLane(spec, secy, counters) : receiveLane(spec, secy, counters);
  const takesPns = spec.direction === 'transmit' && secy !== null;
  return { spec, lane, secy, takesPns, asked: false };
}

function transmitLane(spec: LaneSpec, secy: SecY | null, counters: LaneCounters): Lane {
  const { gre, lowerMtu, ipv4, endpoint } = spec;
  const wire = endpoint === null ? wrapGreSocket(spec.wireFd) : wrapUdpSocket(spec.wireFd, endpoint);
  const tap = tapOf(spec);
  return new TransmitLane({ tap, wire, secy, gre, lowerMtu, ipv4, maxFrameLen: spec.maxLen, counters });
}

function receiveLane(spec: LaneSpec, secy: SecY | null, counters: LaneCounters): Lane {
  const { gre, outerIpv4, endpoint } = spec;
  const common = { tap: tapOf(spec), secy, gre, outerIpv4, counters };
  if (endpoint === null) {
    return new ReceiveLane({ ...common, wire: wrapGreSocket(spec.wireFd), maxPacketLen: spec.maxLen });
  }
  const wire = wrapUdpSocket(spec.wireFd, endpoint);
  return new ReceiveLane({
    ...common,
    wire,
    maxPacketLen: Math.max(spec.maxLen, UDP_BATCH_SLOT_LEN),
    batchFrames: UDP_BATCH_FRAMES,
    ...(spec.learns ? { learn: (frame: number) => void wire.learn(frame) } : {}),
  });
}

function tapOf(spec: LaneSpec): FramePort {
  return wrapTap(spec.tapFd, { clearMtu: spec.secy === null ? spec.lowerMtu : 0 });
}
