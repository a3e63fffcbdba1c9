/**
 * Keeps keys out of JavaScript's strings, which nobody can wipe: V8 copies them as it collects garbage and leaves
 * the old octets where they were. Before the file becomes a string, the digits of every `"key": "…"` and `"cak": "…"` are exchanged
 * in its octets for random ones; what follows (JSON, schema, messages) works on those, and the end of the way asks
 * here for the real key. Comments are blanked, as keys that were taken out of use stay in them. Not found this way: a
 * key with an escape in it, or in a place where none belongs.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { digitOf, secretOctets } from './keys.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SLASH = 0x2f;
const STAR = 0x2a;
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** The names of fields that hold keys. */
const NAMES = ['key', 'cak'].map((name) => Buffer.from(name));
const QUOTED_NAMES = NAMES.map((name) => Buffer.from(`"${name}"`));
const COMMENT_END = Buffer.from('*/');
/** What is shorter is no key: `gre.key`, say, with quotes that do not belong there. */
const KEY_DIGITS_MIN = 17;

export class StandIns {
  /** By stand-in. */
  readonly #keys = new Map<string, Buffer>();

  /** Exchanges the keys in `text`, the octets of a configuration file; returns how many there are, in comments too. */
  take(text: Buffer): number {
    let taken = 0;
    // The last string was one of NAMES; how many colons, and nothing else, have followed it.
    let named = false;
    let colons = 0;
    for (let at = 0; at < text.length; at++) {
      const octet = text[at]!;
      if (octet === QUOTE) {
        const end = stringEnd(text, at + 1);
        const content = text.subarray(at + 1, end);
        if (named && colons === 1 && content.length >= KEY_DIGITS_MIN && !content.includes(BACKSLASH)) {
          this.#exchange(content);
          taken++;
        }
        named = NAMES.some((name) => content.equals(name));
        colons = 0;
        at = end;
      } else if (octet === SLASH && (text[at + 1] === SLASH || text[at + 1] === STAR)) {
        const end = commentEnd(text, at);
        const comment = text.subarray(at + 2, end);
        if (holdsKey(comment)) taken++;
        blank(comment);
        at = text[at + 1] === STAR ? end + COMMENT_END.length - 1 : end;
      } else if (octet === COLON) colons++;
      else if (octet > SPACE) named = false;
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

/** Where the string that begins at `at` has its closing quote; the end of the line where it has none. */
function stringEnd(text: Buffer, at: number): number {
  let end = at;
  while (end < text.length && text[end] !== QUOTE && !isLineEnd(text[end]!)) {
    end += text[end] === BACKSLASH && !isLineEnd(text[end + 1] ?? 0) ? 2 : 1;
  }
  return Math.min(end, text.length);
}

/** Where what the comment at `at` says ends: at its closing mark, its line's end, or the end of the text. */
function commentEnd(text: Buffer, at: number): number {
  if (text[at + 1] === STAR) {
    const end = text.indexOf(COMMENT_END, at + 2);
    return end < 0 ? text.length : end;
  }
  let end = at + 2;
  while (end < text.length && !isLineEnd(text[end]!)) end++;
  return end;
}

/** Is there one of NAMES in quotes and a run of as many hex digits as a key has? */
function holdsKey(comment: Buffer): boolean {
  if (!QUOTED_NAMES.some((name) => comment.includes(name))) return false;
  let run = 0;
  return comment.some((octet) => {
    run = digitOf(octet) < 0 ? 0 : run + 1;
    return run >= KEY_DIGITS_MIN;
  });
}

/** Lines stay lines, so that messages name the right place. */
function blank(comment: Buffer): void {
  for (let i = 0; i < comment.length; i++) if (!isLineEnd(comment[i]!)) comment[i] = SPACE;
}

function isLineEnd(octet: number): boolean {
  return octet === LINE_FEED || octet === CARRIAGE_RETURN;
}
