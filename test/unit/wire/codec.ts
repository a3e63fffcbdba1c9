/** What every codec promises: it never throws, and nothing outside the header decides what it says. */
import fc from 'fast-check';
import { expect } from 'vitest';

const MARGIN = 48;

/** `read(buf, at, end)` says the same of `octets` whatever stands around them, and writes nothing. */
export function readsOnly<Said>(
  octets: Uint8Array,
  read: (buf: Buffer, at: number, end: number) => Said,
): Said {
  const [quiet, loud] = [0x00, 0xff].map((fill) => {
    const buf = Buffer.alloc(octets.length + 2 * MARGIN, fill);
    buf.set(octets, MARGIN);
    const said = read(buf, MARGIN, MARGIN + octets.length);
    expect(buf.subarray(MARGIN, MARGIN + octets.length)).toEqual(Buffer.from(octets));
    return said;
  });
  expect(loud).toEqual(quiet);
  return quiet!;
}

/** The same for `runs` inputs of `minLen` to `maxLen` octets; some begin with one of `seeds`. */
export function alwaysReadsOnly(
  [minLen, maxLen]: readonly [number, number],
  read: (buf: Buffer, at: number, end: number) => unknown,
  seeds: readonly string[] = [],
): void {
  const noise = fc.uint8Array({ minLength: minLen, maxLength: maxLen });
  const seeded = fc.tuple(fc.constantFrom('', ...seeds), noise).map(([seed, octets]) => {
    octets.set(fromHex(seed).subarray(0, octets.length));
    return octets;
  });
  fc.assert(
    fc.property(fc.oneof(noise, seeded), (octets) => {
      readsOnly(octets, read);
    }),
    { numRuns: 500 },
  );
}

export function fromHex(text: string): Buffer {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex');
}

/** Fields as a table of `name: value (note)`. */
export function lines(fields: readonly { name: string; value: string; note?: string }[]): string[] {
  return fields.map(({ name, value, note }) => `${name}: ${value}${note === undefined ? '' : ` (${note})`}`);
}
