/** `ip macsec`, and what follows `ip link … type macsec` (iproute2's `ipmacsec.c`). */
import { sciOf } from '../wire/sci.ts';
import {
  type FoundMacsec,
  type FoundRxSc,
  type FoundSa,
  type KernelSite,
  newSa,
  shown,
} from './kernel-site.ts';
import type { Words } from './words.ts';

const VALIDATES = ['disabled', 'check', 'strict'];
const CIPHERS: Readonly<Record<string, string>> = {
  default: 'gcm-aes-128',
  'gcm-aes-128': 'gcm-aes-128',
  'gcm-aes-256': 'gcm-aes-256',
  'gcm-aes-xpn-128': 'gcm-aes-xpn-128',
  'gcm-aes-xpn-256': 'gcm-aes-xpn-256',
};

/** What follows `type macsec`. */
export function macsecLinkWords(words: Words, macsec: FoundMacsec): void {
  let mac: string | null = null;
  while (words.left) {
    const word = words.next();
    if (word === 'sci') macsec.sci = sciWord(words);
    else if (word === 'address') mac = words.mac('address');
    else if (word === 'port') macsec.port = words.number('port', 1, 65535) ?? macsec.port;
    else macsecWord(word, words, macsec);
  }
  if (mac !== null) macsec.sci = sciOf(mac, macsec.port);
}

function macsecWord(word: string, words: Words, macsec: FoundMacsec): void {
  const flag = (is: boolean): boolean => words.onOff(word) ?? is;
  if (word === 'cipher') macsec.cipher = cipherOf(words, macsec.cipher);
  else if (word === 'icvlen') macsec.icvLen = words.number(word, 8, 16) ?? macsec.icvLen;
  else if (word === 'encodingsa') macsec.encodingSa = words.number(word, 0, 3) ?? macsec.encodingSa;
  else if (word === 'encrypt') macsec.encrypt = flag(macsec.encrypt);
  else if (word === 'protect') macsec.protect = flag(macsec.protect);
  else if (word === 'send_sci') macsec.sendSci = flag(macsec.sendSci);
  else if (word === 'end_station') macsec.endStation = flag(macsec.endStation);
  else if (word === 'scb') macsec.scb = flag(macsec.scb);
  else if (word === 'replay') macsec.replay = flag(macsec.replay);
  else if (word === 'window') macsec.window = words.number(word, 0, 0xffffffff) ?? macsec.window;
  else if (word === 'validate') macsec.validate = validateOf(words, macsec.validate);
  else if (word === 'offload') sayOffload(words);
  else words.say(`${shown(word)} of the macsec link is not known, and left out`);
}

function cipherOf(words: Words, before: string): string {
  const text = words.next();
  const cipher = CIPHERS[text.toLowerCase()];
  if (cipher === undefined) words.say(`cipher ${shown(text)} is not known, and left out`);
  return cipher ?? before;
}

function validateOf(words: Words, before: string): string {
  const text = words.next();
  if (VALIDATES.includes(text)) return text;
  words.say(`validate ${shown(text)} is none of ${VALIDATES.join(', ')}, and is left out`);
  return before;
}

function sayOffload(words: Words): void {
  const where = words.next();
  if (where !== 'off') words.say(`offload ${shown(where)} is left out: l2vpnd works in software`);
}

/** What follows `ip macsec`. */
export function macsecCommand(words: Words, site: KernelSite): boolean {
  const command = words.next();
  if (command === 'show' || command === '') return true;
  if (command === 'offload') {
    words.next();
    sayOffload(words);
    return true;
  }
  const device = words.next();
  const macsec = site.links.get(device)?.macsec;
  if (macsec === undefined || macsec === null) {
    words.say(`no macsec link ${shown(device)} is made before this line, so it is left out`);
    return true;
  }
  const direction = words.next();
  if (direction === 'tx') return txCommand(command, words, macsec);
  return direction === 'rx' && rxCommand(command, words, macsec);
}

function txCommand(command: string, words: Words, macsec: FoundMacsec): boolean {
  if (!words.skip('sa')) return false;
  return saCommand(command, words, macsec.txSa);
}

