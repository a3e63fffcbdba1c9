/** How the configuration was last taken over, for the metrics and the control socket. */
import type { ReloadSnapshot } from '../api/daemon.ts';
import { messageOf } from '../errors.ts';

export class ReloadStatus {
  readonly started: Date = new Date();
  #successTime: Date = this.started;
  #refused: readonly string[] = [];
  #error: string | null = null;

  /** Waits for a reload, and notes how it ends. */
  async note<T extends { readonly refused: readonly string[] }>(reload: Promise<T>): Promise<T> {
    try {
      const done = await reload;
      [this.#successTime, this.#refused, this.#error] = [new Date(), done.refused, null];
      return done;
    } catch (error) {
      this.#error = messageOf(error);
      throw error;
    }
  }

  get snapshot(): ReloadSnapshot {
    return {
      successful: this.#error === null,
      success_time: this.#successTime.toISOString(),
      refused: [...this.#refused],
      error: this.#error,
    };
  }
}
