/** What a rotate request makes of a tunnel's SAs: what is wrong with it is said, and no key is ever in what is said. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { asksToMoveNow, rotationRequest, withFiles } from '../../../src/keys/rotate-request.ts';
import type { RotationRequest } from '../../../src/keys/rotation.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { sasOf } from '../../../src/tunnel/sa-set.ts';
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
  return rotationRequest('site2', { cipher: macsec.cipher, sas: sasOf(macsec) }, { ...body, ...changes });
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

describe('a rotate request without key files', () => {
  it.each([{}, { txKeyFile: '/tx' }, { rxKeyFile: '/rx' }])(
    '%j is refused: static keys need both',
    (files) => {
      expect(() => withFiles('site2', files)).toThrow(
        /tunnel "site2" has static keys: --tx-key-file and --rx-key-file are needed, or --abort/,
      );
    },
  );
});

describe('a rotate request', () => {
  it('makes the SAs of the next AN, with numbers from 1 and the next key identifiers', () => {
    const { tx, rx, sci, now, graceMs } = parse({});
    expect({ sci, now, graceMs }).toEqual({ sci: SCI, now: false, graceMs: 10_000 });
    expect([tx.an, tx.pn, tx.keyId, tx.active]).toEqual([1, 1n, '02', true]);
    expect([rx.an, rx.pn, rx.keyId, rx.active]).toEqual([1, 1n, '0a', true]);
    expect([tx, rx].map(({ sak }) => sak.export().toString('hex'))).toEqual([TX, RX]);
  });

  it.each([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
  ])('after AN %d comes AN %d', (encodingSa, an) => {
    const rxSc = [rxScOf([saOf({ an: encodingSa, keyId: '09' }, '22'.repeat(16))])];
    const made = parse({}, reference({ encodingSa, txSa: [saOf({ an: encodingSa })], rxSc }));
    expect([made.tx.an, made.rx.an]).toEqual([an, an]);
  });

  it.each([
    [0, 1, 2],
    [3, 0, 1],
    [2, 1, 3],
  ])('with AN %d one way and AN %d the other both ends take AN %d', (one, other, an) => {
    const ends = [
      [one, other],
      [other, one],
    ].map(([tx = 0, rx = 0]) => {
      const rxSc = [rxScOf([saOf({ an: rx, keyId: '09' }, '22'.repeat(16))])];
      return parse({}, reference({ encodingSa: tx, txSa: [saOf({ an: tx })], rxSc }));
    });
    expect(ends.map(({ tx }) => tx.an)).toEqual([an, an]);
  });

  it.each([
    ['ff', '00'],
    ['0f', '10'],
    ['00000000000000000000000000000001', '00000000000000000000000000000002'],
  ])('after key %s comes key %s', (keyId, next) => {
    expect(parse({}, reference({ txSa: [saOf({ keyId })] })).tx.keyId).toBe(next);
  });

  it('does what it is told', () => {
    const wanted = { an: 3, txKeyId: 'AB', rxKeyId: 'cd', now: true, graceMs: 0, sci: SCI.toUpperCase() };
    const { tx, rx, now, graceMs } = parse(wanted);
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

  it('for an unknown channel is a usage error', () => {
    const { code, exitStatus, message } = refusal({ sci: OTHER_SCI });
    expect([code, exitStatus]).toEqual(['L2VPN_USAGE', 64]);
    expect(message).toMatch(/"site2" has no rxSc 0000009999990001/);
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
  });

  it('a key file that is not there: 66', () => {
    expect(refusal({ txKeyFile: join(dir, 'none') })).toMatchObject({
      code: 'L2VPN_KEYFILE',
      exitStatus: 66,
    });
  });
});
