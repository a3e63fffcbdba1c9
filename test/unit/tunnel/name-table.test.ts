import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClaimedName, cknName, sciName } from '../../../src/encap/claimed-name.ts';
import { type Named, NameTable } from '../../../src/tunnel/name-table.ts';
import { namesOf } from '../../../src/tunnel/port-guest.ts';

class Tunnel implements Named {
  names: readonly ClaimedName[];
  readonly greKey: number | null;
  constructor(names: readonly ClaimedName[], greKey: number | null = null) {
    this.names = names;
    this.greKey = greKey;
  }
}

const [a, b] = [sciName('a'.repeat(16)), cknName('b0')];

describe('the tunnels of one port by name', () => {
  it('are found by each of their names and by their GRE key, and by nothing else', () => {
    const table = new NameTable<Tunnel>();
    const [one, other] = [new Tunnel([a, b]), new Tunnel([a], 7)];
    table.add(one);
    table.add(other);
    expect(table.find({ name: a, greKey: null })).toEqual([one]);
    expect(table.find({ name: a, greKey: 7 })).toEqual([other]);
    expect(table.find({ name: b, greKey: null })).toEqual([one]);
    expect(table.find({ name: b, greKey: 7 })).toEqual([]);
    expect(table.find({ name: sciName('c'), greKey: null })).toEqual([]);
  });

  it('are candidates together where they have one name, four at most', () => {
    const table = new NameTable<Tunnel>();
    const all = Array.from({ length: 9 }, () => new Tunnel([a, a]));
    for (const one of all) table.add(one);
    expect(table.find({ name: a, greKey: null })).toEqual(all.slice(0, 4));
    for (const one of all.slice(1)) table.delete(one);
    expect(table.find({ name: a, greKey: null })).toEqual([all[0]]);
  });

  it('have new names when that was looked at', () => {
    const table = new NameTable<Tunnel>();
    const one = new Tunnel([a]);
    table.add(one);
    one.names = [b];
    table.refresh();
    expect(table.find({ name: a, greKey: null })).toEqual([]);
    expect(table.find({ name: b, greKey: null })).toEqual([one]);
  });

  it('are found exactly when they have the name, whatever came and went', () => {
    const tunnels = fc.array(
      fc.record({
        names: fc.array(fc.constantFrom(a, b, cknName('c0'))),
        key: fc.constantFrom(null, 1),
        stays: fc.boolean(),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(tunnels, (specs) => {
        const table = new NameTable<Tunnel>();
        const all = specs.map(({ names, key }) => new Tunnel(names, key));
        for (const one of all) table.add(one);
        for (const [i, { stays }] of specs.entries()) if (!stays) table.delete(all[i]!);
        for (const name of [a, b, cknName('c0')]) {
          for (const greKey of [null, 1]) {
            const expected = all.filter(
              (one, i) => specs[i]!.stays && one.names.includes(name) && one.greKey === greKey,
            );
            expect(table.find({ name, greKey })).toEqual(expected);
          }
        }
      }),
    );
  });
});

describe('what a tunnel’s packets are told by', () => {
  it('are the SCIs it receives from, and its CKNs', () => {
    const rxSc = [{ sci: 'aa', active: true, sa: [] }];
    expect(namesOf({ rxSc }, null)).toEqual(['sci aa']);
    expect(namesOf({ rxSc }, { ckn: '01', fallback: { ckn: '02' } })).toEqual(['sci aa', 'ckn 01', 'ckn 02']);
    expect(namesOf(null, null)).toEqual([]);
  });
});
