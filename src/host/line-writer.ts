/**
 * Lines to a descriptor that may not take them: a pipe whose reader has stopped, a terminal after Ctrl-S, a full
 * file system. Whoever writes a line never waits and never fails: the line is kept in a bounded buffer, and
 * dropped and counted when that is full.
 *
 * One write at a time runs on a thread of libuv's pool, where it may block. That holds one of four threads at
 * worst and leaves the others to state files; a worker thread of its own would cost some megabytes and its start,
 * O_NONBLOCK would change the descriptor for everybody who shares it (a shell's terminal), and does nothing for
 * a file. The price: a process cannot exit(3) while that write waits; see `exitNow`.
 */
import { write } from 'node:fs';
import { errnoName } from '../errors.ts';

/** What is kept while the descriptor takes nothing. */
const MAX_LINES = 4096;
const MAX_OCTETS: number = 1 << 20;
/** Written at once, at most (unless a line is longer). */
const CHUNK = 65_536;
/** After EAGAIN (others have set O_NONBLOCK), and after any other fault. */
const BUSY_MS = 50;
const FAULT_MS = 1000;

export class LineWriter {
  /** Lines that were not kept, in all. */
  dropped = 0;
  /** Writes that failed (EPIPE, ENOSPC, EIO, …), in all. */
  faults = 0;
  /** Called with the lines dropped since the last time, when everything kept has been written. */
  onDrained: (dropped: number) => void = () => {};
  readonly #fd: number;
  readonly #lines: Buffer[] = [];
  #octets = 0;
  #untold = 0;
  /** What is left of the lines that are being written. */
  #chunk: Buffer | null = null;
  #writing = false;
  #retry: NodeJS.Timeout | null = null;
  #flushed: ((drained: boolean) => void) | null = null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** `line` ends with a newline. */
  push(line: string): void {
    const octets = Buffer.from(line);
    if (this.#lines.length >= MAX_LINES || this.#octets + octets.length > MAX_OCTETS) {
      this.dropped++;
      this.#untold++;
      return;
    }
    this.#lines.push(octets);
    this.#octets += octets.length;
    if (!this.#writing && this.#retry === null) this.#write();
  }

  /** Resolves when all is written (true), a write has failed (false), or `ms` have passed (false). */
  flush(ms: number): Promise<boolean> {
    if (this.#isDrained()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#flushed?.(false), ms);
      this.#flushed = (drained) => {
        clearTimeout(timer);
        this.#flushed = null;
        resolve(drained);
      };
      if (this.#retry !== null) this.#write();
    });
  }

  /** A write is under way: `process.exit` would wait for it, perhaps for ever. */
  get blocked(): boolean {
    return this.#writing;
  }

  #isDrained(): boolean {
    return this.#chunk === null && this.#lines.length === 0;
  }

  #write(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#chunk ??= this.#nextChunk();
    this.#writing = true;
    write(this.#fd, this.#chunk, 0, this.#chunk.length, null, (error, count) => {
      this.#writing = false;
      if (error === null) this.#wrote(count);
      else this.#failed(error);
    });
  }

  #nextChunk(): Buffer {
    let [count, octets] = [0, 0];
    while (count < this.#lines.length && (count === 0 || octets + this.#lines[count]!.length <= CHUNK))
      octets += this.#lines[count++]!.length;
    this.#octets -= octets;
    return Buffer.concat(this.#lines.splice(0, count), octets);
  }

  #wrote(count: number): void {
    const rest = this.#chunk!.subarray(count);
    this.#chunk = rest.length > 0 ? rest : null;
    if (this.#isDrained()) this.#drained();
    else this.#write();
  }

  #drained(): void {
    const dropped = this.#untold;
    this.#untold = 0;
    // What this says is a line more to write.
    if (dropped > 0) this.onDrained(dropped);
    if (this.#isDrained()) this.#flushed?.(true);
  }

  #failed(error: Error): void {
    const busy = errnoName(error) === 'EAGAIN';
    this.#retry = setTimeout(() => this.#write(), busy ? BUSY_MS : FAULT_MS).unref();
    if (busy) return;
    this.faults++;
    this.#flushed?.(false);
  }
}