function rxCommand(command: string, words: Words, macsec: FoundMacsec): boolean {
  const sci = rxSciOf(words);
  if (sci === null) return true;
  const known = macsec.rxSc.find((sc) => sc.sci === sci);
  if (words.skip('sa')) {
    if (known === undefined)
      words.say(`no receive channel ${sci} is made before this line, so its SA is left out`);
    return known === undefined || saCommand(command, words, known.sa);
  }
  if (command === 'del') macsec.rxSc = macsec.rxSc.filter((sc) => sc !== known);
  // Without a word the kernel makes a channel that is on.
  else channelOf(macsec, known, sci).active = !words.skip('off');
  return true;
}

function channelOf(macsec: FoundMacsec, known: FoundRxSc | undefined, sci: string): FoundRxSc {
  if (known !== undefined) return known;
  const made: FoundRxSc = { sci, active: true, sa: [] };
  macsec.rxSc.push(made);
  return made;
}

/** `sci HEX`, or `port PORT` and `address MAC` in any order. */
function rxSciOf(words: Words): string | null {
  let [port, mac]: [number | null, string | null] = [null, null];
  for (;;) {
    if (words.skip('sci')) return sciWord(words);
    if (words.skip('port')) port = words.number('port', 0, 65535);
    else if (words.skip('address')) mac = words.mac('address');
    else break;
  }
  if (port !== null && mac !== null) return sciOf(mac, port);
  words.say('names no receive channel by "sci", or by "port" and "address", and is left out');
  return null;
}

/** Hex with or without `0x`; null, and told, where it is none. */
function sciWord(words: Words): string | null {
  const text = words.next();
  const digits = text.replace(/^0x/i, '').toLowerCase();
  if (/^[0-9a-f]{1,16}$/.test(digits)) return digits.padStart(16, '0');
  words.say(`sci ${shown(text)} is no SCI of 16 hex digits, and is left out`);
  return null;
}

/** `AN …` of a list of SAs. */
function saCommand(command: string, words: Words, list: FoundSa[]): boolean {
  const an = words.number('sa', 0, 3);
  if (an === null) return true;
  const at = list.findIndex((sa) => sa.an === an);
  if (command === 'del') {
    if (at >= 0) list.splice(at, 1);
    return true;
  }
  if (command !== 'add' && command !== 'set') return false;
  const sa = list[at] ?? newSa(an);
  if (at < 0) list.push(sa);
  while (words.left) saWord(words.next(), words, sa);
  return true;
}

function saWord(word: string, words: Words, sa: FoundSa): void {
  if (word === 'on' || word === 'off') sa.active = word === 'on';
  else if (word === 'pn' || word === 'xpn') sa.pn = pnOf(words) ?? sa.pn;
  else if (word === 'ssci') sa.ssci = words.number('ssci', 0, 0xffffffff) ?? sa.ssci;
  else if (word === 'salt') sa.salt = saltOf(words);
  else if (word === 'key') setKey(words, sa);
  else words.say(`${shown(word)} of the SA is not known, and left out`);
}

function pnOf(words: Words): bigint | null {
  const text = words.next();
  const pn = /^(?:0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(text) ? BigInt(text) : 0n;
  if (pn > 0n && pn < 1n << 64n) return pn;
  words.say(`pn ${shown(text)} is no packet number from 1 to 2^64 - 1, and is left out`);
  return null;
}

function saltOf(words: Words): string | null {
  const text = words.next();
  if (/^[0-9a-fA-F]{24}$/.test(text)) return text.toLowerCase();
  words.say(`the salt has ${text.length} characters and is not 24 hex digits; it is left out`);
  return null;
}

/** `ID KEY`; no message may show the key. */
function setKey(words: Words, sa: FoundSa): void {
  const id = words.next();
  const key = words.next();
  sa.keyId = keyIdOf(id);
  if (sa.keyId === null)
    words.say(`the key's identifier ${shown(id)} is no even number of hex digits up to 32, and is left out`);
  if (/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/.test(key)) sa.key = { hex: key.toLowerCase() };
  else words.say(`the key has ${key.length} characters and is not 32 or 64 hex digits; it is left out`);
}

/** As `keyId` has it; the zeros at the end are iproute2's. Null where it is none. */
export function keyIdOf(text: string): string | null {
  if (!/^(?:[0-9a-fA-F]{2}){1,16}$/.test(text)) return null;
  return text.toLowerCase().replace(/(?<=^..(?:..)*)(?:00)+$/, '');
}
