/**
 * The worker's loop. One native poll over the lanes' descriptors and the eventfd; lanes that are ready run, each up
 * to a few batches at a time so that none starves the others. Nothing here returns to the event loop until the end.
 */
import { type Lane, POLLIN, POLLOUT } from '../datapath/lane.ts';
import { clearEvent, Poller } from '../io/poller.ts';

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

/** Runs `lanes`, which `woken` may change, until `woken` says stop (true) or one fails (false). */
export function runLoop(lanes: readonly Lane[], eventFd: number, events: LoopEvents): boolean {
  let running = 0;
  try {
    for (;;) {
      const lanesNow = lanes.length;
      const poller = new Poller(lanesNow + 1);
      poller.set(lanesNow, eventFd, POLLIN);
      // Whether a lane may have more without its descriptor saying so: the rest of a super-frame, or of its turn.
      const more = new Uint8Array(lanesNow).fill(1);
      let anyMore = true;
      for (;;) {
        for (let i = 0; i < lanesNow; i++) poller.set(i, lanes[i]!.waitFd, lanes[i]!.waitEvents);
        poller.wait(anyMore ? 0 : -1);
        const woken = poller.ready(lanesNow) !== 0;
        if (woken) {
          clearEvent(eventFd);
          if (events.woken()) {
            for (running = 0; running < lanes.length; running++) drain(lanes[running]!);
            return true;
          }
          if (lanes.length !== lanesNow) break;
        }
        anyMore = false;
        for (running = 0; running < lanesNow; running++) {
          const lane = lanes[running]!;
          if (poller.ready(running) === 0 && more[running] === 0 && !(woken && lane.waitFd < 0)) continue;
          let batch = 0;
          while (batch < BATCHES_A_TURN && lane.run()) batch++;
          more[running] = batch === BATCHES_A_TURN ? 1 : 0;
          if (more[running] === 1) anyMore = true;
          events.ran(running);
        }
      }
    }
  } catch (cause) {
    events.failed(running, cause);
    return false;
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
