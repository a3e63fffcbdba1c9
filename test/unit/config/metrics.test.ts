/** `metrics` in the configuration: who may ask, and what is said of it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { maskedConfig } from '../../../src/config/masked.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { type Json, load, refusal, sample } from './sample.ts';

const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-token-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const TOKEN = 'AbCdEfGhIjKlMnOpQrStUvWx';

function withMetrics(metrics: Json) {
  return load({ ...sample(), metrics }, join(dir, 'site1.json'));
}

function tokenFile(name: string, text: string, mode = 0o600): string {
  writeFileSync(join(dir, name), text);
  chmodSync(join(dir, name), mode);
  return name;
}

describe('metrics.listen', () => {
  it.each(['127.0.0.1:9586', '127.1.2.3:9586', '[::1]:9586', 'localhost:9586'])(
    '%s is for this host',
    (listen) => {
      expect(configWarnings(withMetrics({ listen }), 'a.json')).toEqual([]);
    },
  );

  it.each(['0.0.0.0:9586', '192.0.2.1:9586', '[::]:9586'])(
    '%s gets a warning that says who sees what',
    (listen) => {
      expect(configWarnings(withMetrics({ listen }), 'a.json')).toEqual([
        `metrics.listen ${listen} is no loopback address: everybody who reaches it sees peers, traffic and packet numbers; take 127.0.0.1 and a proxy with TLS`,
      ]);
      const guarded = { listen, tokenFile: tokenFile('token', TOKEN) };
      expect(configWarnings(withMetrics(guarded), 'a.json')).toEqual([
        expect.stringMatching(/sees the token/),
      ]);
    },
  );
});

describe('metrics.tokenFile', () => {
  it('is relative to the configuration; the token is in no configuration that is printed', () => {
    const config = withMetrics({ listen: '127.0.0.1:1', tokenFile: tokenFile('token', `${TOKEN}\n`) });
    expect(config.metrics).toEqual({ listen: '127.0.0.1:1', hosts: [], tokenFile: join(dir, 'token') });
    expect(JSON.stringify(maskedConfig(config))).not.toContain(TOKEN);
  });

  it.each<[string, string, number, RegExp]>([
    ['others can read', TOKEN, 78, /token file .*open has mode 0644: others have access; run chmod 600/],
    ['is empty', '', 78, /must hold one token of 16 to 512 characters/],
    ['is not there', '', 66, /metrics\.tokenFile: token file .*missing does not exist/],
  ])('that %s is refused', (what, text, status, message) => {
    const name = what.includes('others') ? 'open' : what.includes('not') ? 'missing' : 'empty';
    if (name !== 'missing') tokenFile(name, text, name === 'open' ? 0o644 : 0o600);
    const error = refusal(() => withMetrics({ listen: '127.0.0.1:1', tokenFile: name }));
    expect([error.exitStatus, error.message]).toEqual([status, expect.stringMatching(message)]);
    expect(error.message).not.toContain(TOKEN);
  });
});

describe('metrics.hosts', () => {
  it.each([['http://a'], ['a b'], [''], ['-a']])('%j is no host name', (name) => {
    const error = refusal(() => withMetrics({ listen: '127.0.0.1:1', hosts: [name] }));
    expect(error.message).toMatch(/metrics\.hosts\[0\]: must be a host name/);
  });
});
