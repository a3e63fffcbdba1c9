/** What is fuzzed: something that takes octets, and throws `Finding` (or anything else) when a promise is broken. */
import type { Random } from './random.ts';

export interface FuzzTarget {
  readonly name: string;
  readonly maxLen: number;
  /** Sound inputs to begin with. */
  seeds(): Buffer[];
  /** Throws, or rejects, when something is wrong; an input that is merely bad is none of that. */
  run(input: Buffer): void | Promise<void>;
  /** Changes that know the structure; else those of mutate.ts. */
  mutate?(input: Buffer, other: Buffer, random: Random): Buffer;
}

/** A promise that was broken. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

export function demand(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Finding(promise);
}

/** An SCI has 16 digits and is no secret: of a key, so many in a row may not be seen. */
const KEY_DIGITS = 17;

/** Whether `text` shows a part of `key`, whatever separates its digits. */
export function showsKey(text: string, key: string): boolean {
  const digits = text.toLowerCase().replace(/[\s:.,_\-"]/g, '');
  for (let at = 0; at + KEY_DIGITS <= key.length; at++) {
    if (digits.includes(key.slice(at, at + KEY_DIGITS).toLowerCase())) return true;
  }
  return false;
}

export function demandNoKey(text: string, keys: readonly string[], where: string): void {
  const isShown = keys.some((key) => showsKey(text, key));
  demand(!isShown, isShown ? `${where} shows a key: ${text.slice(0, 400)}` : '');
}
