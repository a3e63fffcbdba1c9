/**
 * Where keys come in: hex from the configuration or a key file becomes a `KeyObject`, and every buffer that
 * held it is wiped. Then the rule that everything else rests on: no (key, nonce space) serves two associations.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { isXpn } from '../crypto/cipher-suite.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import type { SaConfig } from '../macsec/config.ts';
import { sciOf } from '../wire/sci.ts';
import { ANY_ACCESS, accessRemedy, foreignAccess } from './access.ts';
import { isCredential } from './credentials.ts';
import { refusedExample } from './example-keys.ts';
import { type JsonPath, type Report, withoutKey } from './problem.ts';
import type { Config } from './types.ts';

/** A key file is 65 octets at most; whatever is longer than this is some other file. */
const MAX_KEY_FILE = 4096;

/** Octets outside V8's heap: small arrays are in it, and it copies them as it collects garbage, so none is wiped for good. */
export function secretOctets(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

/** The key in `hex` (checked by the schema). */
export function keyFromHex(hex: string): KeyObject {
  const octets = secretOctets(hex.length / 2);
  octets.write(hex, 'hex');
  const sak = createSecretKey(octets);
  octets.fill(0);
  return sak;
}

/** The SAK of `sakLen` octets in `path`; as `readSecretFile`. */
export function readKeyFile(path: string, sakLen: number): KeyObject {
  return readSecretFile(path, [sakLen], `the cipher needs ${sakLen * 2}`);
}

/** What is wrong with another length, for whoever has the CAK from a device that is content with less. */
export const JUNOS_PADS = 'Junos fills a shorter one with zeros at the end: write those too';

/** The CAK in `path`; as `readSecretFile`. */
export function readCakFile(path: string): KeyObject {
  return readSecretFile(path, [16, 32], `a CAK has 32 or 64 (${JUNOS_PADS})`);
}

/**
 * Reads the key from the hex in `path`, which is of one of `lengths` octets; `wanted` says so. White space around it
 * does not matter. Throws L2VPN_KEYFILE (78; 66 where there is no such file) or L2VPN_PERMISSION (77), never with key
 * material.
 */
function readSecretFile(path: string, lengths: readonly number[], wanted: string): KeyObject {
  const text = secretOctets(MAX_KEY_FILE + 1);
  const octets = secretOctets(Math.max(...lengths));
  try {
    const digits = trimmed(text.subarray(0, readPrivateFile(path, text)));
    const fault = faultOfHex(digits, lengths, wanted);
    if (fault !== null) throw new L2vpnError('L2VPN_KEYFILE', `key file ${path} ${fault}`);
    const key = createSecretKey(decodeHex(digits, octets));
    const refused = refusedExample(key);
    if (refused !== null) throw new L2vpnError('L2VPN_KEYFILE', `key file ${path} holds ${refused}`);
    return key;
  } finally {
    text.fill(0);
    octets.fill(0);
  }
}

/** Reads a file that only its owner may read, who is root or we, or that the service manager shows us alone; returns how many octets. */
function readPrivateFile(path: string, into: Buffer): number {
  const fd = openKeyFile(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new L2vpnError('L2VPN_KEYFILE', `key file ${path} is not a regular file`);
    const fault = isCredential(path) ? null : foreignAccess(path, stat, ANY_ACCESS);
    if (fault !== null) throw new L2vpnError('L2VPN_KEYFILE', `key file ${path} ${fault}`);
    return readSync(fd, into, 0, into.length, 0);
  } finally {
    closeSync(fd);
  }
}

/** O_NONBLOCK: a FIFO of that name must not hang the start. */
function openKeyFile(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const errno = errnoName(cause);
    const shown = withoutKey(path);
    // The cause repeats the path.
    const options = shown === path ? { cause } : {};
    if (errno === 'ENOENT' || errno === 'ENOTDIR') {
      throw new L2vpnError('L2VPN_KEYFILE', `key file ${shown} does not exist`, {
        exitStatus: 66,
        ...options,
      });
    }
    if (errno === 'EACCES' || errno === 'EPERM') {
      throw new L2vpnError(
        'L2VPN_PERMISSION',
        `key file ${shown} cannot be read: permission denied${shown === path ? accessRemedy(path) : ''}`,
        options,
      );
    }
    const reason = shown === path ? messageOf(cause) : errno;
    throw new L2vpnError('L2VPN_KEYFILE', `key file ${shown} cannot be read: ${reason}`, options);
  }
}

