/** What follows `type gretap` and `type ip6gretap` (iproute2's `link_gre.c`, `link_gre6.c`). */
import { type FoundGre, shown } from './kernel-site.ts';
import type { Words } from './words.ts';

/** Options with a value, and without one, that change what is on the wire or who hears it; l2vpnd has none of them. */
const WITH_VALUE = new Set([
  'dev',
  'fwmark',
  'flowlabel',
  'erspan',
  'erspan_ver',
  'erspan_dir',
  'erspan_hwid',
]);
/** What follows them does not change a packet of MACsec. */
const UNHEEDED = new Set(['encaplimit']);
const WITHOUT_VALUE = new Set([
  'external',
  'ignore-df',
  'seq',
  'iseq',
  'oseq',
  'encap-remcsum',
  'allow-localremote',
]);
/** What l2vpnd does anyway, or what the peer does not notice. */
const HARMLESS = new Set([
  ...[
    'noseq',
    'noiseq',
    'nooseq',
    'nocsum',
    'noicsum',
    'noocsum',
    'nokey',
    'noikey',
    'nookey',
    'noignore-df',
  ],
  ...[
    'encap-csum',
    'noencap-csum',
    'encap-csum6',
    'noencap-csum6',
    'noencap-remcsum',
    'noencap',
    'noexternal',
  ],
]);

export function greWords(words: Words, gre: FoundGre): void {
  while (words.left) greWord(words.next(), words, gre);
}

function greWord(word: string, words: Words, gre: FoundGre): void {
  if (word === 'local') gre.local = addressOrAny(words);
  else if (word === 'remote') gre.remote = addressOrAny(words);
  else if (['ttl', 'hoplimit', 'hlim'].includes(word)) gre.ttl = ttlOf(words, word);
  else if (['tos', 'dsfield', 'tclass'].includes(word)) gre.tos = tosOf(words, word);
  else if (word === 'key') gre.inKey = gre.outKey = keyOf(words);
  else if (word === 'ikey') gre.inKey = keyOf(words);
  else if (word === 'okey') gre.outKey = keyOf(words);
  else if (word === 'csum') gre.inChecksum = gre.outChecksum = true;
  else if (word === 'icsum') gre.inChecksum = true;
  else if (word === 'ocsum') gre.outChecksum = true;
  else if (word === 'pmtudisc' || word === 'nopmtudisc') gre.pmtudisc = word === 'pmtudisc';
  else if (word === 'encap') gre.encap = encapOf(words, gre);
  else if (word === 'encap-sport') setSourcePort(words, gre);
  else if (word === 'encap-dport') setPort(words, gre);
  else if (UNHEEDED.has(word)) words.next();
  else if (WITH_VALUE.has(word))
    words.say(`${word} ${shown(words.next())} is left out: l2vpnd has no such setting`);
  else if (WITHOUT_VALUE.has(word)) words.say(sayFlag(word));
  else if (!HARMLESS.has(word)) words.say(`${shown(word)} of the GRE tunnel is not known, and left out`);
}

function sayFlag(word: string): string {
  if (!word.endsWith('seq')) return `${word} is left out: l2vpnd has no such setting`;
  return `${word} is left out: l2vpnd sends no sequence numbers, and a peer that demands them drops everything`;
}

function addressOrAny(words: Words): string | null {
  const text = words.next();
  return text === 'any' || text === 'default' ? null : text;
}

function ttlOf(words: Words, word: string): number | 'inherit' {
  if (words.skip('inherit')) return 'inherit';
  const ttl = words.number(word, 0, 255);
  return ttl === null || ttl === 0 ? 'inherit' : ttl;
}

/** Hex, as `ip` reads it for want of a name. */
function tosOf(words: Words, word: string): number | 'inherit' {
  if (words.skip('inherit')) return 'inherit';
  const text = words.next();
  const value = /^(?:0x)?[0-9a-f]{1,2}$/i.test(text) ? Number.parseInt(text.replace(/^0x/i, ''), 16) : null;
  if (value === null) words.say(`${word} ${shown(text)} is no number from 0 to 0xff, and is left out`);
  // The kernel's way to say "inherit".
  return value === 1 ? 'inherit' : (value ?? 0);
}

/** A number, or four in dots. */
function keyOf(words: Words): number | null {
  const key = greKey(words.peek());
  if (key === null) return words.number('key', 0, 0xffffffff);
  words.next();
  return key;
}

/** `0.0.0.7` as 7; null where it is not of that form. */
export function greKey(text: string): number | null {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return null;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

function encapOf(words: Words, { encap }: FoundGre): FoundGre['encap'] {
  const type = words.next();
  return type === 'none' ? null : { sourcePort: encap?.sourcePort ?? 'auto', port: encap?.port ?? 0, type };
}

function setSourcePort(words: Words, gre: FoundGre): void {
  const port = words.skip('auto') ? 'auto' : (words.number('encap-sport', 0, 65535) ?? 'auto');
  gre.encap = { type: 'fou', port: 0, ...gre.encap, sourcePort: port === 0 ? 'auto' : port };
}

function setPort(words: Words, gre: FoundGre): void {
  gre.encap = {
    type: 'fou',
    sourcePort: 'auto',
    ...gre.encap,
    port: words.number('encap-dport', 1, 65535) ?? 0,
  };
}
