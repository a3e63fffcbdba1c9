/**
 * Which source port each frame leaves by (`gre.sourcePort: "flow"`), a stage over a batch of clear frames on the way out: by a
 * hash of the inner flow, so that frames of one flow stay in order while flows spread over the paths and cores of the WAN.
 *
 * The frames are put into the order of their ports, those of one port as they came: each socket has a stretch of the batch
 * then, and trains stay trains. This comes before packet numbers are taken, so that they leave in order.
 */
import type { Batch } from '../frame/batch.ts';
import type { FlowSenders } from '../ports/flow-port.ts';
import { flowOf } from '../wire/flow.ts';

/** Of a lane. */
export class FlowSpread {
  readonly #seed: number;
  /** How many frames each port has, and then where the next one of it goes. */
  readonly #next: Uint32Array;
  #at = new Uint32Array(0);
  #len = new Uint32Array(0);
  #verdict = new Uint8Array(0);
  #flow = new Uint8Array(0);

  constructor({ fds, seed }: FlowSenders) {
    this.#seed = seed | 0;
    this.#next = new Uint32Array(fds.length);
  }

  /** Gives each frame its place among the ports, in `batch.flow`, and sorts. HOT PATH: allocates nothing once it has seen a batch of this capacity. */
  spread(batch: Batch): void {
    const sorted = this.#note(batch);
    if (sorted) return;
    this.#begin();
    this.#keep(batch);
    this.#move(batch);
  }

  /** True: the frames lie in order already. HOT PATH. */
  #note({ count, at, len, verdict, arena, view, flow }: Batch): boolean {
    const frames = this.#next;
    const seed = this.#seed;
    const ports = frames.length;
    frames.fill(0);
    let sorted = true;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const port = verdict[i] === 0 ? flowOf(arena, view, at[i]!, at[i]! + len[i]!, seed) % ports : last;
      flow[i] = port;
      frames[port]!++;
      if (port < last) sorted = false;
      last = port;
    }
    return sorted;
  }

  /** From how many frames a port has to where the first of them goes. HOT PATH. */
  #begin(): void {
    const next = this.#next;
    let begin = 0;
    for (let i = 0; i < next.length; i++) {
      const frames = next[i]!;
      next[i] = begin;
      begin += frames;
    }
  }

  #keep({ count, capacity, at, len, verdict, flow }: Batch): void {
    if (this.#at.length < capacity) this.#grow(capacity);
    for (let i = 0; i < count; i++) {
      this.#at[i] = at[i]!;
      this.#len[i] = len[i]!;
      this.#verdict[i] = verdict[i]!;
      this.#flow[i] = flow[i]!;
    }
  }

  #move({ count, at, len, verdict, flow }: Batch): void {
    const next = this.#next;
    for (let i = 0; i < count; i++) {
      const port = this.#flow[i]!;
      const to = next[port]!++;
      at[to] = this.#at[i]!;
      len[to] = this.#len[i]!;
      verdict[to] = this.#verdict[i]!;
      flow[to] = port;
    }
  }

  #grow(capacity: number): void {
    this.#at = new Uint32Array(capacity);
    this.#len = new Uint32Array(capacity);
    this.#verdict = new Uint8Array(capacity);
    this.#flow = new Uint8Array(capacity);
  }
}
