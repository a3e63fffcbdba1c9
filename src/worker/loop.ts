/**
 * The worker's loop. One epoll over what the lanes wait for and the eventfd; lanes that are ready run, each up to a few
 * batches at a time so that none starves the others. A turn costs what is ready, however many lanes there are. Nothing
 * here returns to the event loop until the end.
 */
import { type Lane, POLLIN, POLLOUT } from '../datapath/lane.ts';
import { clearEvent } from '../host/event.ts';
import { Poller, waitFor } from '../host/poller.ts';

/** Batches that a ready lane moves before the others get their turn. */
const BATCHES_PER_TURN = 4;
/** Batches that a lane may still move when it stops, and how long it waits for a port to take them. */
const BATCHES_PER_DRAIN = 64;
const DRAIN_WAIT_MS = 50;
/** POLLERR and POLLHUP come unasked: whoever waits there has to look. */
const POLL_UNASKED = 8 | 16;

/** What a loop runs: a lane, and whatever its owner knows of it. */
export interface Looped {
  readonly lane: Lane;
}

export interface LoopEvents<Entry extends Looped> {
  /** The main thread has signalled; entries may be added and removed. True: stop. */
  woken(): boolean;
  /** The lane of `entry` has just run. HOT PATH. */
  ran(entry: Entry): void;
  /** All that were ready have run. HOT PATH. */
  turned(): void;
  /** The lane of `entry` cannot go on; the loop has let go of it, and runs the others. */
  failed(entry: Entry, cause: unknown): void;
}

/** An entry's place in the loop: what it is armed for, and whether it runs in the next turn. */
class Seat<Entry extends Looped> {
  readonly entry: Entry;
  fd = -1;
  events = 0;
  isDue = false;
  isGone = false;

  constructor(entry: Entry) {
    this.entry = entry;
  }
}

export class LaneLoop<Entry extends Looped> {
  readonly #poller = new Poller();
  readonly #eventFd: number;
  readonly #seats = new Map<Entry, Seat<Entry>>();
  /** By descriptor: who waits there. */
  readonly #waiting: (Seat<Entry>[] | undefined)[] = [];
  /** Who waits for the main thread. */
  readonly #parked = new Set<Seat<Entry>>();
  /** Who runs in this turn, and who in the next: a lane may have more without its descriptor saying so. */
  #running: Seat<Entry>[] = [];
  #due: Seat<Entry>[] = [];

  constructor(eventFd: number) {
    this.#eventFd = eventFd;
    this.#poller.set(eventFd, POLLIN);
  }

  get entries(): IterableIterator<Entry> {
    return this.#seats.keys();
  }

  add(entry: Entry): void {
    const seat = new Seat(entry);
    this.#seats.set(entry, seat);
    this.#arm(seat, entry.lane.waitFd, entry.lane.waitEvents);
    this.#markDue(seat);
  }

  /** The entry has something to do that no descriptor tells of: it runs in the next turn. */
  touch(entry: Entry): void {
    const seat = this.#seats.get(entry);
    if (seat !== undefined) this.#markDue(seat);
  }

  /** Lets go of the entry and its descriptors; its lane is the caller's to close. */
  remove(entry: Entry): void {
    const seat = this.#seats.get(entry);
    if (seat === undefined) return;
    seat.isGone = true;
    this.#disarm(seat);
    this.#seats.delete(entry);
  }

  close(): void {
    this.#poller.close();
  }

