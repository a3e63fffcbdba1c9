/**
 * Keeps keys out of JavaScript's strings, which nobody can wipe: V8 copies them as it collects garbage and leaves
 * the old octets where they were. Before the file becomes a string, the digits of every `"key": "…"` are exchanged
 * in its octets for random ones; what follows (JSON, schema, messages) works on those, and the end of the way asks
 * here for the real key. Not found this way: a key with an escape in it, or in a place where none belongs.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { digitOf, secretOctets } from './keys.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const NAME = Buffer.from('key');
/** What is shorter is no key: `gre.key`, say, with quotes that do not belong there. */
const KEY_DIGITS_MIN = 17;

export class StandIns {
  /** By stand-in. */
  readonly #keys = new Map<string, Buffer>();

  /** Exchanges the keys in `text`, the octets of a configuration file; returns how many. */
  take(text: Buffer): number {
    let isKey = false;
    let taken = 0;
    for (let at = text.indexOf(QUOTE); at >= 0; ) {
      const end = stringEnd(text, at + 1);
      const content = text.subarray(at + 1, end);
      if (isKey && content.length >= KEY_DIGITS_MIN && !content.includes(BACKSLASH)) {
        this.#exchange(content);
        taken++;
      }
      const next = text.indexOf(QUOTE, end + 1);
      isKey = next >= 0 && content.equals(NAME) && isColonOnly(text.subarray(end + 1, next));
      at = next;
    }
    return taken;
  }

  /** The key that `hex` stands for, if it does. */
  keyOf(hex: string): KeyObject | undefined {
    const octets = this.#keys.get(hex);
    return octets === undefined ? undefined : createSecretKey(octets);
  }

  /** Wipes the keys; KeyObjects made of them stay. */
  wipe(): void {
    for (const octets of this.#keys.values()) octets.fill(0);
    this.#keys.clear();
  }

  /** What is no hex digit stays, so that messages name the right place. */
  #exchange(content: Buffer): void {
    const octets = secretOctets(content.length >> 1);
    const random = randomBytes(content.length);
    let isHex = content.length % 2 === 0;
    for (let i = 0; i < content.length; i++) {
      const digit = digitOf(content[i]!);
      if (digit < 0) {
        isHex = false;
        continue;
      }
      if (i >> 1 < octets.length) octets[i >> 1] = (octets[i >> 1]! << 4) | digit;
      content[i] = '0123456789abcdef'.charCodeAt(random[i]! & 0x0f);
    }
    if (isHex) this.#keys.set(content.toString('latin1'), octets);
    else octets.fill(0);
  }
}

/** Where the string that begins at `at` has its closing quote; the end of the text where it has none. */
function stringEnd(text: Buffer, at: number): number {
  let end = at;
  while (end < text.length && text[end] !== QUOTE) end += text[end] === BACKSLASH ? 2 : 1;
  return Math.min(end, text.length);
}

/** White space and one colon. */
function isColonOnly(between: Buffer): boolean {
  const solid = between.filter((octet) => octet > 0x20);
  return solid.length === 1 && solid[0] === COLON;
}
