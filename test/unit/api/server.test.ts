/** The control socket: who may ask, and what is answered. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as client from '../../../src/api/client.ts';
import { openControl } from '../../../src/api/control-socket.ts';
import type { RotationStatus } from '../../../src/api/rotate.ts';
import { closeServer } from '../../../src/api/router.ts';
import type { Handlers } from '../../../src/api/server.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { DAEMON } from '../report/metrics-kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';
import { ask } from './http.ts';

let dir: string;
const servers: Server[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-control-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await closeServer(server);
  rmSync(dir, { recursive: true, force: true });
});

const { tunnel } = await tunnelOf(macsecConfig());
const snapshot = snapshotOf(tunnel, 'batch', null);
/** What the daemon was asked to do. */
const asked: unknown[] = [];
const ROTATING: RotationStatus = {
  ...{ an: 1, state: 'grace time', wentBack: false },
  file: { encodingSa: 1, txSa: [], rxSc: { sci: '0000002222220001', sa: [] } },
};
const api: Handlers = {
  tunnels: async () => [snapshot],
  tunnel: async ({ name }) => (name === snapshot.name ? snapshot : null),
  rotate: async ({ name }, body) => {
    if (name !== snapshot.name) return null;
    asked.push(body);
    return ROTATING;
  },
  abort: async () => null,
  down: async () => [],
  daemon: async () => DAEMON,
  handOver: async () => ({ pid: 1 }),
  reload: async () => {
    throw new L2vpnError('L2VPN_KEYFILE', 'key file x does not exist', { exitStatus: 66 });
  },
};

async function open(path: string): Promise<Server> {
  const server = await openControl(path, api);
  servers.push(server);
  return server;
}

const ROTATE = JSON.stringify({ txKeyFile: '/tx', rxKeyFile: '/rx' });

describe('the control socket', () => {
  it('is there for its owner only, whatever the umask', async () => {
    const path = join(dir, 'run', 'l2vpnd.sock');
    await open(path);
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('answers with all tunnels, or one', async () => {
    const socketPath = join(dir, 's');
    await open(socketPath);
    const all = await ask({ socketPath, path: '/v1/tunnels' });
    expect([all.status, all.type]).toEqual([200, 'application/json']);
    expect(JSON.parse(all.body)).toEqual([JSON.parse(JSON.stringify(snapshot))]);
    const one = await ask({ socketPath, path: '/v1/tunnels/site2' });
    expect(JSON.parse(one.body).name).toBe('site2');
  });

  it('says its version at /v1, and in a header of every answer', async () => {
    const socketPath = join(dir, 's');
    await open(socketPath);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const asked = await ask({ socketPath, path: '/v1' });
    expect(JSON.parse(asked.body)).toEqual({ api: 1, version, pid: process.pid });
    for (const path of ['/v1', '/v1/tunnels', '/v2/tunnels', '/v1/tunnels/other']) {
      const { headers } = await ask({ socketPath, path });
      expect(headers).toMatchObject({ 'l2vpnd-api': '1', 'l2vpnd-version': version });
    }
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/v1/tunnels/other', 404],
    ['GET', '/v1/tunnels/../../etc/passwd', 404],
    ['GET', '/v1/tunnels/%2e', 404],
    ['GET', '/v1/tunnels/%', 404],
    ['GET', '/v1/tunnels/site2/rotate/', 404],
    ['POST', '/v1/tunnels/other/rotate', 404],
    ['DELETE', '/v1/tunnels', 405],
    ['GET', '/v1/reload', 405],
  ])('%s %s: %i', async (method, path, status) => {
    const socketPath = join(dir, 's');
    await open(socketPath);
    const answer = await ask({ socketPath, path }, method, method === 'POST' ? ROTATE : undefined);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toHaveProperty('error');
  });

  it('takes the place of one that a killed daemon has left', async () => {
    const path = join(dir, 's');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(statSync(path).isSocket()).toBe(true);
    await open(path);
    expect((await ask({ socketPath: path, path: '/v1/tunnels' })).status).toBe(200);
  });

  it('does not take the place of a daemon that answers', async () => {
    const path = join(dir, 's');
    await open(path);
    await expect(openControl(path, api)).rejects.toMatchObject({ code: 'L2VPN_UNAVAILABLE', exitStatus: 69 });
    expect((await ask({ socketPath: path, path: '/v1/tunnels' })).status).toBe(200);
  });

  it('does not remove a file that is no socket', async () => {
    const path = join(dir, 'precious');
    writeFileSync(path, 'data');
    await expect(openControl(path, api)).rejects.toMatchObject({ code: 'L2VPN_CANTCREATE', exitStatus: 73 });
    expect(statSync(path).size).toBe(4);
  });

  it.each([
    ['its directory', 'open', 0o777],
    ['its directory, as /tmp', 'open', 0o1777],
    ['one above', '.', 0o702],
  ])('is refused where others may write %s: they could put theirs in its place', async (_, at, mode) => {
    const open = join(dir, 'open');
    mkdirSync(open);
    chmodSync(join(dir, at), mode);
    const error = await openControl(join(open, 's'), api).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'L2VPN_CANTCREATE', exitStatus: 73 });
    expect((error as Error).message).toMatch(
      /controlSocket \S+: others may write \S+ \(mode \d+\), so somebody else could answer.*; chmod go-w \S+, or/,
    );
    expect(() => statSync(join(open, 's'))).toThrow(/ENOENT/);
  });

  it('says so where it cannot be made', async () => {
    writeFileSync(join(dir, 'file'), '');
    chmodSync(join(dir, 'file'), 0o600);
    await expect(openControl(join(dir, 'file', 's'), api)).rejects.toMatchObject({ exitStatus: 73 });
  });
});

