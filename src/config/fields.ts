/** The kinds of field that a configuration is made of: zod types whose errors say what is wanted and what was found. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { pnEnd } from '../macsec/packet-number.ts';
import { type PnJson, pnFromJson } from '../macsec/pn-json.ts';
import { canonicalIpv6 } from '../wire/ipv6.ts';
import { nearest } from './nearest.ts';
import { quote } from './problem.ts';

interface Found {
  input?: unknown;
}

/** An `error` function: `required, …` where the field is absent, else `must be …, not …`. */
export function mustBe(wanted: string): (found: Found) => string {
  return ({ input }) =>
    input === undefined ? `is required: ${wanted}` : `must be ${wanted}, not ${quote(input)}`;
}

export function flag(): z.ZodBoolean {
  return z.boolean({ error: mustBe('true or false') });
}

export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = mustBe(`a whole number from ${min} to ${max}`);
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A packet number of 1 to 2^64 − 1: a number where JSON's are exact, else decimal digits in a string. */
export function packetNumber(): z.ZodType<PnJson> {
  const last = pnEnd(true) - 1n;
  const error = mustBe(
    `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}, or a string of decimal digits up to ${last}`,
  );
  const digits = z
    .string({ error })
    .regex(/^[1-9][0-9]{0,19}$/, { error })
    .refine((value) => (pnFromJson(value) ?? last + 1n) <= last, { error });
  return z.union([z.int({ error }).min(1, { error }), digits], { error });
}

/** The word `auto` or a whole number. */
export function autoOr(min: number, max: number): z.ZodType<'auto' | number> {
  const error = mustBe(`"auto" or a whole number from ${min} to ${max}`);
  return z.union([z.literal('auto'), z.int({ error }).min(min, { error }).max(max, { error })], { error });
}

/** This word or a whole number. */
export function wordOr<const Word extends string>(
  word: Word,
  min: number,
  max: number,
): z.ZodType<Word | number> {
  const error = mustBe(`"${word}" or a whole number from ${min} to ${max}`);
  return z.union([z.literal(word), z.int({ error }).min(min, { error }).max(max, { error })], { error });
}

/** The word `auto`, false, or a whole number. */
export function autoFalseOr(min: number, max: number): z.ZodType<'auto' | false | number> {
  const error = mustBe(`"auto", false or a whole number from ${min} to ${max}`);
  const number = z.int({ error }).min(min, { error }).max(max, { error });
  return z.union([z.literal('auto'), z.literal(false), number], { error });
}

export function oneOf<const Word extends string>(words: readonly Word[]): z.ZodType<Word> {
  return z.enum(words, {
    error: ({ input }) => {
      const near = typeof input === 'string' ? nearest(input, words) : null;
      const hint = near === null ? '' : ` (did you mean "${near}"?)`;
      return mustBe(`one of ${words.map((word) => `"${word}"`).join(', ')}`)({ input }) + hint;
    },
  });
}

/** A string that `pattern` describes. */
export function text(pattern: RegExp, wanted: string): z.ZodString {
  const error = mustBe(wanted);
  return z.string({ error }).regex(pattern, { error });
}

/** Hex whose digits no message may show. `lengthHint` is said after a wrong length. */
export function hiddenHex(digits: readonly number[], wanted: string, lengthHint = ''): z.ZodString {
  const pattern = new RegExp(`^(?:${digits.map((count) => `[0-9a-fA-F]{${count}}`).join('|')})$`);
  const error = ({ input }: Found): string => {
    if (input === undefined) return `is required: ${wanted}`;
    if (typeof input !== 'string')
      return `must be ${wanted}, not a ${input === null ? 'null' : typeof input}`;
    const stranger = input.search(/[^0-9a-fA-F]/);
    if (stranger >= 0) return `must be ${wanted}; character ${stranger + 1} is not a hex digit`;
    return `must be ${wanted}, not ${input.length} digits${lengthHint}`;
  };
  return z.string({ error }).regex(pattern, { error });
}

