/** What a worker thread does: builds its lanes from the spec, runs the loop, reports. `entry.ts` calls it. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { AeadProvider } from '../aead/aead.ts';
import { providerNamed } from '../aead/select.ts';
import type { Lane } from '../datapath/lane.ts';
import { laneCounters } from '../datapath/lane-counters.ts';
import { ReceiveLane } from '../datapath/receive.ts';
import { TransmitLane } from '../datapath/transmit.ts';
import { messageOf } from '../errors.ts';
import { wrapGreSocket, wrapTap, wrapUdpSocket } from '../io/wrap.ts';
import { encodingSa } from '../macsec/protect.ts';
import { createSecy, keySlots, type SecY } from '../macsec/secy.ts';
import { type LoopEvents, runLoop } from './loop.ts';
import type { FromWorker, LaneSpec, ToWorker, WorkerSpec } from './messages.ts';

interface Built {
  readonly lane: Lane;
  readonly secy: SecY | null;
}

/** Runs until it is told to stop, or a lane fails. */
export function runWorker(spec: WorkerSpec, port: MessagePort): void {
  const provider = providerNamed(spec.provider);
  const built = spec.lanes.map((lane) => buildLane(lane, provider));
  const post = (message: FromWorker): void => port.postMessage(message);
  post({ type: 'running' });
  const stopped = runLoop(
    built.map(({ lane }) => lane),
    spec.eventFd,
    new WorkerEvents(spec, built, port, post),
  );
  for (const { lane } of built) lane.close();
  if (stopped) post({ type: 'stopped' });
}

class WorkerEvents implements LoopEvents {
  readonly #spec: WorkerSpec;
  readonly #secys: readonly (SecY | null)[];
  readonly #port: MessagePort;
  readonly #post: (message: FromWorker) => void;
  /** By lane: a grant was asked for and has not come yet. */
  readonly #asked: boolean[];

  constructor(
    spec: WorkerSpec,
    built: readonly Built[],
    port: MessagePort,
    post: (message: FromWorker) => void,
  ) {
    this.#spec = spec;
    this.#secys = built.map(({ secy }, i) => (spec.lanes[i]!.direction === 'transmit' ? secy : null));
    this.#port = port;
    this.#post = post;
    this.#asked = built.map(() => false);
  }

  woken(): boolean {
    this.#asked.fill(false);
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: ToWorker } | undefined;
      if (received === undefined) return false;
      if (received.message.type === 'stop') return true;
    }
  }

  /** HOT PATH: allocates a message a grant. */
  ran(lane: number): void {
    const secy = this.#secys[lane]!;
    if (secy === null || this.#asked[lane]) return;
    const sa = encodingSa(secy);
    if (sa === null || !sa.pn.wantsGrant()) return;
    this.#asked[lane] = true;
    this.#post({ type: 'pn-low', lane });
  }

  failed(lane: number, cause: unknown): void {
    this.#post({ type: 'failed', tunnel: this.#spec.lanes[lane]!.tunnel, reason: messageOf(cause) });
  }
}

function buildLane(spec: LaneSpec, provider: AeadProvider): Built {
  const counters = laneCounters(spec.counters);
  const tap = wrapTap(spec.tapFd, { clearMtu: spec.secy === null ? spec.lowerMtu : 0 });
  const wire =
    spec.endpoint === null ? wrapGreSocket(spec.wireFd) : wrapUdpSocket(spec.wireFd, spec.endpoint);
  const secy =
    spec.secy === null
      ? null
      : createSecy(spec.secy, provider.openKeyring(keySlots(spec.secy.config)), counters.secy);
  const { gre } = spec;
  const lane =
    spec.direction === 'transmit'
      ? new TransmitLane({
          tap,
          wire,
          secy,
          gre,
          lowerMtu: spec.lowerMtu,
          ipv4: spec.ipv4,
          maxFrameLen: spec.maxLen,
          counters,
        })
      : new ReceiveLane({
          wire,
          tap,
          secy,
          gre,
          outerIpv4: spec.outerIpv4,
          maxPacketLen: spec.maxLen,
          counters,
        });
  return { lane, secy };
}
