/** `macsec.mka`: what a file may say, what is made of it, and each refusal by causing it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { isSameKey, withKeyPrints } from '../../../src/config/key-prints.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { maskedConfig } from '../../../src/config/masked.ts';
import type { Config, MkaConfig } from '../../../src/config/types.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { keySourceOf } from '../../../src/keys/key-source-of.ts';
import { CAK, CAK_256, CKN, mkaSample, mkaTunnel } from './mka-sample.ts';
import { type Json, KEY_A, load, otherTunnel, refusal, sample } from './sample.ts';

const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-mka-'));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function mkaOf(changes: Json = {}): MkaConfig {
  return load(mkaSample(changes)).tunnels[0]!.mka!;
}

function hex({ cak }: { cak: MkaConfig['cak'] }): string {
  return cak.export().toString('hex');
}

const warnings = (config: Config): string[] => configWarnings(config, '/etc/site1.json');

describe('mka: a sound file', () => {
  it('fills in every default, and leaves no SA to the file', () => {
    const [tunnel] = load(mkaSample()).tunnels;
    const { cak: _cak, ...mka } = tunnel!.mka!;
    expect(mka).toEqual({
      ...{ ckn: CKN, priority: 128, helloMs: 500, lifeMs: 6000, rekeySeconds: null },
      ...{ peerLoss: 'drop', icvIndicator: true, fallback: null },
    });
    expect(hex(tunnel!.mka!)).toBe(CAK);
    expect(tunnel!.macsec).toMatchObject({ cipher: 'gcm-aes-128', txSa: [], rxSc: [], encodingSa: 0 });
  });

  it('static keys are null in its place', () => {
    expect(load(sample()).tunnels[0]!.mka).toBeNull();
  });

  it.each(['gcm-aes-128', 'gcm-aes-256', 'gcm-aes-xpn-128', 'gcm-aes-xpn-256'])(
    'takes %s, with a CAK of either length',
    (cipher) => {
      for (const cak of [CAK, CAK_256]) {
        const value = mkaSample({ cak });
        Object.assign(value.tunnels[0].macsec, { cipher, encrypt: false, port: 7, replayWindow: 64 });
        const [tunnel] = load(value).tunnels;
        expect(tunnel!.macsec).toMatchObject({ cipher, encrypt: false, port: 7, replayWindow: 64 });
        expect(hex(tunnel!.mka!)).toBe(cak);
      }
    },
  );

  it.each([2, 6, 8, 48, 64])('takes a CKN of %s digits, in lower case from then on', (digits) => {
    const ckn = 'AB'.repeat(digits / 2);
    expect(mkaOf({ ckn }).ckn).toBe(ckn.toLowerCase());
  });

  it('reads CAKs from files beside it, and the fallback like the first', () => {
    file('first.cak', `  ${CAK_256}\n`);
    file('second.cak', CAK.toUpperCase());
    const fallback = { ckn: '0202', cakFile: 'second.cak' };
    const value = mkaSample({ cak: undefined, cakFile: 'first.cak', fallback });
    const { mka } = loadConfig(file('site1.json', JSON.stringify(value))).tunnels[0]!;
    expect([hex(mka!), hex(mka!.fallback!), mka!.fallback!.ckn]).toEqual([CAK_256, CAK, '0202']);
  });

  it('takes the examples as they are, with the CAK beside them, as two ends of one tunnel', () => {
    file('site1-site2.cak', CAK_256);
    const [a, b] = ['site1.json', 'site2.json'].map((name) => {
      const text = readFileSync(`examples/mka/${name}`, 'utf8');
      return loadConfig(file(name, text, 0o644)).tunnels[0]!;
    });
    expect([a!.gre.local, a!.gre.remote]).toEqual([b!.gre.remote, b!.gre.local]);
    expect(a!.mka!.cak.equals(b!.mka!.cak)).toBe(true);
    expect(a!.mka!.ckn).toBe(b!.mka!.ckn);
    expect(a!.tap.mac).not.toBe(b!.tap.mac);
  });

  it('needs no state directory that lasts, and no peer that it knows', () => {
    const value = mkaSample();
    delete value.tunnels[0].tap.mac;
    expect(warnings(load(value))).toEqual([]);
  });

  it('may learn its peer over UDP', () => {
    const value = mkaSample();
    Object.assign(value.tunnels[0].gre, { encap: 'udp', remote: 'dynamic' });
    expect(load(value).tunnels[0]!.gre.remote).toBe('dynamic');
  });
});

describe('mka: what is refused', () => {
  const at = (path: string): string => `^site1\\.json:\\d+: tunnels\\[0\\]\\.macsec\\.${path}`;

  it.each<[string, Json, string]>([
    ['no CKN', { ckn: undefined }, 'mka\\.ckn: is required: an even number of hex digits, 2 to 64'],
    ['an empty CKN', { ckn: '' }, 'mka\\.ckn: must be an even number of hex digits, 2 to 64, not ""'],
    ['an odd CKN', { ckn: 'abc' }, 'mka\\.ckn: must be an even number'],
    ['a CKN of 33 octets', { ckn: 'ab'.repeat(33) }, 'mka\\.ckn: must be an even number'],
    ['no CAK', { cak: undefined }, 'mka\\.cak: is required: "cak" or "cakFile"'],
    ['two CAKs', { cakFile: 'x' }, 'mka\\.cakFile: stands beside "cak"; keep one of them'],
    [
      'hex for a file',
      { cak: undefined, cakFile: CAK },
      'mka\\.cakFile: is no file name but hex; name it "cak"',
    ],
    [
      'a CAK of 24 octets',
      { cak: '5a'.repeat(24) },
      'mka\\.cak: must be 32 or 64 hex digits, not 48 digits; Junos fills a shorter one with zeros at the end: write those too$',
    ],
    [
      'a CAK that is no hex',
      { cak: 'correct horse battery staple' },
      'mka\\.cak: must be 32 or 64 hex digits; character 2 is not a hex digit$',
    ],
    ['priority', { priority: 256 }, 'mka\\.priority: must be a whole number from 0 to 255, not 256'],
    ['helloMs', { helloMs: 99 }, 'mka\\.helloMs: must be a whole number from 100 to 2000'],
    ['lifeMs', { lifeMs: 1499 }, 'mka\\.lifeMs: is 1499; with helloMs 500 at least 1500: one lost message'],
    ['rekeySeconds', { rekeySeconds: 0 }, 'mka\\.rekeySeconds: must be a whole number from 1'],
    ['peerLoss', { peerLoss: 'clear' }, 'mka\\.peerLoss: must be one of "drop", "keep", not "clear"'],
    ['icvIndicator', { icvIndicator: 1 }, 'mka\\.icvIndicator: must be true or false'],
    ['a stranger', { keyServerPriority: 1 }, 'mka: unknown key "keyServerPriority"'],
    ['a fallback without key', { fallback: { ckn: '01' } }, 'mka\\.fallback\\.cak: is required'],
    [
      'a fallback of that name',
      { fallback: { ckn: CKN.toUpperCase(), cak: CAK_256 } },
      'mka\\.fallback\\.ckn: is the ckn of the first CAK',
    ],
    [
      'no object',
      undefined,
      'mka: must be an object with "ckn" and "cak" or "cakFile", or null for static keys, not "on"',
    ],
  ])('%s', (_what, changes, message) => {
    const value = mkaSample(changes);
    if (changes === undefined) value.tunnels[0].macsec.mka = 'on';
    expect(refusal(() => load(value))).toMatchObject({
      code: 'L2VPN_CONFIG',
      exitStatus: 78,
      message: expect.stringMatching(at(message)),
    });
  });

  it.each<[string, Json, string]>([
    [
      'txSa',
      { txSa: [{ key: KEY_A }] },
      'txSa: belongs to static keys and stands beside "mka"; keep one of them',
    ],
    ['rxSc', { rxSc: [{ sci: '0000002222220001', sa: [] }] }, 'rxSc: belongs to static keys'],
    ['encodingSa', { encodingSa: 1 }, 'encodingSa: belongs to static keys'],
    [
      'protect',
      { protect: false },
      'protect: is false, which leaves "mka" nothing to agree on; remove one of them',
    ],
  ])('%s beside it', (_what, changes, message) => {
    const value = mkaSample();
    Object.assign(value.tunnels[0].macsec, changes);
    expect(refusal(() => load(value)).message).toMatch(new RegExp(at(message)));
  });

  it('without it static keys are needed as ever', () => {
    const value = mkaSample();
    value.tunnels[0].macsec.mka = null;
    expect(refusal(() => load(value)).message).toMatch(
      new RegExp(at('encodingSa: is 0, but no txSa has that an')),
    );
  });

  it.each<[string, Json, string]>([
    ['is the CAK', { ckn: CAK }, 'mka\\.ckn'],
    ['holds the CAK', { ckn: `${CAK}01` }, 'mka\\.ckn'],
    ['is the CAK of the fallback', { ckn: CAK_256, fallback: { ckn: '01', cak: CAK_256 } }, 'mka\\.ckn'],
    ['of the fallback is the first CAK', { fallback: { ckn: CAK, cak: CAK_256 } }, 'mka\\.fallback\\.ckn'],
  ])('a CKN that %s: it is sent in clear', (_what, changes, path) => {
    expect(refusal(() => load(mkaSample(changes))).message).toMatch(
      new RegExp(
        at(`${path}: holds the CAK, and is sent in clear; give the CAK another name, and change the CAK`),
      ),
    );
  });

  it('a CAK in a file that others read, inline, in a comment or in a broken file', () => {
    const inline = JSON.stringify(mkaSample());
    const comment = JSON.stringify(mkaSample({ cak: undefined, cakFile: 'first.cak' })).replace(
      '{',
      `{ // "cak": "${CAK}"\n`,
    );
    for (const text of [inline, comment, `${inline}}`]) {
      expect(refusal(() => loadConfig(file('open.json', text, 0o644)))).toMatchObject({
        code: 'L2VPN_KEYFILE',
        message: expect.stringMatching(
          /open\.json holds keys and has mode 0644: others have access; run chmod 600/,
        ),
      });
    }
  });

  it.each<[string, () => string, number, RegExp]>([
    ['missing', () => 'absent.cak', 66, /key file \S+absent\.cak does not exist/],
    [
      'open to others',
      () => file('wide.cak', CAK, 0o640),
      78,
      /key file \S+wide\.cak has mode 0640: others have access; run chmod 600/,
    ],
    [
      'too short',
      () => file('short.cak', 'ab'.repeat(15)),
      78,
      /has 30 hex digits; a CAK has 32 or 64 \(Junos fills a shorter one with zeros at the end: write those too\)/,
    ],
    ['of no hex', () => file('text.cak', 'password'), 78, /holds something else than hex digits/],
    ['empty', () => file('empty.cak', '\n'), 78, /is empty/],
  ])('a file of the CAK that is %s', (_what, cakFile, exitStatus, message) => {
    const error = refusal(() => load(mkaSample({ cak: undefined, cakFile: cakFile() })));
    expect(error).toMatchObject({ code: 'L2VPN_KEYFILE', exitStatus });
    expect(error.message).toMatch(new RegExp(at('mka\\.cakFile: ')));
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/(ab){8}|5a17/);
  });

  it('every fault of every key at once', () => {
    const fallback = { ckn: '01', cakFile: '/nowhere/second.cak' };
    const { message } = refusal(() =>
      load(mkaSample({ cak: undefined, cakFile: '/nowhere/first.cak', fallback })),
    );
    expect(message.split('\n')).toHaveLength(2);
  });
});

const PUBLISHED = [
  ...['11'.repeat(16), '22'.repeat(32), '000102030405060708090a0b0c0d0e0f'],
  ...['135bd758b0ee5c11c55ff6ab19fdb199', '0123456789ABCDEF0123456789ABCDEF'],
];

describe('mka: what is shown of it', () => {
  it('check hides CAKs, and has the shape of the file', () => {
    const shown = maskedConfig(load(mkaSample({ fallback: { ckn: '01', cak: CAK_256 } }))) as Json;
    const [{ macsec, mka }] = shown.tunnels;
    expect(mka).toBeUndefined();
    expect(macsec).toMatchObject({
      cipher: 'gcm-aes-128',
      mka: {
        ckn: CKN,
        cak: '(hidden, 16 octets)',
        priority: 128,
        fallback: { ckn: '01', cak: '(hidden, 32 octets)' },
      },
    });
    for (const name of ['txSa', 'rxSc', 'encodingSa']) expect(macsec).not.toHaveProperty(name);
    expect(JSON.stringify(shown)).not.toMatch(/5a17|6b28/);
  });

  it('a printed configuration has no CAK, and tells whether it is the same', () => {
    const config = load(mkaSample({ fallback: { ckn: '01', cak: CAK_256 } }));
    const [was, kept] = [config, withKeyPrints(config)].map(({ tunnels }) => tunnels[0]!.mka!) as [
      MkaConfig,
      MkaConfig,
    ];
    for (const key of ['cak', 'fallback'] as const) {
      const [a, b] = key === 'cak' ? [was.cak, kept.cak] : [was.fallback!.cak, kept.fallback!.cak];
      expect(b.export().includes(a.export())).toBe(false);
      expect(isSameKey(a, b)).toBe(true);
    }
  });

  it('a CAK for two tunnels warns, naming both', () => {
    const value = { tunnels: [mkaTunnel(), { ...otherTunnel(), macsec: { mka: { ckn: '01', cak: CAK } } }] };
    expect(warnings(load(value))).toEqual([
      'tunnels[1].macsec.mka.cak is tunnels[0].macsec.mka.cak too: who has it can be either end of both; give each its own',
    ]);
  });

  it.each<[string, Json, RegExp]>([
    [
      'priority 255',
      { priority: 255 },
      /^tunnel "site2": mka\.priority is 255, "never" by the standard: .*take 254 to be the last$/,
    ],
    ['a short life', { lifeMs: 2000 }, /^tunnel "site2": mka\.lifeMs is 2000: a peer that sends every 2 s/],
  ])('%s warns', (_what, changes, message) => {
    expect(warnings(load(mkaSample(changes)))).toEqual([expect.stringMatching(message)]);
  });

  it.each(PUBLISHED)('the published CAK %s is refused', (cak) => {
    expect(refusal(() => load(mkaSample({ cak })))).toMatchObject({
      code: 'L2VPN_KEYFILE',
      message: expect.stringMatching(/mka\.cak: is a key of the published examples.*--insecure-example-keys/),
    });
    expect(
      refusal(() => load(mkaSample({ cak: undefined, cakFile: file('known.cak', cak) }))).message,
    ).toMatch(/mka\.cakFile: key file \S+ holds a key of the published examples/);
  });
});

describe('the key source', () => {
  const context = { log: undefined as never, inTurn: undefined as never, store: undefined as never };

  it('is none without MACsec', () => {
    expect(keySourceOf({ ...load(sample()).tunnels[0]!, macsec: null }, null, context)).toBeNull();
  });

  it('is that of static keys where the file names SAs', () => {
    expect(keySourceOf(load(sample()).tunnels[0]!, null, context)?.etherTypes).toEqual([]);
  });
});

describe('published CAKs, once they are permitted', () => {
  it('are taken, with a warning that names them', () => {
    permitExampleKeys();
    expect(warnings(load(mkaSample({ cak: PUBLISHED[2] })))).toEqual([
      expect.stringMatching(
        /^INSECURE: tunnels\[0\]\.macsec\.mka\.cak in \/etc\/site1\.json use keys of the published examples/,
      ),
    ]);
  });
});
