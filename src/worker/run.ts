/** What a worker thread does: builds its lanes from the spec, runs the loop, reports. `entry.ts` calls it. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { AeadProvider } from '../crypto/aead.ts';
import { providerNamed } from '../crypto/select.ts';
import { ReceiveLane } from '../datapath/receive.ts';
import { TransmitLane } from '../datapath/transmit.ts';
import type { UncontrolledEntry } from '../datapath/uncontrolled.ts';
import { Workspaces } from '../datapath/workspace.ts';
import { errnoName, messageOf } from '../errors.ts';
import { configureSecy } from '../macsec/configure.ts';
import { encodingSa } from '../macsec/protect.ts';
import type { SecY, SecySpec } from '../macsec/secy.ts';
import { type BuiltLane, buildLane } from './build-lane.ts';
import { drain, LaneLoop, type LoopEvents, runLoop } from './loop.ts';
import type {
  AdmittedPacket,
  FromWorker,
  LaneSpec,
  LeftReplay,
  ToRequest,
  ToWorker,
  WorkerSpec,
} from './messages.ts';
import { WARM_UP, warmUp } from './warm-up.ts';

/** Runs until it is told to stop. A lane that fails goes; the others run on. */
export function runWorker(spec: WorkerSpec, port: MessagePort): void {
  const worker = new LaneWorker(spec, port);
  runLoop(worker.loop, spec.eventFd, worker);
  for (const { lane } of worker.loop.entries) lane.close();
  worker.loop.close();
  port.postMessage({ type: 'stopped' } satisfies FromWorker);
}

class LaneWorker implements LoopEvents<BuiltLane> {
  readonly loop: LaneLoop<BuiltLane>;
  readonly #provider: AeadProvider;
  readonly #port: MessagePort;
  readonly #workspaces = new Workspaces();
  /** Bells have rung of which the main thread has not been told. */
  #hasRung = false;
  readonly #turns: Int32Array;

  constructor(spec: WorkerSpec, port: MessagePort) {
    this.#provider = providerNamed(spec.provider);
    this.#port = port;
    this.#turns = new Int32Array(spec.turns);
    this.loop = new LaneLoop(spec.eventFd);
    warmUp(
      {
        loop: this.loop,
        events: this,
        add: (lanes) => this.#add(lanes),
        remove: () => this.#remove(WARM_UP),
      },
      spec.kinds,
    );
    this.#add(spec.lanes);
    this.#post({ type: 'running' });
  }

  woken(): boolean {
    Atomics.add(this.#turns, 0, 1);
    for (const built of this.loop.entries) built.asked = false;
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: ToWorker } | undefined;
      if (received === undefined) return false;
      const { message } = received;
      if (message.type === 'stop') return true;
      if (message.type === 'admit') this.#admit(message.packets);
      else this.#carryOut(message);
    }
  }

  #carryOut(message: ToRequest): void {
    const { id } = message;
    try {
      if (message.type === 'add') this.#add(message.lanes);
      if (message.type === 'remove') {
        this.#post({ type: 'done', id, left: this.#remove(message.tunnel, message.leaves) });
        return;
      }
      if (message.type === 'secy') this.#configure(message.tunnel, message.spec);
      if (message.type === 'mtu') this.#setMtu(message.tunnel, message.lowerMtu);
      this.#post({ type: 'done', id });
    } catch (cause) {
      this.#post({ type: 'done', id, fault: messageOf(cause) });
    }
  }

  /** HOT PATH: allocates a message per grant, and per turn that brought frames for the control plane. */
  ran(built: BuiltLane): void {
    if (built.takesPns) this.#wantPns(built);
    else if (built.uncontrolled?.untold) this.#noteUncontrolled(built.uncontrolled);
    if (built.shared?.moved) this.#tellMoved(built);
    if (built.strays?.untold) this.#tellStrays(built);
  }

  /** One message for all tunnels: many have their hellos at about the same time. */
  turned(): void {
    if (!this.#hasRung) return;
    this.#post({ type: 'uncontrolled' });
    this.#hasRung = false;
  }

  failed({ lane, spec: { tunnel } }: BuiltLane, cause: unknown): void {
    lane.close();
    this.#post({ type: 'failed', tunnel, reason: messageOf(cause), errno: errnoName(cause) });
  }

  #wantPns(built: BuiltLane): void {
    if (built.asked) return;
    const sa = encodingSa(built.secy!);
    if (sa === null || !sa.pn.wantsGrant()) return;
    built.asked = true;
    this.#post({ type: 'pn-low', tunnel: built.spec.tunnel });
  }

  #noteUncontrolled(uncontrolled: UncontrolledEntry): void {
    uncontrolled.untold = false;
    this.#hasRung = true;
  }

  #tellMoved({ shared, spec }: BuiltLane): void {
    shared!.moved = false;
    this.#post({ type: 'moved', tunnel: spec.tunnel });
  }

  #tellStrays({ strays, spec }: BuiltLane): void {
    strays!.untold = false;
    this.#post({ type: 'strays', tunnel: spec.tunnel });
  }

  /** Of tunnels that other workers have, or that are gone, nothing is taken. */
  #admit(packets: readonly AdmittedPacket[]): void {
    const wanted = new Set(packets.map(({ tunnel }) => tunnel));
    for (const built of this.loop.entries) {
      const { shared, spec } = built;
      if (shared === null || !wanted.has(spec.tunnel)) continue;
      for (const { tunnel, packet, sender } of packets)
        if (tunnel === spec.tunnel) shared.admit(packet, sender);
      this.loop.touch(built);
    }
  }

  /** All of them or none. */
  #add(specs: readonly LaneSpec[]): void {
    const added: BuiltLane[] = [];
    try {
      for (const spec of specs) {
        const built = buildLane(spec, this.#provider, this.#workspaces);
        added.push(built);
        this.loop.add(built);
      }
    } catch (error) {
      for (const built of added) this.#close(built);
      throw error;
    }
  }

  /** Returns what its receive lane has seen. */
  #remove(tunnel: string, leaves = false): LeftReplay[] {
    const left: LeftReplay[] = [];
    for (const built of this.#of(tunnel)) {
      try {
        if (!leaves || (built.lane.rest?.() ?? true)) drain(built.lane);
      } catch {
        // A port is gone already: there is nowhere to drain to.
      }
      if (built.spec.direction === 'receive' && built.secy !== null) left.push(...replaysOf(built.secy));
      this.#close(built);
    }
    return left;
  }

  #close(built: BuiltLane): void {
    this.loop.remove(built);
    built.lane.close();
  }

  #configure(tunnel: string, spec: SecySpec): void {
    for (const { secy } of this.#of(tunnel)) if (secy !== null) configureSecy(secy, spec);
  }

  #setMtu(tunnel: string, lowerMtu: number): void {
    for (const { lane } of this.#of(tunnel)) {
      if (lane instanceof TransmitLane || lane instanceof ReceiveLane) lane.mtu.lowerMtu = lowerMtu;
    }
  }

  #of(tunnel: string): BuiltLane[] {
    return [...this.loop.entries].filter(({ spec }) => spec.tunnel === tunnel);
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

function replaysOf({ rxSc }: SecY): LeftReplay[] {
  const sas = rxSc.flatMap(({ sa }) => sa.filter((one) => one !== null));
  return sas.map(({ serial, replay }) => ({ serial, replay: replay.state }));
}
