import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StateStore } from '../../../src/state/store.ts';
import { disk, dropDir, errno, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const { sak } = makeChannel();
const ENDPOINT = { address: '2001:db8::1', port: 4754, lowestPn: 12_345n };
let dir: string;
let store: StateStore;
beforeEach(async () => {
  dir = makeDir();
  ({ store } = await startStore(dir));
});
afterEach(() => dropDir(dir));

describe("a dynamic peer's endpoint", () => {
  it('is there after a restart, whichever of the keys it is sealed with', async () => {
    expect(await store.loadEndpoint('hub', [sak])).toBeNull();
    await store.saveEndpoint('hub', ENDPOINT, sak);
    const { store: again, events } = await startStore(dir);
    const other = makeChannel().sak;
    expect(await again.loadEndpoint('hub', [other, sak])).toEqual({ ...ENDPOINT, sak });
    expect(events).toEqual([]);
  });

  it.each<[string, (text: string) => string]>([
    ['edited', (text) => text.replace('db8::1', 'db8::2')],
    ['cut off', (text) => text.slice(0, 40)],
    ['binary', () => '\0'],
  ])('%s is not used, and that is said', async (_what, damage) => {
    await store.saveEndpoint('hub', ENDPOINT, sak);
    const path = join(dir, 'tunnel-hub.endpoint.json');
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    const { store: again, events } = await startStore(dir);
    expect(await again.loadEndpoint('hub', [sak])).toBeNull();
    expect(events).toMatchObject([{ kind: 'ignored', level: 'warn', path }]);
    expect(events[0]!.message).toMatch(/stored endpoint in \S+ is not used.*the peer must speak first/);
  });

  it.each([
    ['no address', { address: '2.2.2' }],
    ['port 0', { port: 0 }],
    ['a port too high', { port: 65_536 }],
    ['a PN that is none', { lowestPn: -1n }],
  ])('%s is not used, whoever sealed it', async (_what, fields) => {
    await store.saveEndpoint('hub', { ...ENDPOINT, ...fields }, sak);
    expect(await store.loadEndpoint('hub', [sak])).toBeNull();
  });

  it('sealed with the key before a rotation is not used', async () => {
    await store.saveEndpoint('hub', ENDPOINT, sak);
    expect(await store.loadEndpoint('hub', [makeChannel().sak])).toBeNull();
  });

  it('that cannot be stored: said', async () => {
    const fs = disk((call) => {
      if (call === 'rename') throw errno('EDQUOT');
    });
    const full = (await startStore(dir, { fs })).store;
    expect((await refusal(full.saveEndpoint('hub', ENDPOINT, sak))).message).toMatch(
      /EDQUOT.*raise the quota/,
    );
  });
});
