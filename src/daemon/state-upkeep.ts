/**
 * Packet numbers on disk while tunnels run: further grants, what was received, what somebody has removed. Nothing waits
 * for the disk; of each kind one write at a time is under way per tunnel, and one that fails is tried again each second.
 */
import type { Logger } from 'pino';
import type { StateStore } from '../state/store.ts';
import type { DueEndpoint } from '../tunnel/learned-endpoint.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { StateTrouble, type Trouble } from './state-trouble.ts';

/** A disk that has not answered for so long is told of. */
const SILENT_MS = 10_000;
/** Under this name for what is not about one tunnel; no tunnel is called so. */
const ALL = '';

interface Write {
  readonly tunnel: string;
  readonly trouble: Trouble;
  readonly sinceMs: number;
}

export class StateUpkeep {
  readonly #store: StateStore;
  readonly #trouble: StateTrouble;
  readonly #writes = new Map<string, Write>();
  readonly #whenDone: ((value: unknown) => void)[] = [];

  constructor(store: StateStore, log: Logger) {
    this.#store = store;
    this.#trouble = new StateTrouble(log);
  }

  /** Once a second. */
  tick(tunnels: Iterable<Tunnel>): void {
    this.#tellSilence();
    this.#once(ALL, 'store', () => this.#store.verify());
    for (const tunnel of tunnels) {
      if (this.#trouble.has(tunnel.name, 'grant')) this.grant(tunnel);
      // Nothing of agreed keys is stored, and there may be very many of them.
      if (tunnel.agreesKeys) continue;
      this.#once(tunnel.name, 'store', async () => {
        await tunnel.saveReceived();
        await this.#saveEndpoint(tunnel, tunnel.dueEndpoint());
      });
    }
  }

  /** Its lanes are short of numbers. A disk that does not take them now may do so in a second; until then frames go on within what is granted. */
  grant(tunnel: Tunnel): void {
    this.#once(tunnel.name, 'grant', () => tunnel.grant());
  }

  /** The tunnel closes: where its peer is, and that all has come that was sent. */
  async saveLast(tunnel: Tunnel): Promise<void> {
    await this.#saveEndpoint(tunnel, tunnel.dueEndpoint(true)).catch((error: unknown) =>
      this.tell(tunnel.name, 'store', error),
    );
  }

  async #saveEndpoint(tunnel: Tunnel, due: DueEndpoint | null): Promise<void> {
    if (due === null) return;
    try {
      await this.#store.saveEndpoint(tunnel.name, due.endpoint, due.sak);
    } catch (error) {
      tunnel.endpointFailed();
      throw error;
    }
  }

  /** Resolves when all that has been begun is done, well or not. */
  async idle(): Promise<void> {
    while (this.#writes.size > 0) await new Promise((resolve) => this.#whenDone.push(resolve));
  }

  tell(tunnel: string, trouble: Trouble, error: unknown): void {
    this.#trouble.tell(tunnel, trouble, error);
  }

  /** The tunnel is closed. */
  forget(tunnel: string): void {
    this.#trouble.forget(tunnel);
  }

  #once(tunnel: string, trouble: Trouble, write: () => Promise<void>): void {
    const key = `${tunnel} ${trouble}`;
    if (this.#writes.has(key)) return;
    this.#writes.set(key, { tunnel, trouble, sinceMs: performance.now() });
    write()
      .then(
        () => this.#trouble.over(tunnel, trouble),
        (error: unknown) => this.#trouble.tell(tunnel, trouble, error),
      )
      .finally(() => {
        this.#writes.delete(key);
        for (const resolve of this.#whenDone.splice(0)) resolve(undefined);
      });
  }

  #tellSilence(): void {
    const now = performance.now();
    for (const { tunnel, trouble, sinceMs } of this.#writes.values()) {
      if (now - sinceMs < SILENT_MS) continue;
      const text = `stateDir ${this.#store.dir} does not answer; is its file system frozen, or its disk failing?`;
      this.#trouble.tell(tunnel, trouble, new Error(text));
    }
  }
}
