/**
 * A lane: one direction of one queue of one tunnel, run to completion by a worker. What both directions have in common
 * is here: a batch is borrowed, filled at the near end, worked on, sent at the far end, counted and given back.
 */
import { type BatchLayout, resetBatch } from '../frame/batch.ts';
import { countIn, countLatency, countOut, type LaneCounters } from '../frame/lane-counters.ts';
import type { FramePort } from '../ports/frame-port.ts';
import type { Shelf, Workspace, Workspaces } from './workspace.ts';

/** What a lane waits for (`man 2 epoll_ctl`, EPOLLIN and EPOLLOUT). */
export const POLLIN = 1;
export const POLLOUT = 4;

export interface Lane {
  /** The descriptor to wait on before the next `run`; −1: none, a wake-up by the main thread. */
  readonly waitFd: number;
  /** POLLIN or POLLOUT. */
  readonly waitEvents: number;
  /** Moves one batch as far as it goes. True: more may wait already. Throws only when a port is gone. HOT PATH. */
  run(): boolean;
  /**
   * Nothing more is taken from what waits at its near end; whether `run` has something to move all the same. Absent: it takes
   * what waits until it is closed.
   */
  rest?(): boolean;
  close(): void;
}

/** What every lane is made of. */
export interface LaneOptions {
  readonly counters: LaneCounters;
  /** The worker's. */
  readonly workspaces: Workspaces;
  /** How the near end wants its batches, and the longest frame that it may give. */
  readonly layout: BatchLayout;
  readonly maxLen: number;
}

export abstract class BatchLane implements Lane {
  waitFd: number;
  waitEvents: number = POLLIN;
  readonly #near: FramePort;
  readonly #far: FramePort;
  readonly #shelf: Shelf;
  readonly #counters: LaneCounters;
  readonly #maxLen: number;
  /** What is being sent and waits for the far end; null: nothing does. */
  #kept: Workspace | null = null;
  /** The first frame of it that still has to be sent. */
  #next = 0;
  /** When the lane turned to the batch that it works on, and when the last one was through. */
  #beganMs = 0;
  #endedMs = 0;
  /** The last read left something, or may have. */
  #more = false;

  constructor(near: FramePort, far: FramePort, options: LaneOptions) {
    this.#near = near;
    this.#far = far;
    this.#shelf = options.workspaces.shelf(options.layout);
    this.#counters = options.counters;
    this.#maxLen = options.maxLen;
    this.waitFd = near.fd;
    // Made now: the first frame shall not wait for memory.
    this.#shelf.giveBack(this.#shelf.take());
  }

  /** How many frames the next batch may have; 0: none before the main thread wakes the lane. HOT PATH. */
  protected abstract most(capacity: number): number;
  /** Whether more may wait at the near end after `received` frames of at most `most`. HOT PATH. */
  protected abstract mayHaveMore(received: number, most: number): boolean;
  /** The stages. HOT PATH. */
  protected abstract work(workspace: Workspace): void;
  /** After a batch of which `dropped` frames did not go on; they lie in it still. */
  protected abstract sent(workspace: Workspace, dropped: number): void;

  /** HOT PATH: allocates nothing with the `batch` AEAD provider. */
  run(): boolean {
    if (this.#kept !== null) return this.#send(this.#kept);
    const workspace = this.#shelf.take();
    const { batch } = workspace;
    const most = this.most(batch.capacity);
    if (most === 0) return this.#rest(workspace, -1, 0);
    // A clock costs as much as a frame: of batches that follow each other the next begins where the last one ended.
    this.#beganMs = this.#more ? this.#endedMs : performance.now();
    resetBatch(batch);
    batch.room = this.#maxLen;
    const received = this.#near.receive(batch, most);
    if (received === 0) return this.#rest(workspace, this.#near.fd, POLLIN);
    this.#more = this.mayHaveMore(received, most);
    countIn(this.#counters, batch);
    this.work(workspace);
    this.#next = 0;
    return this.#send(workspace);
  }

  rest(): boolean {
    this.#near.rest?.();
    return this.#kept !== null || this.#near.rest !== undefined;
  }

  close(): void {
    this.#near.close();
    this.#far.close();
  }

  #send(workspace: Workspace): boolean {
    const { batch } = workspace;
    this.#next = this.#far.send(batch, this.#next);
    if (this.#next < batch.count) {
      this.#kept = workspace;
      return this.#wait(this.#far.fd, POLLOUT);
    }
    this.#endedMs = performance.now();
    countLatency(this.#counters, this.#endedMs - this.#beganMs);
    const dropped = countOut(this.#counters, batch);
    if (dropped > 0) this.sent(workspace, dropped);
    this.#kept = null;
    this.#leave(workspace, this.#near.fd, POLLIN);
    return this.#more;
  }

  /** Nothing is to be done before something comes. */
  #rest(workspace: Workspace, fd: number, events: number): false {
    this.#more = false;
    return this.#leave(workspace, fd, events);
  }

  #leave(workspace: Workspace, fd: number, events: number): false {
    this.#shelf.giveBack(workspace);
    return this.#wait(fd, events);
  }

  #wait(fd: number, events: number): false {
    this.waitFd = fd;
    this.waitEvents = events;
    return false;
  }
}
