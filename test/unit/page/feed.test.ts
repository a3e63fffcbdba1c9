/** The page's feed over a real HTTP server: what comes, to how many, and who is let go. */
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { closeServer, createRouter, jsonReply } from '../../../src/api/router.ts';
import type { DownSnapshot } from '../../../src/api/tunnel.ts';
import { EventRing } from '../../../src/page/event-ring.ts';
import { Feed, type StateMessage } from '../../../src/page/feed.ts';
import { History } from '../../../src/page/history.ts';
import { EventParser } from '../../../web/src/event-parser.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function opened(events = new EventRing(), reason = 'gone') {
  const down: DownSnapshot[] = [
    { name: 'site9', ifname: 'macsec9', reason, since: '2026-11-24T10:00:00.000Z', retry_seconds: 1 },
  ];
  const feed = new Feed({
    ...{ version: '1.2.3', host: 'nsra', history: new History(), events },
    tunnels: () => [],
    down: () => down,
    frameOf: () => [],
  });
  const stream = {
    method: 'GET',
    path: '/events/{name}',
    open: (params: Readonly<Record<string, string>>, res: Parameters<Feed['open']>[0]) =>
      feed.open(res, params.name!) ? null : jsonReply(503, { error: 'enough' }),
  };
  const server = createRouter([stream], 16);
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  closing.push(
    () => feed.close(),
    () => closeServer(server),
  );
  const { port } = server.address() as AddressInfo;
  const abort = new AbortController();
  closing.push(() => abort.abort());
  const get = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/events/x`, { signal: abort.signal });
  return { get, port };
}

async function firstState(response: Response): Promise<StateMessage> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return new Promise((resolve, reject) => {
    const parser = new EventParser(
      (event, data) => event === 'state' && resolve(JSON.parse(data) as StateMessage),
    );
    const next = (): void => {
      reader.read().then(({ done, value }) => {
        if (done) return reject(new Error('the feed has ended'));
        parser.push(value);
        next();
      }, reject);
    };
    next();
  });
}

describe('the feed', () => {
  it('says at once what there is, with the last lines of the log', async () => {
    const events = new EventRing();
    for (let i = 0; i < 300; i++) events.add(`{"msg":"line ${i}"}\n`);
    events.add(`{"msg":"${'x'.repeat(5000)}"}\n`);
    const { get } = await opened(events);
    const response = await get();
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const state = await firstState(response);
    expect(state).toMatchObject({ version: '1.2.3', host: 'nsra', tunnels: [], tunnel: null, more: 0 });
    expect(state.down[0]?.name).toBe('site9');
    expect(state.events).toHaveLength(200);
    expect(state.events.at(-1)).toBe('{"msg":"line 299"}');
  });

  it('has few readers: the fifth is told so, and has a place when one has gone', async () => {
    const { get } = await opened();
    const readers = await Promise.all([get(), get(), get(), get()]);
    expect(readers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const fifth = await get();
    expect([fifth.status, await fifth.json()]).toEqual([503, { error: 'enough' }]);
    await readers[0]!.body!.cancel();
    await expect.poll(async () => (await get()).status, { timeout: 10_000 }).toBe(200);
  });

  it('lets go of a reader that does not read', async () => {
    const { port } = await opened(new EventRing(), 'x'.repeat(900_000));
    const socket = connect(port, '127.0.0.1');
    closing.push(() => void socket.destroy());
    socket.write('GET /events/x HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.pause();
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // What the kernel has room for is taken; the rest is the daemon's, a few seconds' worth at most.
    await new Promise((resolve) => setTimeout(resolve, 8000));
    socket.resume();
    socket.on('error', () => {});
    await closed;
  });
});
