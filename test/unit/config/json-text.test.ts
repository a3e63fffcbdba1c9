/** JSON as people write it: comments, trailing commas; and what is too much of it, or no text at all. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { findString, parseJson } from '../../../src/config/json-text.ts';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';
import { KEY_A, refusal, sample, sampleTunnel } from './sample.ts';

const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-json-'));
afterAll(() => rmSync(dir, { recursive: true }));

function fileOf(content: string | Buffer): string {
  const path = join(dir, 'site1.json');
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

const commented = (text: string): string =>
  `// l2vpnd "of" ours: don't\n${text.replace(/\n/g, ' // "x": [\n').replace(/,/g, ', /* {" */')}\n/* the\nend */`;

describe('parseJson', () => {
  it('reads any JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(plain(parseJson(text, 'a').value)).toEqual(plain(JSON.parse(text)));
      }),
    );
  });

  it('refuses whatever JSON.parse refuses, but for comments and trailing commas', () => {
    const sound = JSON.stringify(sample());
    const damage = fc.tuple(fc.nat(sound.length), fc.nat(3), fc.constantFrom(...'{}[]:"\\01eE+-.x\n\t '));
    fc.assert(
      fc.property(damage, ([at, cut, put]) => {
        const text = sound.slice(0, at) + put + sound.slice(at + cut);
        if (/,\s*[\]}]/.test(text)) return;
        expect(accepts(() => parseJson(text, 'a'))).toBe(accepts(() => JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  it('takes comments and trailing commas, and names the right place beside them', () => {
    const text = '{ // one\n "a": [1, /* two\n lines */ 2,],\n "b": x }';
    expect(plain(parseJson(text.replace('x', '3,'), 'a').value)).toEqual({ a: [1, 2], b: 3 });
    expect(refusal(() => parseJson(text, 'a')).message).toBe('a:4:7: not valid JSON: invalid symbol');
  });
});

/** Without prototypes, which differ. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, inner) => (name === '__proto__' ? undefined : inner));
}

function accepts(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

describe('findString', () => {
  it.each([
    ['{"a": "b"}', 'b'],
    ['{"x": 1, /* y */ "a": "b", }', 'b'],
    ['{"x": [1, 2, "a": "b"', null],
    ['{"a": "b", "x": [', 'b'],
    ['{"x": 1}', undefined],
    ['{"a": 1}', null],
    ['{"x": ', null],
    ['no JSON', null],
    ['', null],
    ['['.repeat(5000), null],
  ])('of %j', (text, found) => {
    expect(findString(text, ['a'])).toBe(found);
  });
});

describe('a configuration with comments', () => {
  it('loads as it does without them', () => {
    const text = JSON.stringify(sample(), null, 2);
    const [with_, without] = [commented(text), text].map((one) => loadConfig(fileOf(one)).tunnels[0]!);
    expect(with_!.macsec!.txSa[0]!.sak.export().toString('hex')).toBe(KEY_A);
    expect({ ...with_, macsec: null }).toEqual({ ...without, macsec: null });
  });

  it('has its problems where they are', () => {
    const value = sample();
    value.crypto = 'none';
    const text = commented(JSON.stringify({ crypto: 'none', ...value }, null, 2));
    expect(refusal(() => loadConfig(fileOf(text))).message).toMatch(/^site1\.json:3: crypto: must be one of/);
    const twice = '{\n// once\n"workers": 1, "tunnels": [],\n/* and again */ "workers": 1 }';
    expect(refusal(() => loadConfig(fileOf(twice))).message).toContain('workers: stands twice');
  });
});

describe('a file that is too much, or no text', () => {
  it('40 000 bad tunnels are told as the first twenty problems and how many more, soon', () => {
    const text = `{"tunnels":[\n${Array.from({ length: 40_000 }, () => '{"name":1}').join(',\n')}]}`;
    const lines = refusal(() => loadConfig(fileOf(text))).message.split('\n');
    expect(lines).toHaveLength(21);
    expect(lines[0]).toMatch(/^site1\.json:2: tunnels\[0\]/);
    // Four problems a tunnel: name, tap, gre, macsec.
    expect(lines[20]).toBe('… and 159 980 more');
  });

  it('so are key files that are missing', () => {
    const value = sample();
    value.tunnels = Array.from({ length: 30 }, (_, i) => {
      const tunnel = sampleTunnel();
      Object.assign(tunnel, { name: `t${i}`, gre: { ...tunnel.gre, key: i } });
      Object.assign(tunnel.tap, { ifname: `t${i}`, mac: `02:00:00:00:00:${i + 10}` });
      tunnel.macsec = { txSa: [{ keyFile: 'nowhere.key' }] };
      return tunnel;
    });
    const error = refusal(() => loadConfig(fileOf(JSON.stringify(value))));
    expect(error.exitStatus).toBe(66);
    expect(error.message.split('\n').slice(19)).toEqual([
      expect.stringMatching(/^site1\.json:1: tunnels\[19\]\./),
      '… and 10 more',
    ]);
  });

  it('a thousand names that nothing has are a line', () => {
    const strangers = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`zz${i}`, 1]));
    const { message } = refusal(() => loadConfig(fileOf(JSON.stringify({ ...sample(), ...strangers }))));
    expect(message).toMatch(/unknown key "zz0"; .*; and 995 more; known are/);
    expect(message.length).toBeLessThan(500);
  });

  it('10 000 sound tunnels are compared soon', () => {
    const tunnels = Array.from({ length: 10_000 }, (_, i) => ({
      name: `t${i}`,
      tap: { ifname: `t${i}` },
      gre: { local: '2001:db8::1', remote: `2001:db8::1:${(i + 1).toString(16)}` },
      macsec: null,
    }));
    const started = performance.now();
    expect(loadConfig(fileOf(JSON.stringify({ tunnels }))).tunnels).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('10 MB are refused by size', () => {
    const path = fileOf(Buffer.alloc(10 << 20, ' '));
    expect(refusal(() => loadConfig(path)).message).toMatch(
      /has 10485760 octets; a configuration has at most 4194304/,
    );
  });

  it.each<[string, Buffer, number]>([
    ['Latin-1', Buffer.from('{\n"x":\n"\xe4"}', 'latin1'), 3],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 1],
    ['a cut character', Buffer.from([0x7b, 0x0a, 0xe2, 0x82]), 2],
  ])('%s is no UTF-8', (_, octets, line) => {
    expect(refusal(() => loadConfig(fileOf(octets)))).toMatchObject({
      code: 'L2VPN_CONFIG',
      message: `site1.json:${line}: is not UTF-8 text`,
    });
  });

  it.each(['1e400', '-1e400'])('%s is a number that no field takes', (number) => {
    for (const field of ['workers', 'mtu']) {
      const text = JSON.stringify(sample()).replace('"ifname"', `"mtu":4711,"ifname"`);
      const odd = field === 'mtu' ? text.replace('4711', number) : text.replace('{', `{"workers":${number},`);
      expect(refusal(() => parseConfig(odd, 'a.json')).message).toMatch(
        /a\.json:1: \S+: must be "auto" or a whole number from \d+ to \d+, not a number beyond 1\.8e308/,
      );
    }
    const pn = JSON.stringify(sample()).replace('"pn":1', `"pn":${number}`);
    expect(refusal(() => parseConfig(pn, 'a.json')).message).toMatch(/pn: must be a whole number from 1 to/);
  });
});
