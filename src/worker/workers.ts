/** The worker threads: which lane runs where, starting, waking and stopping them. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { AeadProvider } from '../crypto/aead.ts';
import type { EncapSpec } from '../encap/kinds.ts';
import { L2vpnError } from '../errors.ts';
import { closeFds } from '../host/close.ts';
import { openEvent, signalEvent } from '../host/event.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type {
  AdmittedPacket,
  FromWorker,
  LaneSpec,
  LeftReplay,
  ToRequest,
  ToWorker,
  WorkerSpec,
} from './messages.ts';

export interface WorkerEvents {
  /** A lane of the tunnel is short of granted packet numbers. */
  pnLow(tunnel: string): void;
  /** Frames for the control plane wait in rings whose bells have rung. */
  uncontrolled(): void;
  /** The peer of the tunnel was learned at another place. */
  moved(tunnel: string): void;
  /** Frames that name another tunnel wait in the ring of this one. */
  strays(tunnel: string): void;
  /** A lane of the tunnel has lost a port, and is gone; the others run. `errno`: the kernel's name for it, or empty. */
  laneFailed(tunnel: string, reason: string, errno: string): void;
  /** A worker has ended that should not have. */
  failed(error: L2vpnError): void;
}

/** One worker less than cores, so that one is left to the rest of the system; never more than lanes. */
export function workerCount(wanted: 'auto' | number, laneCount: number): number {
  const most = wanted === 'auto' ? Math.max(1, availableParallelism() - 1) : wanted;
  return Math.min(most, laneCount);
}

export class Workers {
  readonly #running: RunningWorker[];

  private constructor(running: RunningWorker[]) {
    this.#running = running;
  }

