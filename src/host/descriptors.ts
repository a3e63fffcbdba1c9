/** Descriptors that go from one process to another, and what is said of them there: places in a list. */
import { loadAddon } from '../native/load.ts';
import { closeFds } from './close.ts';

/** Programs that this process starts do not get `fd`, which came without that. */
export function closeOnExec(fd: number): void {
  loadAddon().closeOnExec(fd);
}

/** What goes over. The descriptors stay their owners', who close them when the other process has them. */
export class FdSink {
  readonly fds: number[] = [];

  /** Returns the place of `fd`. */
  add(fd: number): number {
    return this.fds.push(fd) - 1;
  }
}

/** What has come. Who takes a descriptor owns it. */
export class FdSource {
  readonly #fds: (number | null)[];

  /** −1: nothing has come for that place. */
  constructor(fds: readonly number[]) {
    this.#fds = [...fds];
  }

  /** The descriptor at `place`. Throws RangeError where none is, or somebody has it. */
  take(place: number): number {
    const fd = this.#fds[place] ?? null;
    if (fd === null || fd < 0) throw new RangeError(`there is no descriptor at place ${place}`);
    this.#fds[place] = null;
    return fd;
  }

  /** Nobody wants the others. */
  closeRest(): void {
    closeFds(this.#fds.flatMap((fd) => (fd === null || fd < 0 ? [] : [fd])));
    this.#fds.fill(null);
  }
}
