/** Keys leave the octets of a configuration before a string is made of it, and come back as KeyObjects. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';
import { StandIns } from '../../../src/config/stand-ins.ts';
import { KEY_A, KEY_B, refusal, sample } from './sample.ts';

const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-stand-ins-'));
afterAll(() => rmSync(dir, { recursive: true }));

function fileOf(text: string): string {
  const path = join(dir, 'site1.json');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('stand-ins for keys', () => {
  it('leave everything as it was but the digits of keys', () => {
    const text = JSON.stringify(sample(), null, 2);
    const octets = Buffer.from(text);
    expect(new StandIns().take(octets)).toBe(2);
    const changed = octets.toString();
    expect(changed).not.toContain(KEY_A);
    expect(changed).not.toContain(KEY_B);
    expect(changed.replace(/"key": "[0-9a-f]{32}"/g, '')).toBe(text.replace(/"key": "[0-9a-f]{32}"/g, ''));
  });

  it('stand for the keys until they are wiped', () => {
    const octets = Buffer.from(`{ "key" :\n\t"${KEY_A.toUpperCase()}" }`);
    const standIns = new StandIns();
    standIns.take(octets);
    const { key } = JSON.parse(octets.toString()) as { key: string };
    expect(standIns.keyOf(key)?.export().toString('hex')).toBe(KEY_A);
    standIns.wipe();
    expect(standIns.keyOf(key)).toBeUndefined();
  });

  it('stand for CAKs as they do for SAKs, in comments too', () => {
    const octets = Buffer.from(`{ "cak": "${KEY_A}", // "cak": "${KEY_B}"\n "ckn": "${KEY_B}" }`);
    const standIns = new StandIns();
    expect(standIns.take(octets)).toBe(2);
    const [, cak] = /"cak": "([0-9a-f]{32})"/.exec(octets.toString())!;
    expect(standIns.keyOf(cak!)?.export().toString('hex')).toBe(KEY_A);
    expect(octets.toString().split(KEY_B)).toHaveLength(2);
  });

  it.each([
    ['a number', '{"key": 7}'],
    ['too short to be a key', '{"key": "0123456789abcdef"}'],
    ['another name', `{"keyId": "${KEY_A}"}`],
    ['a value, not a name', `["key", "${KEY_A}"]`],
    ['a key as a value', `{"name": "key", "x": "${KEY_A}"}`],
    ['a name with an escape before it', `{"\\"key": "${KEY_A}"}`],
    ['in quotes across lines', `{"key": "\n${KEY_A}"}`],
    ['an escape in it', `{"key": "${KEY_A}\\b"}`],
    ['no end', `{"key": `],
    ['nothing', ''],
  ])('%s is none', (_, text) => {
    const octets = Buffer.from(text);
    expect(new StandIns().take(octets)).toBe(0);
    expect(octets.toString()).toBe(text);
  });

  it.each([
    ['// was: ', '\n'],
    ['/* was:\n', '*/'],
    ['// "', '\n'],
    ['// don\'t "', '\r'],
    ['/*/ ', '*/'],
    ['/* ', ''],
    ['// ', ''],
  ])('keys in a comment %j … %j are blanked, and lines stay', (open, close) => {
    const text = `{"key": "${KEY_A}", ${open}"key": "${KEY_B}" ${close} "key": "${KEY_A}"}\n`;
    const octets = Buffer.from(text);
    const standIns = new StandIns();
    expect(standIns.take(octets)).toBe(close === '' ? 2 : 3);
    const changed = octets.toString();
    expect(changed).not.toContain(KEY_A);
    expect(changed).not.toContain(KEY_B);
    expect(changed.split('\n').map((line) => line.length)).toEqual(
      text.split('\n').map((line) => line.length),
    );
  });

  it('a key is found behind comments, quotes in comments and slashes in strings', () => {
    const text = `{ // it's "key": \n "url": "http://x/*y", "key" /* : " */ : // "\n "${KEY_A}" }`;
    const octets = Buffer.from(text);
    expect(new StandIns().take(octets)).toBe(1);
    expect(octets.toString()).toContain('"http://x/*y"');
    expect(octets.toString()).not.toContain(KEY_A);
  });

  it('a key in a comment does not get into a message', () => {
    const text = `{ /* "key": "${KEY_B}" */ "tunnels": 1 // ${KEY_A}\n`;
    expect(refusal(() => loadConfig(fileOf(text))).message).not.toMatch(/1a1a|2b2b/);
  });

  it('never throw, never change how many octets there are, and leave valid JSON valid', () => {
    const value = fc.dictionary(
      fc.constantFrom('key', 'x', 'ke"y'),
      fc.oneof(fc.string(), fc.constant(KEY_A), fc.jsonValue()),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          value.map((one) => JSON.stringify(one)),
        ),
        (text) => {
          const octets = Buffer.from(text);
          new StandIns().take(octets);
          expect(octets.length).toBe(Buffer.byteLength(text));
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          if (isJson) expect(() => JSON.parse(octets.toString())).not.toThrow();
        },
      ),
    );
  });

  it('a file loads to the same keys as its text', () => {
    const text = JSON.stringify(sample());
    const [fromFile, fromText] = [loadConfig(fileOf(text)), parseConfig(text, '/nowhere/site1.json')];
    const keys = ({ tunnels }: typeof fromFile) =>
      tunnels[0]!
        .macsec!.txSa.concat(tunnels[0]!.macsec!.rxSc[0]!.sa)
        .map(({ sak }) => sak.export().toString('hex'));
    expect(keys(fromFile)).toEqual([KEY_A, KEY_B]);
    expect(keys(fromFile)).toEqual(keys(fromText));
  });

  it('one key for two associations is seen all the same', () => {
    const value = sample();
    value.tunnels[0].macsec.rxSc[0] = { sci: '0000001111110001', sa: [{ key: KEY_A }] };
    const text = JSON.stringify(value);
    expect(refusal(() => loadConfig(fileOf(text))).message).toBe(
      refusal(() => parseConfig(text, join(dir, 'site1.json'))).message,
    );
  });

  it.each([
    `${KEY_A}0`,
    KEY_A.slice(2),
    `${KEY_A.slice(0, -1)}z`,
    `0x${KEY_A}`,
    `${KEY_A.slice(0, 20)}\\u0031`,
  ])('what is wrong with "%s" is said as without them', (key) => {
    const text = JSON.stringify(sample()).replace(KEY_A, key);
    const [file, plain] = [() => loadConfig(fileOf(text)), () => parseConfig(text, join(dir, 'site1.json'))];
    expect(refusal(file).message).toBe(refusal(plain).message);
  });
});
