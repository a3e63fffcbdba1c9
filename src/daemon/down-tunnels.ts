/**
 * Tunnels that are down because something of theirs is gone (the TAP was deleted, the socket failed): each is tried again
 * by itself, after 1 s, 2 s, 4 s … a minute, while the others go on. What may still come, such as a bridge that another
 * service makes at boot, is looked for each second.
 */
import type { Logger } from 'pino';
import type { DownSnapshot } from '../api/tunnel.ts';
import type { TunnelConfig } from '../config/types.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import type { RunningSas } from '../keys/key-source.ts';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

export interface DownTunnel {
  /** As it ran: SAs that a rotation has brought are in it. */
  config: TunnelConfig;
  /** The SAs that it goes on with; null without MACsec. */
  sas: RunningSas | null;
  /** Where it stands in the configuration. */
  readonly index: number;
  /** Why it went down, or why it could not come up again. */
  reason: string;
  readonly sinceMs: number;
  retryMs: number;
  timer: NodeJS.Timeout | null;
}

export function downSnapshot({ config, reason, sinceMs, retryMs }: DownTunnel): DownSnapshot {
  const { name, tap } = config;
  const since = new Date(sinceMs).toISOString();
  return { name, ifname: tap.ifname, reason, since, retry_seconds: retryMs / 1000 };
}

export class DownTunnels {
  readonly #log: Logger;
  readonly #bringUp: (down: DownTunnel) => Promise<boolean>;
  readonly #byName = new Map<string, DownTunnel>();

  /**
   * `bringUp` waits until nothing else changes tunnels, and opens this one if it `isDown` still: false where it is not.
   * Rejects where it cannot.
   */
  constructor(log: Logger, bringUp: (down: DownTunnel) => Promise<boolean>) {
    this.#log = log;
    this.#bringUp = bringUp;
  }

  get(name: string): DownTunnel | null {
    return this.#byName.get(name) ?? null;
  }

  /** Not forgotten meanwhile, by a reload or the stop. */
  isDown(down: DownTunnel): boolean {
    return this.get(down.config.name) === down;
  }

  all(): IterableIterator<DownTunnel> {
    return this.#byName.values();
  }

  /** The tunnel has gone down for `reason`: from now on it is tried again. */
  add(config: TunnelConfig, index: number, sas: RunningSas | null, reason: string): void {
    const down = this.#keep(config, index, sas, reason);
    this.#log.error(fieldsOf(down), `tunnel down: ${reason}`);
  }

  /** The tunnel cannot come up before something else has, which `error` names. */
  await(config: TunnelConfig, index: number, error: L2vpnError): void {
    const down = this.#keep(config, index, null, reasonOf(error));
    this.#log.warn(fieldsOf(down), `tunnel down: ${down.reason}: ${error.message}`);
  }

  /** It is not tried again; its configuration, where it was down. */
  forget(name: string): TunnelConfig | null {
    const down = this.get(name);
    if (down === null) return null;
    if (down.timer !== null) clearTimeout(down.timer);
    this.#byName.delete(name);
    return down.config;
  }

  stop(): void {
    for (const name of [...this.#byName.keys()]) this.forget(name);
  }

  #keep(config: TunnelConfig, index: number, sas: RunningSas | null, reason: string): DownTunnel {
    const down: DownTunnel = {
      ...{ config, sas, index, reason, sinceMs: Date.now(), retryMs: FIRST_RETRY_MS, timer: null },
    };
    this.#byName.set(config.name, down);
    this.#schedule(down);
    return down;
  }

  #schedule(down: DownTunnel): void {
    down.timer = setTimeout(() => void this.#retry(down), down.retryMs);
  }

  async #retry(down: DownTunnel): Promise<void> {
    const { name } = down.config;
    try {
      if (!(await this.#bringUp(down))) return;
      this.#byName.delete(name);
      this.#log.warn(
        { tunnel: name, seconds: Math.round((Date.now() - down.sinceMs) / 1000) },
        'tunnel up again',
      );
    } catch (error) {
      if (!this.isDown(down)) return;
      this.#failed(down, error);
      this.#schedule(down);
    }
  }

  #failed(down: DownTunnel, error: unknown): void {
    const [before, waits] = [down.reason, waitsFor(error) !== null];
    down.reason = reasonOf(error);
    down.retryMs = waits ? FIRST_RETRY_MS : Math.min(down.retryMs * 2, LONGEST_RETRY_MS);
    if (!waits || down.reason !== before) this.#log.warn(fieldsOf(down), `tunnel still down: ${down.reason}`);
  }
}

function waitsFor(error: unknown): string | null {
  return error instanceof L2vpnError ? error.waitsFor : null;
}

function reasonOf(error: unknown): string {
  const awaited = waitsFor(error);
  return awaited === null ? messageOf(error) : `waiting for ${awaited}`;
}

function fieldsOf({ config, retryMs }: DownTunnel): object {
  return { tunnel: config.name, retrySeconds: retryMs / 1000 };
}