/** An object with these fields and no others; a stranger is named with its nearest known name. */
export function closed<Shape extends z.ZodRawShape>(
  shape: Shape,
  what: string,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return strangers(issue.keys, Object.keys(shape));
      return mustBe(what)(issue);
    },
  });
}

/** Strangers of one object that are named. */
const MAX_NAMED = 5;

function strangers(names: readonly string[], known: readonly string[]): string {
  const said = names.slice(0, MAX_NAMED).map((name) => {
    const near = nearest(name, known);
    return `unknown key ${quote(name)}${near === null ? '' : `, did you mean "${near}"?`}`;
  });
  if (names.length > MAX_NAMED) said.push(`and ${names.length - MAX_NAMED} more`);
  return said.join('; ') + (said.some((one) => one.endsWith('?')) ? '' : `; known are ${known.join(', ')}`);
}

/** 4 or 6, or 0 for what is no address of a host. A scope (`fe80::1%eth0`) is not one: sockets are bound by address. */
export function addressFamily(address: string): 0 | 4 | 6 {
  const family = isIP(address);
  return family === 6 && address.includes('%') ? 0 : (family as 0 | 4 | 6);
}

/** One spelling per address: `2001:DB8:0::1` is `2001:db8::1`. What is no IPv6 address stays as it is. */
export function canonicalAddress(address: string): string {
  return addressFamily(address) === 6 ? canonicalIpv6(address) : address;
}

/** Why `address` cannot be the end of a tunnel, or null. */
export function unfitAddress(address: string): string | null {
  const family = addressFamily(address);
  if (family === 0) return `${quote(address)} is not an IPv4 or IPv6 address`;
  const first = family === 4 ? Number.parseInt(address, 10) : -1;
  const v6 = address.toLowerCase();
  if (first === 0 || (family === 6 && /^[0:]+$/.test(v6)))
    return `${quote(address)} is not the address of one host`;
  if (first >= 240 || (first >= 224 && first < 240) || v6.startsWith('ff')) {
    return `${quote(address)} is a multicast, broadcast or reserved address; a tunnel has two ends`;
  }
  return null;
}

/** Why `remote` cannot be where the peer is: an address or a host name (RFC 1123 2.1); or null. */
export function unfitRemote(remote: string): string | null {
  if (/^[0-9.]*$/.test(remote) || /[:%/]/.test(remote)) return unfitAddress(remote);
  const word = remote.toLowerCase();
  if (word === 'dynamic') return `${quote(remote)} is written "dynamic"`;
  if (word === 'auto') return '"auto" is for gre.local; take "dynamic", an address or a host name';
  return unfitHostName(remote);
}

function unfitHostName(name: string): string | null {
  const bad = (why: string): string => `${quote(name)} is neither an address nor a host name: ${why}`;
  const labels = name.replace(/\.$/, '').split('.');
  if (name.length > 253) return bad('it has more than 253 characters');
  for (const label of labels) {
    if (label === '' || label.length > 63) return bad(`${quote(label)} is not a label of 1 to 63 characters`);
    if (!/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label))
      return bad(`${quote(label)} may have letters, digits and, between them, "-" only`);
  }
  return /^[0-9]+$/.test(labels.at(-1)!) ? bad('its last label is a number') : null;
}

/** One spelling per name or address: names know no case, and need no last dot. */
export function canonicalRemote(remote: string): string {
  return isIP(remote) === 0 ? remote.toLowerCase().replace(/\.$/, '') : canonicalAddress(remote);
}

/** Why `name` cannot be a network device's (`dev_valid_name` in the kernel, and no name template), or null. */
export function unfitIfname(name: string): string | null {
  const octets = Buffer.byteLength(name);
  if (octets < 1 || octets > 15) return `${quote(name)} has ${octets} octets; a device name has 1 to 15`;
  if (name === '.' || name === '..') return `${quote(name)} is not a device name`;
  const bad = /[/:%\s\p{Cc}]/u.exec(name);
  return bad === null ? null : `${quote(name)} holds ${quote(bad[0])}, which no device name may`;
}
