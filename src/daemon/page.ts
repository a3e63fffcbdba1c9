/** The page at `metrics.listen`: its files, its feed, and the history behind it, sampled once a second. */
import { hostname } from 'node:os';
import { type Endpoint, jsonReply, type Stream } from '../api/router.ts';
import type { Refusal } from '../api/routes.ts';
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import type { EventRing } from '../page/event-ring.ts';
import { Feed, type FramePart } from '../page/feed.ts';
import { pageFiles } from '../page/files.ts';
import { History, type Sampled } from '../page/history.ts';

const SAMPLE_MS = 1000;

export interface PageSource {
  readonly version: string;
  readonly events: EventRing;
  /** What the history is made of. */
  sampled(): Iterable<Sampled>;
  tunnels(): readonly TunnelSnapshot[];
  down(): readonly DownSnapshot[];
  frameOf(tunnel: string): readonly FramePart[];
  failed(error: unknown): void;
}

export interface Page {
  readonly endpoints: readonly (Endpoint | Stream)[];
  /** Paths that hold nothing but the page itself. */
  readonly open: ReadonlySet<string>;
  close(): void;
}

export function openPage(source: PageSource): Page {
  const history = new History();
  const sample = (): void => {
    try {
      history.tick(source.sampled(), performance.now(), Date.now() / 1000);
    } catch (error) {
      source.failed(error);
    }
  };
  const timer = setInterval(sample, SAMPLE_MS);
  const { version, events } = source;
  const feed = new Feed({
    version,
    host: hostname(),
    tunnels: () => source.tunnels(),
    down: () => source.down(),
    frameOf: (tunnel) => source.frameOf(tunnel),
    history,
    events,
  });
  const files = pageFiles();
  return {
    endpoints: [...files, ...streamsOf(feed)],
    open: new Set(files.map(({ path }) => path)),
    close: () => {
      clearInterval(timer);
      feed.close();
    },
  };
}

function streamsOf(feed: Feed): Stream[] {
  const busy = jsonReply(503, { error: 'the page is open too often' } satisfies Refusal);
  return ['/events', '/events/{name}'].map((path) => ({
    method: 'GET',
    path,
    open: (params, res) => (feed.open(res, params.name ?? null) ? null : busy),
  }));
}
