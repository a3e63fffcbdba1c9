/** Looks for key octets, in whatever spelling, where they must not be: in texts, and in the memory of a process. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { expect } from 'vitest';
import { hex } from './frames.ts';

/** The ways in which the octets of `key` (hex) could be written into a text. */
function spellings(key: string): string[] {
  const octets = hex(key);
  return [
    key,
    key.toUpperCase(),
    octets.toString('base64').slice(0, 20),
    octets.toString('latin1'),
    [...octets].join(','),
  ];
}

/** That none of `keys` (hex) is in what `where` says. */
export function expectNoKey(keys: readonly string[], where: string, text: string): void {
  for (const spelling of keys.flatMap(spellings))
    expect(text.includes(spelling), `${where} holds a key`).toBe(false);
}

/** Keys as text, in every spelling that a program would have. */
export function textsOf(keys: readonly string[]): Record<string, Buffer> {
  const texts = keys.flatMap((key) => [
    [`hex ${key}`, Buffer.from(key)],
    [`HEX ${key}`, Buffer.from(key.toUpperCase())],
    [`UTF-16 ${key}`, Buffer.from(key, 'utf16le')],
    [`base64 ${key}`, Buffer.from(hex(key).toString('base64').slice(0, 20))],
  ]);
  return Object.fromEntries(texts) as Record<string, Buffer>;
}

/** How often each of `patterns` stands in the memory of `pid` that it can write to. */
export function countIn(pid: number, patterns: Record<string, Buffer>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const part of memoryOf(pid)) {
    for (const [name, pattern] of Object.entries(patterns)) {
      for (let at = part.indexOf(pattern); at >= 0; at = part.indexOf(pattern, at + 1)) {
        found[name] = (found[name] ?? 0) + 1;
      }
    }
  }
  return found;
}

/** In parts that overlap. */
function* memoryOf(pid: number): Generator<Buffer> {
  const PART = 4 << 20;
  const OVERLAP = 128;
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  const part = Buffer.alloc(PART + OVERLAP);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      for (let at = Number.parseInt(from, 16), end = Number.parseInt(to, 16); at < end; at += PART) {
        let read = 0;
        try {
          read = readSync(fd, part, 0, Math.min(part.length, end - at), at);
        } catch {
          // Gone since the list was made.
        }
        yield part.subarray(0, read);
      }
    }
  } finally {
    part.fill(0);
    closeSync(fd);
  }
}
