/**
 * What the page shows, live: server-sent events (HTML Living Standard 9.2), one a second to each reader.
 *
 *     GET /events          all tunnels in a line each
 *     GET /events/NAME     and the tunnel NAME, as the control protocol tells of it, with its history
 *
 * Readers are few, and one that does not read is let go: nothing waits for it but one buffer.
 */
import type { ServerResponse } from 'node:http';
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import type { EventRing } from './event-ring.ts';
import type { History, HistoryJson } from './history.ts';
import { type OverviewLine, overviewLine } from './overview.ts';

const MAX_READERS = 4;
const TICK_MS = 1000;
/** Octets that may wait for a reader. */
const MAX_WAITING = 1_000_000;
/** The list of all tunnels is this long at most. */
const MAX_LISTED = 1000;

/** What comes every second. */
export interface StateMessage {
  /** Milliseconds since 1970. */
  at: number;
  version: string;
  host: string;
  tunnels: OverviewLine[];
  /** Tunnels beyond those that are listed. */
  more: number;
  down: DownSnapshot[];
  /** The one that was asked for; null: none, or it is not there. */
  tunnel: TunnelSnapshot | null;
  /** What the tunnel puts around an inner packet, in the order of the frame; empty: there is no such tunnel. */
  frame: readonly FramePart[];
  /** New lines of the log, JSON. */
  events: string[];
}

/** A header, or what stands behind the payload. */
export interface FramePart {
  readonly name: string;
  readonly octets: number;
}

/** What comes first, of the tunnel that was asked for. */
export type HistoryMessage = HistoryJson & { name: string };

export interface FeedSource {
  readonly version: string;
  readonly host: string;
  tunnels(): readonly TunnelSnapshot[];
  down(): readonly DownSnapshot[];
  frameOf(tunnel: string): readonly FramePart[];
  readonly history: History;
  readonly events: EventRing;
}

interface Reader {
  readonly res: ServerResponse;
  readonly tunnel: string | null;
  /** The last line of the log that it has. */
  told: number;
}

export class Feed {
  readonly #source: FeedSource;
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | null = null;

  constructor(source: FeedSource) {
    this.#source = source;
  }

  /** From now on `res` gets events. Returns false where there are readers enough. */
  open(res: ServerResponse, tunnel: string | null): boolean {
    if (this.#readers.size >= MAX_READERS) return false;
    const reader: Reader = { res, tunnel, told: 0 };
    this.#readers.add(reader);
    res.on('close', () => this.#leave(reader));
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const history = tunnel === null ? null : this.#source.history.of(tunnel);
    if (history !== null) write(reader, 'history', { name: tunnel, ...history });
    this.#tell([reader]);
    this.#timer ??= setInterval(() => this.#tell([...this.#readers]), TICK_MS);
    return true;
  }

  close(): void {
    for (const { res } of this.#readers) res.destroy();
    this.#readers.clear();
    this.#rest();
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tell(readers: readonly Reader[]): void {
    const { version, host, history, events } = this.#source;
    const tunnels = this.#source.tunnels();
    const lines = tunnels.slice(0, MAX_LISTED).map((tunnel) => overviewLine(tunnel, history));
    const common = { at: Date.now(), version, host, tunnels: lines, more: tunnels.length - lines.length };
    const down = [...this.#source.down()];
    for (const reader of readers) {
      const fresh = events.after(reader.told);
      reader.told = events.last;
      const tunnel = tunnels.find(({ name }) => name === reader.tunnel) ?? null;
      const frame = tunnel === null ? [] : this.#source.frameOf(tunnel.name);
      const message: StateMessage = { ...common, down, tunnel, frame, events: fresh.map(({ line }) => line) };
      write(reader, 'state', message);
    }
  }
}

function write({ res }: Reader, event: string, data: unknown): void {
  if (res.writableLength > MAX_WAITING) {
    res.destroy();
    return;
  }
  res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
