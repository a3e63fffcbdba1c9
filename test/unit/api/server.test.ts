/** The control socket and the metrics: who may ask, and what is answered. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeServer, openControl } from '../../../src/api/server.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { Traffic } from '../../../src/frame/lane-counters.ts';
import { countersAt, RxScCounter } from '../../../src/macsec/counters.ts';
import { createMetrics, openMetrics } from '../../../src/report/metrics.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { tunnelOf } from '../daemon/kit.ts';
import { macsecConfig, SCI } from '../macsec/kit.ts';

let dir: string;
const servers: Server[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-control-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await closeServer(server);
  rmSync(dir, { recursive: true, force: true });
});

const { tunnel, counters } = tunnelOf(macsecConfig());
const api = { tunnels: () => [snapshotOf(tunnel, 'batch')] } as Parameters<typeof openControl>[1];

async function open(path: string): Promise<Server> {
  const server = await openControl(path, api);
  servers.push(server);
  return server;
}

function ask(options: object, method = 'GET'): Promise<{ status: number; body: string; type: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, method }, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        body += chunk;
      });
      res.on('end', () =>
        resolve({ status: res.statusCode!, body, type: String(res.headers['content-type']) }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

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
    expect(JSON.parse(all.body)).toEqual(JSON.parse(JSON.stringify(api.tunnels())));
    const one = await ask({ socketPath, path: '/v1/tunnels/site2' });
    expect(JSON.parse(one.body).name).toBe('site2');
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/v1/tunnels/other', 404],
    ['GET', '/v1/tunnels/../../etc/passwd', 404],
    ['GET', '/v1/tunnels/%2e', 404],
    ['DELETE', '/v1/tunnels', 405],
  ])('%s %s: %i', async (method, path, status) => {
    const socketPath = join(dir, 's');
    await open(socketPath);
    const answer = await ask({ socketPath, path }, method);
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

  it('says so where it cannot be made', async () => {
    writeFileSync(join(dir, 'file'), '');
    chmodSync(join(dir, 'file'), 0o600);
    await expect(openControl(join(dir, 'file', 's'), api)).rejects.toMatchObject({ exitStatus: 73 });
  });
});

describe('the metrics (Prometheus text format 0.0.4)', () => {
  async function scrape(path = '/metrics') {
    const server = await openMetrics('127.0.0.1:0', createMetrics(api.tunnels));
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    return { ask: () => ask({ host: '127.0.0.1', port, path }), port };
  }

  /** Sample lines to values. */
  function samples(text: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line)!;
      expect(Number.isNaN(Number(value)) && value !== 'Nan').toBe(false);
      expect(found.has(name!)).toBe(false);
      found.set(name!, Number(value));
    }
    return found;
  }

  it('parse, and tell the counters as they stand at each scrape', async () => {
    const { ask: again } = await scrape();
    counters[0]!.traffic[Traffic.outFrames] = 11;
    counters[1]!.drops[Drop.InPktsLate] = 3;
    counters[1]!.secy[countersAt.rxSc(0) + RxScCounter.inPktsLate] = 3;
    for (const round of [1, 2]) {
      counters[1]!.traffic[Traffic.outFrames] = round;
      const { status, body, type } = await again();
      expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      const found = samples(body);
      expect(found.get('l2vpnd_frames_total{tunnel="site2",direction="tx"}')).toBe(11);
      expect(found.get('l2vpnd_frames_total{tunnel="site2",direction="rx"}')).toBe(round);
      expect(found.get('l2vpnd_drops_total{tunnel="site2",reason="InPktsLate"}')).toBe(3);
      expect(
        found.get(`l2vpnd_macsec_total{tunnel="site2",part="rxsc",sci="${SCI}",counter="InPktsLate"}`),
      ).toBe(3);
      expect(found.get('l2vpnd_mtu_octets{tunnel="site2"}')).toBe(1430);
    }
  });

  it('are at /metrics and nowhere else', async () => {
    expect((await (await scrape('/')).ask()).status).toBe(404);
  });

  it('say so where the address is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(openMetrics(`127.0.0.1:${port}`, createMetrics(api.tunnels))).rejects.toMatchObject({
      exitStatus: 69,
      message: expect.stringContaining(`metrics.listen 127.0.0.1:${port}`),
    });
    await new Promise((resolve) => taken.close(resolve));
  });
});
