/**
 * One file of the state directory while the process lives: written one text at a time, in the order asked for; of texts
 * that wait for the one being written the newest is written and the others never are, and all who asked hear of it.
 */

/** Where a `StateFile` writes to. `known`: the file should be there already. */
export interface FilePlace {
  write(path: string, text: string, known: boolean): Promise<void>;
  remove(path: string): Promise<void>;
}

/** What is to be done next: a text, the removal of the file, or the last text once more. */
type Job = { readonly text: string } | 'remove' | 'again';

export class StateFile {
  readonly path: string;
  readonly #place: FilePlace;
  /** What the disk has taken; null: nothing. */
  #known: string | null = null;
  #running: Promise<void> = Promise.resolve();
  #writing = false;
  #waiting: { job: Job; done: Promise<void> } | null = null;

  constructor(path: string, place: FilePlace) {
    this.path = path;
    this.#place = place;
  }

  /** Has this process stored something here, or found it? */
  get isKnown(): boolean {
    return this.#known !== null;
  }

  /** Is it being written, or about to be? */
  get isBusy(): boolean {
    return this.#writing || this.#waiting !== null;
  }

  /** `text` was read from the file: what `rewrite` puts back. */
  found(text: string): void {
    this.#known ??= text;
  }

  /** Resolves when `text`, or a newer one, is on disk. Rejects as the write did; the last text stays then. */
  put(text: string): Promise<void> {
    return this.#ask({ text });
  }

  /** Puts back what the disk has had: the file was removed by others. */
  rewrite(): Promise<void> {
    return this.#waiting?.done ?? this.#ask('again');
  }

  remove(): Promise<void> {
    return this.#ask('remove');
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#running;
    if (this.#waiting !== null) await this.idle();
  }

  #ask(job: Job): Promise<void> {
    if (this.#waiting !== null) {
      this.#waiting.job = job;
      return this.#waiting.done;
    }
    const turn = { job, done: Promise.resolve() };
    this.#waiting = turn;
    turn.done = this.#running.then(() => {
      this.#waiting = null;
      this.#writing = true;
      return this.#carryOut(turn.job).finally(() => {
        this.#writing = false;
      });
    });
    this.#running = turn.done.catch(() => {});
    return turn.done;
  }

  async #carryOut(job: Job): Promise<void> {
    if (job === 'remove') {
      this.#known = null;
      return this.#place.remove(this.path);
    }
    const text = job === 'again' ? this.#known : job.text;
    if (text === null) return;
    await this.#place.write(this.path, text, this.#known !== null && job !== 'again');
    this.#known = text;
  }
}
