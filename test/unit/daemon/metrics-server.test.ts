/** The metrics by HTTP: who gets them, and what a scrape gets. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { closeServer } from '../../../src/api/router.ts';
import type { MetricsConfig } from '../../../src/config/types.ts';
import { metricsEndpoint, openMetrics } from '../../../src/daemon/metrics-server.ts';
import { Metrics } from '../../../src/report/metrics/registry.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { ask } from '../api/http.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { DAEMON, samplesOf } from '../report/metrics-kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const servers: Server[] = [];
const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-metrics-'));
afterEach(async () => {
  for (const server of servers.splice(0)) await closeServer(server);
  rmSync(join(dir, 'token'), { force: true });
});

const { tunnel } = await tunnelOf(macsecConfig());
const OPEN: MetricsConfig = { listen: '127.0.0.1:0', hosts: ['metrics.example.net'], tokenFile: null };
const TOKEN = 'AbCdEfGhIjKlMnOpQrStUvWx';

function endpoints() {
  const source = {
    daemon: () => DAEMON,
    tunnels: () => [snapshotOf(tunnel, 'batch', null)],
    down: () => [],
  };
  return [metricsEndpoint(new Metrics(source))];
}

async function serve(config: Partial<MetricsConfig> = {}): Promise<number> {
  const server = await openMetrics({ ...OPEN, ...config }, endpoints());
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

async function scrape(port: number, headers: Record<string, string> = {}, path = '/metrics', method = 'GET') {
  return ask({ host: '127.0.0.1', port, path, headers }, method);
}

function tokenFile(text: string, mode = 0o600): string {
  const path = join(dir, 'token');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('the metrics by HTTP', () => {
  it('are in the text format 0.0.4, at /metrics and nowhere else', async () => {
    const port = await serve();
    const { status, body, type } = await scrape(port);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(samplesOf(body).get('l2vpnd_mtu_bytes{tunnel="site2"}')).toBe(1430);
    expect((await scrape(port, {}, '/')).status).toBe(404);
    expect((await scrape(port, {}, '/metrics', 'POST')).status).toBe(405);
  });

  it.each([
    ['127.0.0.1:9586', 200],
    ['[::1]:9586', 200],
    ['localhost:9586', 200],
    ['LocalHost', 200],
    ['metrics.example.net:9586', 200],
    ['evil.example', 421],
    ['127.0.0.1.evil.example:9586', 421],
    ['localhost.evil.example', 421],
    ['metrics.example.net.', 421],
  ])('answer who asks for the host %s with %i', async (host, status) => {
    const answer = await scrape(await serve(), { host });
    expect(answer.status).toBe(status);
    if (status === 421) expect(JSON.parse(answer.body).error).toContain('metrics.hosts');
  });

  it('need the token where there is one, and nothing of it is told', async () => {
    const port = await serve({ tokenFile: tokenFile(`${TOKEN}\n`) });
    expect((await scrape(port, { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect((await scrape(port, { authorization: `bearer ${TOKEN}` })).status).toBe(200);
    for (const authorization of ['', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN, 'Bearer']) {
      const { status, body } = await scrape(port, { authorization });
      expect([status, body.includes(TOKEN.slice(0, 8))]).toEqual([401, false]);
    }
  });

  it.each([
    ['open to others', `${TOKEN}\n`, 0o644, /token file .* has mode 0644: others have access; run chmod 600/],
    ['short', 'abc\n', 0o600, /must hold one token of 16 to 512 characters; make one with "openssl rand/],
    ['two tokens', `${TOKEN} ${TOKEN}\n`, 0o600, /holds characters that a bearer token cannot have/],
  ])('do not come up with a token file that is %s', async (_, text, mode, message) => {
    await expect(serve({ tokenFile: tokenFile(text, mode) })).rejects.toMatchObject({
      exitStatus: 78,
      message: expect.stringMatching(message),
    });
  });

  it('say so where the address is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await expect(serve({ listen })).rejects.toMatchObject({
      exitStatus: 69,
      message: expect.stringContaining(`metrics.listen ${listen}`),
    });
    await new Promise((resolve) => taken.close(resolve));
  });
});
