/** The body of a rotate request: what is wrong with it is said, and no key is ever in what is said. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { asksToMoveNow, parseRotation } from '../../../src/keys/rotate-request.ts';
import type { RotationRequest } from '../../../src/keys/rotation.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { tunnelOf } from '../daemon/kit.ts';
import { macsecConfig, rxScOf, SCI, saOf } from '../macsec/kit.ts';

const TX = 'c1'.repeat(16);
const RX = 'c2'.repeat(16);
const OTHER_SCI = '0000009999990001';
let dir: string;
let body: { txKeyFile: string; rxKeyFile: string };

beforeAll(() => {
  permitExampleKeys();
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-rotate-'));
  body = { txKeyFile: file('tx', TX), rxKeyFile: file('rx', RX) };
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, hex: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, `${hex}\n`);
  chmodSync(path, mode);
  return path;
}

function reference(changes: Partial<MacsecConfig> = {}): MacsecConfig {
  return macsecConfig({ rxSc: [rxScOf([saOf({ keyId: '09' }, '22'.repeat(16))])], ...changes });
}

function parse(changes: object, macsec: MacsecConfig = reference()): RotationRequest {
  return parseRotation('site2', tunnelOf(macsec).tunnel, { ...body, ...changes });
}

function refusal(changes: object, macsec?: MacsecConfig): L2vpnError {
  try {
    parse(changes, macsec);
  } catch (error) {
    if (error instanceof L2vpnError) return error;
    throw error;
  }
  throw new Error('the request was accepted');
}

describe('a rotate request', () => {
  it('makes the SAs of the next AN, with numbers from 1 and the next key identifiers', () => {
    const { tx, rx, sci, now, graceMs, tunnel } = parse({});
    expect({ tunnel, sci, now, graceMs }).toEqual({ tunnel: 'site2', sci: SCI, now: false, graceMs: 10_000 });
    expect([tx.an, tx.pn, tx.keyId, tx.active]).toEqual([1, 1, '02', true]);
    expect([rx.an, rx.pn, rx.keyId, rx.active]).toEqual([1, 1, '0a', true]);
    expect([tx, rx].map(({ sak }) => sak.export().toString('hex'))).toEqual([TX, RX]);
  });

  it.each([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
  ])('after AN %d comes AN %d', (encodingSa, an) => {
    const made = parse({}, reference({ encodingSa, txSa: [saOf({ an: encodingSa })] }));
    expect([made.tx.an, made.rx.an]).toEqual([an, an]);
  });

  it.each([
    ['ff', '00'],
    ['0f', '10'],
    ['00000000000000000000000000000001', '00000000000000000000000000000002'],
  ])('after key %s comes key %s', (keyId, next) => {
    expect(parse({}, reference({ txSa: [saOf({ keyId })] })).tx.keyId).toBe(next);
  });

  it('does what it is told', () => {
    const told = { an: 3, txKeyId: 'AB', rxKeyId: 'cd', now: true, graceMs: 0, sci: SCI.toUpperCase() };
    const { tx, rx, now, graceMs } = parse(told);
    expect([tx.an, tx.keyId, rx.an, rx.keyId, now, graceMs]).toEqual([3, 'ab', 3, 'cd', true, 0]);
  });

  it('XPN: SSCI and salt go on, or the salt is a new one', () => {
    const salt = Buffer.alloc(12, 7);
    const macsec = reference({
      cipher: 'gcm-aes-xpn-128',
      txSa: [saOf({ ssci: 1, salt })],
      rxSc: [rxScOf([saOf({ ssci: 2, salt }, '22'.repeat(16))])],
    });
    const same = parse({}, macsec);
    expect([same.tx.ssci, same.rx.ssci]).toEqual([1, 2]);
    expect([same.tx.salt, same.rx.salt]).toEqual([salt, salt]);
    const fresh = parse({ salt: '08'.repeat(12) }, macsec);
    expect([fresh.tx.salt, fresh.rx.salt]).toEqual([Buffer.alloc(12, 8), Buffer.alloc(12, 8)]);
  });

  it('XPN: without an SA to take the SSCI of it is refused', () => {
    const salt = Buffer.alloc(12, 7);
    const macsec = reference({
      cipher: 'gcm-aes-xpn-128',
      txSa: [saOf({ ssci: 1, salt })],
      rxSc: [rxScOf([])],
    });
    expect(refusal({}, macsec)).toMatchObject({
      code: 'L2VPN_USAGE',
      message: expect.stringMatching(/ssci/),
    });
  });

  it.each<[string, object, RegExp]>([
    ['no key file', { txKeyFile: undefined }, /txKeyFile: .*string/],
    ['an unknown word', { txkeyfile: 'x' }, /txkeyfile/],
    ['a key in the request', { txKey: TX }, /txKey/],
    ['an AN that there is not', { an: 4 }, /^rotate: an: /],
    ['half an AN', { an: 0.5 }, /^rotate: an: /],
    ['a key identifier that is too long', { txKeyId: '0'.repeat(34) }, /txKeyId: is not hex of up to 16/],
    ['half an octet', { rxKeyId: '123' }, /rxKeyId: is not hex/],
    ['a short salt', { salt: '00' }, /salt: is not 24 hex digits/],
    ['a negative grace time', { graceMs: -1 }, /graceMs/],
    ['an unknown channel', { sci: OTHER_SCI }, /"site2" has no rxSc 0000009999990001/],
  ])('%s is a usage error with its place', (_, changes, text) => {
    const { code, exitStatus, message } = refusal(changes);
    expect([code, exitStatus]).toEqual(['L2VPN_USAGE', 64]);
    expect(message).toMatch(text);
    expect(message).not.toContain(TX);
  });

  it.each([null, 'text', 7, []])('a body that is %j is a usage error', (wrong) => {
    const { tunnel } = tunnelOf(reference());
    expect(() => parseRotation('site2', tunnel, wrong)).toThrow(L2vpnError);
  });

  it('one of several channels has to be named', () => {
    const rxSc = [rxScOf([saOf({}, '22'.repeat(16))]), rxScOf([saOf({}, '23'.repeat(16))], OTHER_SCI)];
    expect(refusal({}, reference({ rxSc })).message).toMatch(/there are 2 rxSc; name one with --sci/);
    expect(parse({ sci: OTHER_SCI }, reference({ rxSc })).sci).toBe(OTHER_SCI);
  });

  it.each<[string, () => object, RegExp]>([
    ['the key that sends', () => ({ txKeyFile: file('used', '11'.repeat(16)) }), /--tx-key-file.*in use/],
    ['the key that receives', () => ({ rxKeyFile: file('used2', '22'.repeat(16)) }), /--rx-key-file.*in use/],
    ['the key of the other direction', () => ({ txKeyFile: file('cross', '22'.repeat(16)) }), /in use/],
    ['one key for both', () => ({ rxKeyFile: body.txKeyFile }), /the same key/],
    ['a short key', () => ({ txKeyFile: file('short', 'c1'.repeat(8)) }), /16 hex digits; .* needs 32/],
    ['a file that others can read', () => ({ txKeyFile: file('open', TX, 0o640) }), /mode 0640/],
    ['a directory', () => ({ txKeyFile: dir }), /not a regular file/],
  ])('%s is refused', (_, changes, text) => {
    const { code, exitStatus, message } = refusal(changes());
    expect([code, exitStatus]).toEqual(['L2VPN_KEYFILE', 78]);
    expect(message).toMatch(text);
    expect(message).not.toMatch(/c1c1|c2c2|1111|2222/);
  });

  it('--now with the keys of the change under way sets it going; with others, or without, it does not', () => {
    const running = parse({});
    expect(asksToMoveNow({ ...body, now: true }, running)).toBe(true);
    expect(asksToMoveNow(body, running)).toBe(false);
    const other = file('other', 'c9'.repeat(16));
    expect(asksToMoveNow({ ...body, rxKeyFile: other, now: true }, running)).toBe(false);
    expect(asksToMoveNow({ ...body, txKeyFile: other, now: true }, running)).toBe(false);
    expect(() => asksToMoveNow({ now: true }, running)).toThrow(L2vpnError);
  });

  it('a key file that is not there: 66', () => {
    expect(refusal({ txKeyFile: join(dir, 'none') })).toMatchObject({
      code: 'L2VPN_KEYFILE',
      exitStatus: 66,
    });
  });
});
