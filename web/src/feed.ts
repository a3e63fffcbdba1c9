/** The daemon's feed: server-sent events read by `fetch`, as an EventSource cannot send a token. */
import type { HistoryMessage, StateMessage } from '../../src/page/feed.ts';
import { EventParser } from './event-parser.ts';

export interface FeedListener {
  state(message: StateMessage): void;
  history(message: HistoryMessage): void;
  /** What is wrong with the feed, for people; null: nothing, it is live. */
  link(trouble: string | null): void;
  /** Resolves with the token that the daemon wants. */
  token(): Promise<string>;
}

const RETRY_MS = 2000;
/** The daemon says something each second. */
const SILENT_MS = 5000;
const TOKEN = 'l2vpnd-token';

/** Follows `tunnel`, until the next call. */
export class FeedReader {
  readonly #listener: FeedListener;
  #current: AbortController | null = null;

  constructor(listener: FeedListener) {
    this.#listener = listener;
  }

  follow(tunnel: string | null): void {
    this.#current?.abort();
    const current = new AbortController();
    this.#current = current;
    void this.#run(tunnel === null ? '/events' : `/events/${encodeURIComponent(tunnel)}`, current.signal);
  }

  async #run(path: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#read(path, signal);
        this.#listener.link('the daemon has ended the connection');
      } catch (error) {
        if (signal.aborted) return;
        this.#listener.link(`no connection to the daemon: ${error instanceof Error ? error.message : error}`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #read(path: string, signal: AbortSignal): Promise<void> {
    const silent = new AbortController();
    const both = AbortSignal.any([signal, silent.signal]);
    const token = sessionStorage.getItem(TOKEN);
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(path, { headers, signal: both, cache: 'no-store' });
    if (response.status === 401) {
      sessionStorage.setItem(TOKEN, await this.#listener.token());
      return this.#read(path, signal);
    }
    if (!response.ok || response.body === null) throw new Error(await reasonOf(response));
    const events = new EventParser((event, data) => this.#take(event, data));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const timer = setTimeout(() => silent.abort(new Error('it is silent')), SILENT_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      this.#listener.link(null);
      events.push(value);
    }
  }

  #take(event: string, data: string): void {
    if (event === 'state') this.#listener.state(JSON.parse(data) as StateMessage);
    if (event === 'history') this.#listener.history(JSON.parse(data) as HistoryMessage);
  }
}

async function reasonOf(response: Response): Promise<string> {
  const { error = response.statusText } = (await response.json().catch(() => ({}))) as { error?: string };
  return error;
}
