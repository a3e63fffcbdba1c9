import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { maskedConfig } from '../../../src/config/masked.ts';
import { editDistance, nearest } from '../../../src/config/nearest.ts';
import { formatPath, quote } from '../../../src/config/problem.ts';
import { jsonSchema } from '../../../src/config/schema.ts';
import { MAX_RX_SC } from '../../../src/macsec/configure.ts';
import { load, refusal, sample } from './sample.ts';

interface JsonSchema {
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
}

describe('l2vpnd.schema.json', () => {
  it('is what the schema gives (npm run schema writes it)', () => {
    expect(JSON.parse(readFileSync('l2vpnd.schema.json', 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(jsonSchema())),
    );
  });

  it('describes every field', () => {
    const bare: string[] = [];
    visit(jsonSchema(), '');
    expect(bare).toEqual([]);

    function visit(node: JsonSchema, path: string): void {
      for (const [name, field] of Object.entries(node.properties ?? {})) {
        if (field.description === undefined) bare.push(`${path}.${name}`);
        visit(field, `${path}.${name}`);
      }
      for (const part of [node.items, ...(node.anyOf ?? [])]) if (part !== undefined) visit(part, path);
    }
  });
});

describe('what the data path has room for', () => {
  const channels = (count: number): object[] =>
    Array.from({ length: count }, (_, i) => ({ sci: `00000000${(i + 16).toString(16)}000001`, sa: [] }));

  it('as many rxSc as a SecY takes, and not one more', () => {
    const value = sample();
    value.tunnels[0].macsec.rxSc = channels(MAX_RX_SC);
    expect(load(value).tunnels[0]!.macsec!.rxSc).toHaveLength(MAX_RX_SC);
    value.tunnels[0].macsec.rxSc = channels(MAX_RX_SC + 1);
    expect(refusal(() => load(value))).toMatchObject({
      code: 'L2VPN_CONFIG',
      message: expect.stringMatching(
        `tunnels\\[0\\]\\.macsec\\.rxSc: holds ${MAX_RX_SC + 1} channels; a SecY has at most ${MAX_RX_SC}: spread the peers`,
      ),
    });
  });
});

describe('stateMayBeLost', () => {
  it('is false unless the file says so, and shown by check', () => {
    expect(load(sample()).stateMayBeLost).toBe(false);
    expect(maskedConfig(load({ ...sample(), stateMayBeLost: true }))).toMatchObject({ stateMayBeLost: true });
    expect(refusal(() => load({ ...sample(), stateMayBeLost: 'yes' })).message).toMatch(
      /stateMayBeLost: must be true or false, not "yes"/,
    );
  });
});

describe('nearest', () => {
  const known = ['name', 'tap', 'gre', 'macsec', 'replayWindow'];
  it.each([
    ['nmae', 'name'],
    ['macsecs', 'macsec'],
    ['replaywindow', 'replayWindow'],
    ['gra', 'gre'],
    ['bridge', null],
    ['x'.repeat(1000), null],
    ['', null],
  ])('of %s is %s', (name, found) => {
    expect(nearest(name, known)).toBe(found);
  });

  it('counts letters changed, left out, put in and swapped', () => {
    expect([
      editDistance('abc', 'abd'),
      editDistance('abc', 'ab'),
      editDistance('abc', 'acb'),
      editDistance('', 'ab'),
    ]).toEqual([1, 1, 1, 2]);
  });
});

describe('quote', () => {
  it.each([
    ['abc', '"abc"'],
    [7, '7'],
    [undefined, 'nothing'],
    [null, 'null'],
    [[1], 'a list'],
    [{}, 'an object'],
    ['a\u001b[31m\n', '"a?[31m?"'],
    ['11'.repeat(16), '"(hidden, 32 characters)"'],
    ['11:22:33:44:55:66:77:88:99', '"(hidden, 26 characters)"'],
    ['1122 3344 5566 7788 99aa', '"(hidden, 24 characters)"'],
    ['0000002222220001', '"0000002222220001"'],
    ['wordy '.repeat(20), `"${'wordy '.repeat(10)}…"`],
  ])('shows %j as %s', (value, shown) => {
    expect(quote(value)).toBe(shown);
  });
});

describe('formatPath', () => {
  it('is what a person would write', () => {
    expect(formatPath(['tunnels', 0, 'gre', 'remote'])).toBe('tunnels[0].gre.remote');
  });
});
