/**
 * One end of a wire, in this process: Ethernet frames to and from QEMU over a stream, each behind its length
 * (32 bits, big-endian), as QEMU's `-netdev socket` frames them. Nobody pads or trims.
 */
import type { Duplex } from 'node:stream';

const LENGTH_LEN = 4;

type Accepts = (frame: Buffer) => boolean;

interface Waiter {
  accepts: Accepts;
  resolve: (frame: Buffer) => void;
}

export class FramePipe {
  readonly #stream: Duplex;
  #rest: Buffer = Buffer.alloc(0);
  #waiters: Waiter[] = [];
  #kept: Buffer[] | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => {}); // QEMU went away; whoever waits runs into its own time limit
  }

  send(frame: Uint8Array): void {
    const length = Buffer.alloc(LENGTH_LEN);
    length.writeUInt32BE(frame.length);
    this.#stream.write(Buffer.concat([length, frame]));
  }

  /** The next frame that `accepts` takes; throws, naming `what`, when none came in `timeoutMs`. */
  next(what: string, accepts: Accepts, timeoutMs: number = 10_000): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`));
      }, timeoutMs);
      const waiter: Waiter = {
        accepts,
        resolve: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** Keeps every frame from now on, until `stopCapture`. */
  startCapture(): void {
    this.#kept = [];
  }

  stopCapture(): Buffer[] {
    const kept = this.#kept ?? [];
    this.#kept = null;
    return kept;
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length >= LENGTH_LEN) {
      const end = LENGTH_LEN + data.readUInt32BE(0);
      if (data.length < end) break;
      this.#deliver(data.subarray(LENGTH_LEN, end));
      data = data.subarray(end);
    }
    this.#rest = data;
  }

  #deliver(frame: Buffer): void {
    this.#kept?.push(Buffer.from(frame));
    if (this.#waiters.length === 0) return;
    const woken = this.#waiters.filter((waiter) => waiter.accepts(frame));
    if (woken.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !woken.includes(waiter));
    for (const waiter of woken) waiter.resolve(Buffer.from(frame));
  }
}
