/** Load on a tunnel while something is done to it. */
import { expect, vi } from 'vitest';
import { manyFrames } from './frames.ts';
import type { LiveTunnel } from './live.ts';

/** Frames both ways, group after group, each awaited and in its order, until told to stop. */
export class Traffic {
  readonly #done: Promise<void>;
  #groups = 0;
  #running = true;

  constructor(tunnel: LiveTunnel) {
    this.#done = this.#run(tunnel);
  }

  /** Resolves when some more groups have gone both ways. Throws what went wrong with one. */
  async more(): Promise<void> {
    const enough = this.#groups + 3;
    const passed = vi.waitFor(() => expect(this.#groups).toBeGreaterThan(enough), { timeout: 20_000 });
    await Promise.race([passed, this.#done]);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #run(tunnel: LiveTunnel): Promise<void> {
    const frames = manyFrames(25, 1430);
    while (this.#running) {
      await tunnel.exchange(frames);
      this.#groups++;
    }
  }
}
