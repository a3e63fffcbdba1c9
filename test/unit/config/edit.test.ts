/** Values changed in a file that people wrote: nothing else of it changes, and a file that would not load never takes its place. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFile as writeRotated } from '../../../src/cli/rotate-file.ts';
import { editConfig } from '../../../src/config/edit.ts';
import { L2vpnError } from '../../../src/errors.ts';

const [TX, RX] = ['c1'.repeat(16), 'c2'.repeat(16)];
const TEXT = `{
  // Straße nach Köln
  "tunnels": [
    {
      "name": "site2",
      "tap": { "ifname": "macsec1", "mac": "00:00:00:11:11:11" },
      "gre": { "local": "1.1.1.1", "remote": "2.2.2.2" }, /* the WAN */
      "macsec": {
        "encrypt": true,
        "txSa": [{ "an": 0, "key": "${TX}" }],
        "rxSc": [
          { "mac": "00:00:00:33:33:33", "sa": [{ "an": 0, "key": "${'c3'.repeat(16)}" }] },
          { "mac": "00:00:00:22:22:22", "sa": [{ "an": 0, "key": "${RX}" }] }, // the peer
        ],
      },
    },
  ],
}
`;

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-edit-'));
  path = join(dir, 'site1.json');
  writeFileSync(path, TEXT, { mode: 0o600 });
  for (const [name, key] of Object.entries({ tx: 'd1', rx: 'd2' })) {
    writeFileSync(join(dir, name), key.repeat(16), { mode: 0o600 });
  }
});
afterEach(() => rmSync(dir, { recursive: true }));

function rotated(sci = '0000002222220001') {
  const sa = (name: string) => [{ an: 1, keyId: '02', keyFile: join(dir, name) }];
  return { encodingSa: 1, txSa: sa('tx'), rxSc: { sci, sa: sa('rx') } };
}

it('a rotation is written into its tunnel and its RxSC; comments, other keys and the mode stay', () => {
  chmodSync(path, 0o640);
  chmodSync(path, 0o600);
  writeRotated(path, 'site2', rotated());
  const text = readFileSync(path, 'utf8');
  for (const part of [
    '// Straße nach Köln',
    '/* the WAN */',
    '// the peer',
    'c3'.repeat(16),
    '"encrypt": true',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).toContain('"encodingSa": 1');
  expect(text.match(/"keyFile": ".*\/(tx|rx)"/g)).toHaveLength(2);
  expect(text).not.toContain(TX);
  expect(text).not.toContain(RX);
  expect([statSync(path).mode & 0o777, readdirSync(dir).sort()]).toEqual([0o600, ['rx', 'site1.json', 'tx']]);
  // What is written says what it said: once more changes nothing.
  writeRotated(path, 'site2', rotated());
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it.each<[string, () => void, string]>([
  ['another tunnel', () => writeRotated(path, 'site3', rotated()), 'has no tunnel "site3" with an rxSc'],
  ['another channel', () => writeRotated(path, 'site2', rotated('0000009999990001')), 'is it the daemon'],
  [
    'what would not load',
    () => editConfig(path, () => [{ path: ['tunnels', 0, 'gre', 'remote'], value: '2.2.2' }]),
    '"2.2.2" is not',
  ],
  [
    'a key file that is not there',
    () => {
      rmSync(join(dir, 'tx'));
      writeRotated(path, 'site2', rotated());
    },
    'does not exist',
  ],
])('%s: one error, and the file is as it was', (_, edit, text) => {
  let error: unknown;
  try {
    edit();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(L2vpnError);
  expect((error as L2vpnError).message).toContain(text);
  expect(readFileSync(path, 'utf8')).toBe(TEXT);
  expect(readdirSync(dir)).not.toContain('site1.json.new');
});
