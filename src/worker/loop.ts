/**
 * The worker's loop. One native poll over the lanes' descriptors and the eventfd; lanes that are ready run, each up
 * to a few batches at a time so that none starves the others. Nothing here returns to the event loop until the end.
 */
import { type Lane, POLLIN, POLLOUT } from '../datapath/lane.ts';
import { clearEvent, Poller } from '../host/poller.ts';

/** Batches that a ready lane moves before the others get their turn. */
const BATCHES_A_TURN = 4;
/** Batches that a lane may still move when it stops, and how long it waits for a port to take them. */
const BATCHES_A_DRAIN = 64;
const DRAIN_WAIT_MS = 50;

export interface LoopEvents {
  /** The main thread has signalled; it may have changed `lanes`. True: stop. */
  woken(): boolean;
  /** Lane `lane` has just run. HOT PATH. */
  ran(lane: number): void;
  /** Lane `lane` cannot go on; the loop ends. */
  failed(lane: number, cause: unknown): void;
}

/** One set of lanes and what they wait for; a new one whenever lanes come or go. */
export class LaneTurns {
  readonly count: number;
  /** The lane that runs: at fault when something throws. */
  running = 0;
  readonly #lanes: readonly Lane[];
  readonly #poller: Poller;
  /** Whether a lane may have more without its descriptor saying so: the rest of a super-frame, or of its turn. */
  readonly #more: Uint8Array;
  #anyMore = true;

  constructor(lanes: readonly Lane[], eventFd: number) {
    this.count = lanes.length;
    this.#lanes = lanes;
    this.#poller = new Poller(this.count + 1);
    this.#poller.set(this.count, eventFd, POLLIN);
    this.#more = new Uint8Array(this.count).fill(1);
  }

  /** Waits until a lane can run, at most `waitMs` (−1: for ever). Returns whether the event was signalled. HOT PATH. */
  wait(waitMs: number): boolean {
    const lanes = this.#lanes;
    const poller = this.#poller;
    for (let i = 0; i < this.count; i++) poller.set(i, lanes[i]!.waitFd, lanes[i]!.waitEvents);
    poller.wait(this.#anyMore ? 0 : waitMs);
    return poller.ready(this.count) !== 0;
  }

  /** Runs the lanes that are ready, and with `woken` those that wait for the main thread. HOT PATH. */
  run(woken: boolean, events: LoopEvents): void {
    const lanes = this.#lanes;
    const more = this.#more;
    this.#anyMore = false;
    for (let i = 0; i < this.count; i++) {
      const lane = lanes[i]!;
      if (this.#poller.ready(i) === 0 && more[i] === 0 && !(woken && lane.waitFd < 0)) continue;
      this.running = i;
      let batch = 0;
      while (batch < BATCHES_A_TURN && lane.run()) batch++;
      more[i] = batch === BATCHES_A_TURN ? 1 : 0;
      if (more[i] === 1) this.#anyMore = true;
      events.ran(i);
    }
  }
}

/** Runs `lanes`, which `woken` may change, until `woken` says stop (true) or one fails (false). */
export function runLoop(lanes: readonly Lane[], eventFd: number, events: LoopEvents): boolean {
  let running = 0;
  try {
    for (;;) {
      const turns = new LaneTurns(lanes, eventFd);
      try {
        if (turnUntilStopped(turns, lanes, eventFd, events)) break;
      } catch (cause) {
        running = turns.running;
        throw cause;
      }
    }
    for (running = 0; running < lanes.length; running++) drain(lanes[running]!);
    return true;
  } catch (cause) {
    events.failed(running, cause);
    return false;
  }
}

/** True: `woken` says stop; false: the lanes are no longer the same. */
function turnUntilStopped(
  turns: LaneTurns,
  lanes: readonly Lane[],
  eventFd: number,
  events: LoopEvents,
): boolean {
  for (;;) {
    const woken = turns.wait(-1);
    if (woken) {
      clearEvent(eventFd);
      if (events.woken()) return true;
      if (lanes.length !== turns.count) return false;
    }
    turns.run(woken, events);
  }
}

/** Moves what a lane has accepted already, and what waits at its near end, within bounds. */
export function drain(lane: Lane): void {
  const poller = new Poller(1);
  for (let batch = 0; batch < BATCHES_A_DRAIN; batch++) {
    if (lane.run()) continue;
    if (lane.waitEvents !== POLLOUT) return;
    poller.set(0, lane.waitFd, lane.waitEvents);
    if (poller.wait(DRAIN_WAIT_MS) === 0) return;
  }
}
