/** Which daemon is asked, what a configuration must be for it, and how long one that is silent is waited for. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { socketPath } from '../../../src/cli/daemon-choice.ts';
import { L2vpnError } from '../../../src/errors.ts';

const MAIN = 'dist/src/main.js';

let dir: string;
const servers: Server[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-choice-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(dir, { recursive: true, force: true });
});

/** Listens, and says nothing: what a stopped daemon does. */
async function listen(name: string): Promise<string> {
  const path = join(dir, name);
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

/** What a killed daemon leaves: a socket that nobody listens at. */
async function stale(name: string): Promise<string> {
  const path = join(dir, name);
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  await new Promise((resolve) => spawn(process.execPath, ['-e', script]).on('close', resolve));
  return path;
}

function config(text: string, mode = 0o600): string {
  const path = join(dir, 'site1.json');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

async function refusal(choice: Promise<string>): Promise<L2vpnError> {
  const error = await choice.then(
    (path) => new Error(`found ${path}`),
    (reason: unknown) => reason,
  );
  if (error instanceof L2vpnError) return error;
  throw error;
}

describe('the daemon that is asked', () => {
  it('is the one at --socket, whatever else there is', async () => {
    await listen('a.sock');
    expect(await socketPath({ socket: '/x.sock', config: '/nowhere' }, dir)).toBe('/x.sock');
  });

  it('is the only one in the runtime directory', async () => {
    writeFileSync(join(dir, 'notes.txt'), '');
    const path = await listen('site7.sock');
    expect(await socketPath({}, dir)).toBe(path);
    await stale('old.sock');
    expect(await socketPath({}, dir)).toBe(path);
  });

  it('must be named where there are several', async () => {
    const [a, b] = [await listen('a.sock'), await listen('b.sock')];
    const { code, message } = await refusal(socketPath({}, dir));
    expect(code).toBe('L2VPN_USAGE');
    expect(message).toBe(
      `there are several daemons: ${a}, ${b}; name one with --instance or --socket, or its configuration with --config`,
    );
  });

  it('is that of an instance, which is named where there are several', async () => {
    for (const name of ['site1', 'site2']) mkdirSync(join(dir, name));
    const one = await listen('site1/l2vpnd.sock');
    expect(await socketPath({}, dir)).toBe(one);
    const two = await listen('site2/l2vpnd.sock');
    expect((await refusal(socketPath({}, dir))).message).toMatch(
      /^there are several daemons: site1, site2; /,
    );
    expect(await socketPath({ instance: 'site2' }, dir)).toBe(two);
    for (const instance of ['..', 'a/b', ''])
      expect(await refusal(socketPath({ instance }, dir))).toMatchObject({ code: 'L2VPN_USAGE' });
  });

  it('is missed where there is none', async () => {
    for (const where of [dir, join(dir, 'nowhere')]) {
      expect(await refusal(socketPath({}, where))).toMatchObject({
        code: 'L2VPN_UNAVAILABLE',
        message: expect.stringMatching(/holds no control socket: is l2vpnd running\?/),
      });
    }
  });
});

describe('the daemon of a configuration', () => {
  it.each<[string, string, number]>([
    ['sound', '{"controlSocket": "s/x.sock", "tunnels": []}', 0o600],
    [
      'without its key files',
      '{"tunnels": [{"macsec": {"txSa": [{"keyFile": "no"}]}}], "controlSocket": "s/x.sock"}',
      0o600,
    ],
    ['with exposed keys', `{"key": "${'1a'.repeat(16)}", "controlSocket": "s/x.sock"}`, 0o666],
    [
      'wrong in other fields, and commented',
      '{"controlSocket": "s/x.sock", // here\n "workers": "x",}',
      0o600,
    ],
    ['broken behind it', '{"controlSocket": "s/x.sock", "tunnels": [', 0o600],
  ])('%s: its controlSocket, relative to the file', async (_, text, mode) => {
    expect(await socketPath({ config: config(text, mode) }, dir)).toBe(join(dir, 's/x.sock'));
  });

  it('that names none is the default one', async () => {
    expect(await socketPath({ config: config('{"tunnels": []}') }, dir)).toBe(
      '/run/l2vpnd/site1/l2vpnd.sock',
    );
  });

  it.each([
    ['not JSON', 'tunnels: []'],
    ['broken before it', '{"tunnels": [ "controlSocket": "s/x.sock"'],
    ['nested without end', '['.repeat(5000)],
  ])('that is %s is looked for in the runtime directory, which is said', async (_, text) => {
    const path = await listen('live.sock');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      expect(await socketPath({ config: config(text) }, dir)).toBe(path);
      expect(write.mock.calls.join('')).toMatch(
        /site1\.json cannot be read; asking the daemon at .*live\.sock\n/,
      );
    } finally {
      write.mockRestore();
    }
  });

  it('that does not exist is no other', async () => {
    await listen('live.sock');
    expect(await refusal(socketPath({ config: join(dir, 'typo.json') }, dir))).toMatchObject({
      code: 'L2VPN_NOINPUT',
      exitStatus: 66,
    });
  });
});

describe('a daemon that is silent', () => {
  function command(...args: string[]): Promise<{ status: number | null; stderr: string; ms: number }> {
    const started = performance.now();
    const child = spawn(process.execPath, [MAIN, ...args]);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    return new Promise((resolve) =>
      child.on('close', (status) => resolve({ status, stderr, ms: performance.now() - started })),
    );
  }

  it('is given up by every command after 3 s, with a cause', async () => {
    const socket = await listen('silent.sock');
    const rotate = ['rotate', 'site2', '--tx-key-file', 'a', '--rx-key-file', 'b'];
    for (const args of [['show'], ['reload'], rotate]) {
      const { status, stderr, ms } = await command(...args, '--socket', socket);
      expect([status, stderr]).toEqual([
        69,
        `l2vpnd: the daemon at ${socket} does not answer in 3 s: it may be stopped or blocked\n`,
      ]);
      expect(ms).toBeGreaterThan(2900);
      expect(ms).toBeLessThan(9000);
    }
  });
});