describe('the client of the control socket', () => {
  async function opened(): Promise<string> {
    const path = join(dir, 's');
    await open(path);
    return path;
  }

  it('gets what the daemon answers, and the daemon what was sent', async () => {
    const path = await opened();
    expect(await client.ask(path, 'tunnel', { name: 'site2' })).toEqual(JSON.parse(JSON.stringify(snapshot)));
    const body = { txKeyFile: '/tx', rxKeyFile: '/rx', now: true };
    expect(await client.ask(path, 'rotate', { name: 'site2' }, body)).toEqual(ROTATING);
    expect(asked.splice(0)).toEqual([body]);
  });

  it('throws what the daemon refuses, with its code and exit status', async () => {
    const path = await opened();
    await expect(client.ask(path, 'reload', {})).rejects.toMatchObject({
      code: 'L2VPN_KEYFILE',
      exitStatus: 66,
      message: 'key file x does not exist',
    });
    await expect(client.ask(path, 'tunnel', { name: 'a/b' })).rejects.toMatchObject({
      code: 'L2VPN_USAGE',
      exitStatus: 64,
      message: 'there is no /v1/tunnels/a%2Fb',
    });
  });

  it('asks nobody whose socket somebody else has put into a directory of all', async () => {
    if (process.geteuid?.() !== 0) return console.warn('chown needs root: nobody else can have a socket');
    const path = await opened();
    chownSync(path, 65534, 65534);
    await expect(client.ask(path, 'tunnels', {})).rejects.toMatchObject({
      code: 'L2VPN_PERMISSION',
      message: expect.stringMatching(/belongs to uid 65534, and its directory does not/),
    });
    chownSync(dir, 65534, 65534);
    expect(await client.ask(path, 'tunnels', {})).toHaveLength(1);
  });

  /** Something that answers everything so. */
  async function answering(headers: Record<string, string>, text: string): Promise<string> {
    const path = join(dir, 'other');
    const server = createServer((_, res) => void res.writeHead(404, headers).end(text));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return path;
  }

  it.each(['tunnels', 'reload'] as const)('tells a daemon of another protocol version: %s', async (route) => {
    const headers = { 'l2vpnd-api': '2', 'l2vpnd-version': '0.9.0' };
    const path = await answering(headers, '{"error":"there is no /v1"}');
    await expect(client.ask(path, route, {})).rejects.toMatchObject({
      ...{ code: 'L2VPN_UNAVAILABLE', exitStatus: 69 },
      message: `the daemon at ${path}, l2vpnd 0.9.0, speaks version 2 of the control protocol and this command version 1: restart the daemon after an upgrade, or use the command that belongs to it`,
    });
  });

  it('tells what is no l2vpnd at all', async () => {
    const path = await answering({}, '<html>');
    await expect(client.ask(path, 'tunnels', {})).rejects.toMatchObject({
      exitStatus: 69,
      message: `${path}: what answers there is no l2vpnd`,
    });
  });

  it('says so where nobody answers', async () => {
    await expect(client.ask(join(dir, 'none'), 'tunnels', {})).rejects.toMatchObject({
      code: 'L2VPN_UNAVAILABLE',
      message: expect.stringMatching(/no l2vpnd answers there; is it running\?/),
    });
  });
});

describe('a rotate request', () => {
  const KEY = 'c1'.repeat(16);

  async function refused(body: string): Promise<{ status: number; error: string }> {
    const socketPath = join(dir, String(servers.length));
    await open(socketPath);
    const answer = await ask({ socketPath, path: '/v1/tunnels/site2/rotate' }, 'POST', body);
    expect(asked.splice(0)).toEqual([]);
    const refusal = JSON.parse(answer.body);
    expect([refusal.code, refusal.exitStatus]).toEqual(['L2VPN_USAGE', 64]);
    return { status: answer.status, error: refusal.error };
  }

  it.each<[string, object, RegExp]>([
    ['a key file that is none', { txKeyFile: 7 }, /txKeyFile: .*string/],
    ['an unknown word', { txkeyfile: 'x' }, /txkeyfile/],
    ['a key in the request', { txKey: KEY }, /txKey/],
    ['an AN that there is not', { an: 4 }, /^rotate: an: /],
    ['half an AN', { an: 0.5 }, /^rotate: an: /],
    ['a key identifier that is too long', { txKeyId: '0'.repeat(34) }, /txKeyId: is not hex of up to 16/],
    ['half an octet', { rxKeyId: '123' }, /rxKeyId: is not hex/],
    ['a short salt', { salt: '00' }, /salt: is not 24 hex digits/],
    ['a negative grace time', { graceMs: -1 }, /graceMs/],
  ])('with %s is a usage error with its place', async (_, changes, text) => {
    const { status, error } = await refused(JSON.stringify({ ...JSON.parse(ROTATE), ...changes }));
    expect([status, error]).toEqual([400, expect.stringMatching(text)]);
    expect(error).not.toContain(KEY);
  });

  it.each(['null', '"text"', '7', '[]'])('whose body is %j is a usage error', async (wrong) => {
    expect((await refused(wrong)).error).toMatch(/^rotate: /);
  });

  it('that is no JSON, or longer than any can be, is a usage error', async () => {
    expect((await refused('{')).error).toBe('the request is not JSON');
    expect((await refused(`"${'x'.repeat(70_000)}"`)).error).toMatch(/at most 65536 octets/);
  });
});
