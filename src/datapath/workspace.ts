/**
 * The memory that lanes work in: batches, with the AEAD's work list and the receiver's scratch over each. A worker owns
 * them, by size; a lane borrows one for a run, and keeps it only while its far end takes no more. So a thousand idle
 * tunnels cost what one costs.
 */
import { type AeadJob, createAeadJob } from '../crypto/aead.ts';
import { type Batch, type BatchLayout, createBatchOf } from '../frame/batch.ts';
import { createRxScratch, type RxScratch } from '../macsec/validate.ts';

/** One batch, and what goes with it. */
export interface Workspace {
  readonly batch: Batch;
  readonly job: AeadJob;
  readonly rx: RxScratch;
}

/** Workspaces of one layout. */
export class Shelf {
  readonly #layout: BatchLayout;
  readonly #free: Workspace[] = [];
  /** Workspaces ever made. */
  made = 0;

  constructor(layout: BatchLayout) {
    this.#layout = layout;
  }

  /** Borrows one: it is the caller's until `giveBack`. HOT PATH: allocates where all are out. */
  take(): Workspace {
    return this.#free.pop() ?? this.#make();
  }

  giveBack(workspace: Workspace): void {
    this.#free.push(workspace);
  }

  #make(): Workspace {
    this.made++;
    const batch = createBatchOf(this.#layout);
    return { batch, job: createAeadJob(batch.arena, batch.at), rx: createRxScratch(batch.capacity) };
  }
}

/** Octets that a slot has room for: tunnels of about the same MTU share their batches. */
const SLOT_SIZES = [1536, 2048, 4096, 9216, 16_384, 65_600];

/** All workspaces of a worker. */
export class Workspaces {
  readonly #shelves = new Map<string, Shelf>();

  /** Where lanes with batches of this layout borrow; slots may have more room than was asked for. */
  shelf(layout: BatchLayout): Shelf {
    const rounded = layout.kind === 'slots' ? { ...layout, maxLen: slotSize(layout.maxLen) } : layout;
    const key = JSON.stringify(rounded);
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      shelf = new Shelf(rounded);
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }
}

function slotSize(maxLen: number): number {
  return SLOT_SIZES.find((size) => size >= maxLen) ?? maxLen;
}
