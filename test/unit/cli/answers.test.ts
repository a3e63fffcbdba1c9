/** `reload`, `rotate` and `show` with a daemon that answers so or so: what they print as text and as JSON, and their exit status. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openControl } from '../../../src/api/control-socket.ts';
import type { RotationStatus } from '../../../src/api/rotate.ts';
import { closeServer } from '../../../src/api/router.ts';
import type { Handlers } from '../../../src/api/server.ts';
import { printNames } from '../../../src/cli/completion/names.ts';
import { setOutput } from '../../../src/cli/output.ts';
import { reload } from '../../../src/cli/reload.ts';
import { rotate } from '../../../src/cli/rotate.ts';
import { show } from '../../../src/cli/show.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { DAEMON } from '../report/metrics-kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const TUNNEL = snapshotOf((await tunnelOf(macsecConfig())).tunnel, 'batch', null);
const DONE: RotationStatus = {
  ...{ an: 1, state: 'done', wentBack: false },
  file: { encodingSa: 1, txSa: [], rxSc: { sci: '0000002222220001', sa: [] } },
};
const RELOADED = { added: ['a'], removed: [], changed: ['b', 'c'], restarted: [], refused: [] };
const LOST = {
  ...TUNNEL,
  peer: { state: 'lost', since: new Date().toISOString(), last_authentic: null },
} as const;
const DOWN = {
  name: 'site3',
  ifname: 'tap3',
  reason: 'gone',
  since: new Date().toISOString(),
  retry_seconds: 8,
};

let dir: string;
let socket: string;
let server: Server;
let printed = '';

/** What it throws is what the daemon refuses. */
async function daemon(changes: Partial<Handlers> = {}): Promise<void> {
  const handlers: Handlers = {
    tunnels: async () => [TUNNEL],
    tunnel: async () => ({ ...TUNNEL, rotation: DONE }),
    down: async () => [],
    daemon: async () => DAEMON,
    rotate: async () => ({ ...DONE, state: 'grace time' }),
    abort: async () => ({ ...DONE, state: 'aborted' }),
    reload: async () => RELOADED,
    handOver: async () => ({ pid: 1 }),
    ...changes,
  };
  server = await openControl(socket, handlers);
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-answers-'));
  socket = join(dir, 's');
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  setOutput({ json: false, color: 'auto' });
  await closeServer(server);
  rmSync(dir, { recursive: true, force: true });
});

const lines = (): unknown[] =>
  printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('l2vpnd reload', () => {
  it('says what was done, per tunnel or as the daemon answers', async () => {
    await daemon();
    expect(await reload({ socket })).toBe(0);
    expect(printed).toBe('tunnel a: added\ntunnel b: changed\ntunnel c: changed\n');
    printed = '';
    expect(await reload({ socket, json: true })).toBe(0);
    expect(lines()).toEqual([RELOADED]);
  });

  it('is 69 where something waits for a restart, and says it in the object', async () => {
    await daemon({ reload: async () => ({ ...RELOADED, refused: ['workers: needs a restart'] }) });
    expect(await reload({ socket, json: true })).toBe(69);
    expect(lines()).toMatchObject([{ refused: ['workers: needs a restart'] }]);
  });
});

describe('l2vpnd rotate --json', () => {
  beforeEach(() => setOutput({ json: true }));

  it('prints the rotation, and with --wait each step', async () => {
    await daemon();
    expect(await rotate('site2', { socket })).toBe(0);
    expect(lines()).toEqual([{ tunnel: 'site2', ...DONE, state: 'grace time' }]);
    printed = '';
    expect(await rotate('site2', { socket, wait: true })).toBe(0);
    expect(lines()).toMatchObject([{ state: 'grace time' }, { tunnel: 'site2', state: 'done' }]);
    printed = '';
    expect(await rotate('site2', { socket, abort: true })).toBe(0);
    expect(lines()).toMatchObject([{ tunnel: 'site2', state: 'aborted' }]);
  });

  it('prints whether a new SAK was ordered or asked for', async () => {
    await daemon({ rotate: async () => ({ rekey: 'asked' }) });
    expect(await rotate('site2', { socket })).toBe(0);
    expect(lines()).toEqual([{ tunnel: 'site2', rekey: 'asked' }]);
  });
});

describe('l2vpnd show with colours', () => {
  it('has what is bad in red, the name of the device as ip has it, and nothing else changed', async () => {
    await daemon({ tunnels: async () => [LOST], down: async () => [DOWN] });
    vi.useFakeTimers({ toFake: ['Date'] });
    expect(await show(undefined, { socket })).toBe(69);
    const plain = printed;
    printed = '';
    setOutput({ color: 'always' });
    await show(undefined, { socket });
    const marked = printed
      .replaceAll('\x1b[36m', '<name>')
      .replaceAll('\x1b[31m', '<bad>')
      .replaceAll('\x1b[39m', '<>');
    expect(marked).toContain(`<name>${TUNNEL.ifname}<>: `);
    expect(marked).toMatch(/<bad>peer lost since .*<>$/m);
    expect(marked).toMatch(/^<bad>tap3: tunnel site3 is down since .*<>$/m);
    expect(stripVTControlCharacters(printed)).toBe(plain);
  });
});

describe('l2vpnd __names', () => {
  it('prints the names of tunnels that are up or down', async () => {
    await daemon({ down: async () => [DOWN] });
    expect(await printNames({ socket })).toBe(0);
    expect(printed).toBe('site2\nsite3\n');
  });

  it('says nothing where nobody answers', async () => {
    await daemon();
    expect(await printNames({ socket: join(dir, 'none') })).toBe(0);
    expect(printed).toBe('');
  });
});