  /** Waits until a lane can run, at most `waitMs` (−1: for ever). Returns whether the event was signalled. HOT PATH. */
  wait(waitMs: number): boolean {
    const poller = this.#poller;
    const ready = poller.wait(this.#due.length > 0 ? 0 : waitMs);
    let woken = false;
    for (let i = 0; i < ready; i++) {
      const fd = poller.fdAt(i);
      if (fd === this.#eventFd) woken = true;
      else this.#markReady(fd, poller.eventsAt(i));
    }
    return woken;
  }

  /** Runs the lanes that are ready, and with `woken` those that wait for the main thread. HOT PATH. */
  run(woken: boolean, events: LoopEvents<Entry>): void {
    if (woken) for (const seat of this.#parked) this.#markDue(seat);
    const running = this.#due;
    this.#due = this.#running;
    this.#running = running;
    for (let i = 0; i < running.length; i++) {
      const seat = running[i]!;
      seat.isDue = false;
      if (!seat.isGone) this.#runSeat(seat, events);
    }
    running.length = 0;
    events.turned();
  }

  #runSeat(seat: Seat<Entry>, events: LoopEvents<Entry>): void {
    const { entry } = seat;
    const { lane } = entry;
    try {
      let batches = 0;
      while (batches < BATCHES_PER_TURN && lane.run()) batches++;
      if (batches === BATCHES_PER_TURN) this.#markDue(seat);
      if (lane.waitFd !== seat.fd || lane.waitEvents !== seat.events) this.#rearm(seat);
    } catch (cause) {
      this.remove(entry);
      events.failed(entry, cause);
      return;
    }
    events.ran(entry);
  }

  #markReady(fd: number, events: number): void {
    const seats = this.#waiting[fd];
    if (seats === undefined) return;
    for (let i = 0; i < seats.length; i++) {
      const seat = seats[i]!;
      if ((events & (seat.events | POLL_UNASKED)) !== 0) this.#markDue(seat);
    }
  }

  #markDue(seat: Seat<Entry>): void {
    if (seat.isDue) return;
    seat.isDue = true;
    this.#due.push(seat);
  }

  #rearm(seat: Seat<Entry>): void {
    const { waitFd, waitEvents } = seat.entry.lane;
    this.#disarm(seat);
    this.#arm(seat, waitFd, waitEvents);
  }

  #arm(seat: Seat<Entry>, fd: number, events: number): void {
    seat.fd = fd;
    seat.events = events;
    if (fd < 0) {
      this.#parked.add(seat);
      return;
    }
    let seats = this.#waiting[fd];
    if (seats === undefined) {
      seats = [];
      this.#waiting[fd] = seats;
    }
    seats.push(seat);
    this.#poller.set(fd, interestOf(seats));
  }

  #disarm(seat: Seat<Entry>): void {
    this.#parked.delete(seat);
    const seats = this.#waiting[seat.fd];
    const at = seats?.indexOf(seat) ?? -1;
    if (seats === undefined || at < 0) return;
    seats.splice(at, 1);
    this.#poller.set(seat.fd, interestOf(seats));
  }
}

/** What somebody of `seats` waits for. Several lanes may send by one socket, and one receives by it. */
function interestOf(seats: readonly Seat<Looped>[]): number {
  let events = 0;
  for (let i = 0; i < seats.length; i++) events |= seats[i]!.events;
  return events;
}

/** Runs the entries of `loop` until `woken` says stop; then drains them. */
export function runLoop<Entry extends Looped>(
  loop: LaneLoop<Entry>,
  eventFd: number,
  events: LoopEvents<Entry>,
): void {
  for (;;) {
    const woken = loop.wait(-1);
    if (woken) {
      clearEvent(eventFd);
      if (events.woken()) break;
    }
    loop.run(woken, events);
  }
  for (const entry of loop.entries) {
    try {
      drain(entry.lane);
    } catch (cause) {
      loop.remove(entry);
      events.failed(entry, cause);
    }
  }
}

/** Moves what a lane has accepted already, and what waits at its near end, within bounds. */
export function drain(lane: Lane): void {
  for (let batch = 0; batch < BATCHES_PER_DRAIN; batch++) {
    if (lane.run()) continue;
    if (lane.waitEvents !== POLLOUT || !waitFor(lane.waitFd, lane.waitEvents, DRAIN_WAIT_MS)) return;
  }
}