function trimmed(text: Buffer): Buffer {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text[start]!)) start++;
  while (end > start && isSpace(text[end - 1]!)) end--;
  return text.subarray(start, end);
}

/** What is wrong with a key's digits, or null. */
function faultOfHex(digits: Buffer, lengths: readonly number[], wanted: string): string | null {
  if (digits.length === 0) return 'is empty';
  if (digits.some((octet) => digitOf(octet) < 0)) return 'holds something else than hex digits';
  if (!lengths.includes(digits.length / 2)) return `has ${digits.length} hex digits; ${wanted}`;
  return null;
}

/** Decodes into the first octets of `into`, without making a string of the key, which could not be wiped. */
function decodeHex(digits: Buffer, into: Buffer): Buffer {
  const octets = into.subarray(0, digits.length / 2);
  for (let i = 0; i < octets.length; i++) {
    octets[i] = (digitOf(digits[2 * i]!) << 4) | digitOf(digits[2 * i + 1]!);
  }
  return octets;
}

function isSpace(octet: number): boolean {
  return octet === 0x20 || (octet >= 0x09 && octet <= 0x0d);
}

/** The value of a hex digit, or −1. */
export function digitOf(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

interface KeyUse {
  path: JsonPath;
  sends: boolean;
  nonceSpace: string;
  sa: SaConfig;
}

/**
 * What tells the nonces of two users of one key apart. 802.1AE 14.5: the IV is SCI ‖ PN. 802.1AEbw 14.7: with
 * XPN it is (SSCI ‖ PN) xor salt, so two SCIs with one SSCI share their nonces.
 */
export function nonceSpaceOf(sci: string, ssci: number | null): string {
  return ssci === null ? `sci ${sci}` : `ssci ${ssci.toString(16).padStart(8, '0')}`;
}

/** Reports associations that share a key and a nonce space: one PN would be used twice. */
export function checkKeyReuse(config: Config, report: Report): void {
  const before = new Map<string, KeyUse[]>();
  for (const use of keyUses(config)) {
    const inSpace = before.get(use.nonceSpace);
    const other = inSpace?.find((one) => one.sa.sak.equals(use.sa.sak));
    if (other !== undefined) report([...use.path, 'key'], sayReuse(use, other));
    if (inSpace === undefined) before.set(use.nonceSpace, [use]);
    else inSpace.push(use);
  }
}

function sayReuse(use: KeyUse, other: KeyUse): string {
  const where = other.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .slice(1);
  const what = `is the key of ${where} with the same ${use.nonceSpace}`;
  const remedy =
    use.sends || other.sends
      ? 'packet numbers would repeat under one key, which breaks AES-GCM; give each direction and association a key of its own'
      : 'one association of a peer has one key; give each a key of its own';
  return `${what}: ${remedy}`;
}

function keyUses(config: Config): KeyUse[] {
  return config.tunnels.flatMap((tunnel, t) => {
    const { macsec } = tunnel;
    if (macsec === null) return [];
    const base = ['tunnels', t, 'macsec'];
    const ssci = (sa: SaConfig): number | null => (isXpn(macsec.cipher) ? sa.ssci : null);
    const own = tunnel.tap.mac === null ? `of tunnels[${t}]` : sciOf(tunnel.tap.mac, macsec.port);
    const sending = macsec.txSa.map((sa, i) => ({
      path: [...base, 'txSa', i],
      sends: true,
      nonceSpace: nonceSpaceOf(own, ssci(sa)),
      sa,
    }));
    const receiving = macsec.rxSc.flatMap((sc, i) =>
      sc.sa.map((sa, j) => ({
        path: [...base, 'rxSc', i, 'sa', j],
        sends: false,
        nonceSpace: nonceSpaceOf(sc.sci, ssci(sa)),
        sa,
      })),
    );
    return [...sending, ...receiving];
  });
}

/** `keyFile` as a path, relative to the configuration's folder. */
export function keyFilePath(keyFile: string, folder: string): string {
  return resolve(folder, keyFile);
}
