/**
 * The worker's loop. One native poll over the lanes' descriptors and the eventfd; lanes that are ready run, each up
 * to a few batches at a time so that none starves the others. Nothing here returns to the event loop until the end.
 */
import type { Lane } from '../datapath/lane.ts';
import { clearEvent, Poller } from '../io/poller.ts';

/** Batches that a ready lane moves before the others get their turn. */
const BATCHES_A_TURN = 4;
/** Batches that a lane may still move when the worker stops, and how long it waits for a port to take them. */
const BATCHES_A_DRAIN = 64;
const DRAIN_WAIT_MS = 50;

export interface LoopEvents {
  /** The main thread has signalled; true: stop. */
  woken(): boolean;
  /** A lane has just run. */
  ran(lane: number): void;
  /** Lane `lane` cannot go on; the loop ends. */
  failed(lane: number, cause: unknown): void;
}

/** Runs `lanes` until `woken` says stop (true) or one fails (false). */
export function runLoop(lanes: readonly Lane[], eventFd: number, events: LoopEvents): boolean {
  const poller = new Poller(lanes.length + 1);
  const eventAt = lanes.length;
  poller.set(eventAt, eventFd, 1);
  let running = 0;
  /** Lanes that had more to do when their turn was over: a super-frame that is half cut shows in no descriptor. */
  const busy = new Uint8Array(lanes.length);
  try {
    for (;;) {
      for (let i = 0; i < lanes.length; i++) poller.set(i, lanes[i]!.waitFd, lanes[i]!.waitEvents);
      poller.wait(busy.includes(1) ? 0 : -1);
      const woken = poller.ready(eventAt) !== 0;
      if (woken) {
        clearEvent(eventFd);
        if (events.woken()) break;
      }
      for (running = 0; running < lanes.length; running++) {
        const lane = lanes[running]!;
        if (poller.ready(running) === 0 && busy[running] === 0 && !(woken && lane.waitFd < 0)) continue;
        let batches = 0;
        while (batches < BATCHES_A_TURN && lane.run()) batches++;
        busy[running] = batches === BATCHES_A_TURN ? 1 : 0;
        events.ran(running);
      }
    }
    for (running = 0; running < lanes.length; running++) drain(lanes[running]!);
    return true;
  } catch (cause) {
    events.failed(running, cause);
    return false;
  }
}

/** Moves what a lane has accepted already, and what waits at its near end, within bounds. */
function drain(lane: Lane): void {
  const poller = new Poller(1);
  for (let batch = 0; batch < BATCHES_A_DRAIN; batch++) {
    if (lane.run()) continue;
    poller.set(0, lane.waitFd, lane.waitEvents);
    const blocked = lane.waitEvents === 4;
    if (!blocked || poller.wait(DRAIN_WAIT_MS) === 0) return;
  }
}