  /**
   * Starts `count` workers with the lanes dealt out in turn; resolves when all of them run. `kinds`: what they warm up for, where
   * lanes are to come.
   */
  static async start(
    lanes: readonly LaneSpec[],
    count: number,
    provider: AeadProvider['name'],
    events: WorkerEvents,
    kinds: readonly EncapSpec['kind'][] = [...new Set(lanes.map(({ encap }) => encap.kind))],
  ): Promise<Workers> {
    const running: RunningWorker[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const own = lanes.filter((_, lane) => lane % count === i);
        const turns = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
        running.push(new RunningWorker({ provider, eventFd: openEvent(), turns, lanes: own, kinds }, events));
      }
      await Promise.all(running.map((worker) => worker.started));
      return new Workers(running);
    } catch (error) {
      await Promise.allSettled(running.map((worker) => worker.stop()));
      throw error;
    }
  }

  get count(): number {
    return this.#running.length;
  }

  /** Those that have not come round since the last call, which woke them, by number from 1. Wakes all of them. */
  stuck(): number[] {
    const turned = this.#running.map((worker) => worker.hasTurned());
    return turned.flatMap((has, i) => (has ? [] : [i + 1]));
  }

  /** Makes every worker look at its lanes again: a grant has come. */
  wake(): void {
    for (const worker of this.#running) worker.wake();
  }

  /** Gives the lanes of a further tunnel out; resolves when they run. Rejects with L2VPN_SYSTEM where they cannot; none runs then. */
  async add(lanes: readonly LaneSpec[]): Promise<void> {
    const { length } = this.#running;
    const shares = this.#running.map((_, i) => lanes.filter((_lane, lane) => lane % length === i));
    const asked = this.#running.map((worker, i) => worker.ask({ type: 'add', lanes: shares[i]! }));
    const failed = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') return;
    for (const tunnel of new Set(lanes.map((lane) => lane.tunnel))) await this.remove(tunnel);
    throw failed.reason;
  }

  /**
   * Drains and closes the lanes of a tunnel; resolves when they are gone, with what they have seen. `leaves`: what waits at
   * their ports stays there.
   */
  async remove(tunnel: string, leaves = false): Promise<readonly LeftReplay[]> {
    const left = await Promise.all(
      this.#running.map((worker) => worker.ask({ type: 'remove', tunnel, leaves })),
    );
    return left.flat();
  }

  /** Gives the lanes of a tunnel a new SecY configuration; resolves when all of them work by it. */
  async configure(tunnel: string, spec: SecySpec): Promise<void> {
    await Promise.all(this.#running.map((worker) => worker.ask({ type: 'secy', tunnel, spec })));
  }

  /** Tells the transmit lanes of a tunnel what its path carries now. */
  async setMtu(tunnel: string, lowerMtu: number): Promise<void> {
    await Promise.all(this.#running.map((worker) => worker.ask({ type: 'mtu', tunnel, lowerMtu })));
  }

  /** Gives datagrams to the receive lanes of the tunnels that they name; each is taken once, or not at all. */
  admit(packets: readonly AdmittedPacket[]): void {
    for (const worker of this.#running) worker.tell({ type: 'admit', packets });
  }

  /** Drains and ends all of them. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map((worker) => worker.stop()));
  }
}

type Done = Extract<FromWorker, { readonly type: 'done' }>;

/** A request of the main thread, without the number that `ask` gives it. */
type Request = DistributiveOmit<ToRequest, 'id'>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Lanes allocate next to nothing: a worker's heap need not grow for what building a thousand of them leaves behind. */
const YOUNG_GENERATION_MB = 12;

class RunningWorker {
  readonly started: Promise<void>;
  readonly #ended: Promise<void>;
  readonly #worker: Worker;
  readonly #eventFd: number;
  readonly #turns: Int32Array;
  /** What they were at the last look. */
  #turnsSeen = -1;
  /** Requests that are under way, by number. */
  readonly #asked = new Map<number, (done: Done) => void>();
  #lastId = 0;
  #stopping = false;

  constructor(spec: WorkerSpec, events: WorkerEvents) {
    this.#eventFd = spec.eventFd;
    this.#turns = new Int32Array(spec.turns);
    this.#worker = new Worker(new URL('./entry.js', import.meta.url), {
      workerData: spec,
      name: 'l2vpnd-lanes',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.started = new Promise((resolve, reject) => {
      const fail = (reason: string, cause?: unknown): void => {
        const error = new L2vpnError('L2VPN_SYSTEM', reason, { cause });
        reject(error);
        if (!this.#stopping) events.failed(error);
      };
      this.#worker.on('message', (message: FromWorker) => {
        if (message.type === 'running') resolve();
        if (message.type === 'pn-low') events.pnLow(message.tunnel);
        if (message.type === 'uncontrolled') events.uncontrolled();
        if (message.type === 'moved') events.moved(message.tunnel);
        if (message.type === 'strays') events.strays(message.tunnel);
        if (message.type === 'done') this.#done(message);
        if (message.type === 'failed') events.laneFailed(message.tunnel, message.reason, message.errno);
      });
      this.#worker.on('error', (cause) => fail(`worker thread: ${cause.message}`, cause));
      this.#worker.on('exit', (code) => {
        if (!this.#stopping) fail(`a worker thread ended by itself (${code})`);
      });
    });
    // `stop` may come before anybody awaits `started`.
    this.started.catch(() => {});
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
  }

  wake(): void {
    signalEvent(this.#eventFd);
  }

  /** Whether its loop has come round since the last call, which woke it as this one does. */
  hasTurned(): boolean {
    const turns = Atomics.load(this.#turns, 0);
    const has = turns !== this.#turnsSeen;
    this.#turnsSeen = turns;
    this.wake();
    return has;
  }

  /** Nothing is told to one that is being stopped. */
  tell(message: Extract<ToWorker, { readonly type: 'admit' }>): void {
    if (this.#stopping) return;
    this.#worker.postMessage(message satisfies ToWorker);
    this.wake();
  }

  /** Resolves when the worker has carried `request` out, or has ended. Rejects with L2VPN_SYSTEM where it could not. */
  async ask(request: Request): Promise<readonly LeftReplay[]> {
    const id = ++this.#lastId;
    const done = new Promise<readonly LeftReplay[]>((resolve, reject) => {
      this.#asked.set(id, ({ fault, left = [] }) => {
        if (fault === undefined) resolve(left);
        else reject(new L2vpnError('L2VPN_SYSTEM', fault));
      });
    });
    this.#worker.postMessage({ ...request, id } satisfies ToWorker);
    this.wake();
    return (await Promise.race([done, this.#ended])) ?? [];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#worker.postMessage({ type: 'stop' } satisfies ToWorker);
    this.wake();
    await this.#ended;
    closeFds([this.#eventFd]);
  }

  #done(done: Done): void {
    this.#asked.get(done.id)?.(done);
    this.#asked.delete(done.id);
  }
}
