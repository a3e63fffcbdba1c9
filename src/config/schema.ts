/**
 * The shape of a configuration file: names, types, ranges, defaults, and what each field means. The meaning
 * across fields is in semantics.ts; `l2vpnd.schema.json` is made from here by write-schema.ts.
 */
import { z } from 'zod';
import { CIPHER_SUITES } from '../crypto/cipher-suite.ts';
import { ENCAP_WORDS, type EncapWord } from '../encap/config.ts';
import { defaultMacsec, defaultSa } from '../macsec/config.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import {
  autoOr,
  closed,
  flag,
  hiddenHex,
  mustBe,
  oneOf,
  packetNumber,
  text,
  unfitAddress,
  unfitIfname,
  wholeNumber,
} from './fields.ts';
import type { Problem } from './problem.ts';
import type { RawConfig, RawMacsec, RawRxSc, RawSa, RawTunnel } from './raw.ts';
import { checkConfig, checkGre, checkMacsec, checkRxSc, checkSa, GRE_UDP_PORT, MAC } from './semantics.ts';

/** Runs one check of semantics.ts as a part of the schema, so that a file's problems come all at once. */
function checkedBy<Value>(
  check: (value: Value, report: (path: (string | number)[], text: string) => void) => void,
) {
  return (value: Value, context: z.RefinementCtx): void =>
    check(value, (path, message) => context.addIssue({ code: 'custom', path, message }));
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

/** A string that `unfit` finds nothing wrong with. */
function fitString(wanted: string, unfit: (value: string) => string | null): z.ZodString {
  return z.string({ error: mustBe(wanted) }).superRefine((value, context) => {
    const fault = unfit(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  });
}

const ifname = (): z.ZodString =>
  fitString('a device name', unfitIfname).meta({ minLength: 1, maxLength: 15 });
const mac = (): z.ZodString =>
  text(MAC, 'a MAC address like "02:00:00:12:34:56"').superRefine((value, context) => {
    const fault = unfitMac(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  });

/** Why `mac` cannot be a port's (`is_valid_ether_addr` in the kernel), or null. */
function unfitMac(mac: string): string | null {
  if (/^[0:]+$/.test(mac)) return 'is no address of a port, being all zero';
  const group = (Number.parseInt(mac, 16) & 1) !== 0;
  return group ? 'is a multicast or broadcast MAC address; a port needs one of its own' : null;
}

const tap = closed(
  {
    ifname: ifname().describe('Name of the TAP device to make, at most 15 octets.'),
    mac: mac()
      .nullable()
      .default(null)
      .describe(
        'MAC address of the TAP, and the first 6 octets of the own SCI. null: random, locally administered.',
      ),
    mtu: autoOr(68, 65535)
      .default('auto')
      .describe('MTU of the TAP. "auto": what the path carries less every header that is added.'),
    bridge: ifname().nullable().default(null).describe('Existing bridge that the TAP joins. null: none.'),
    queues: wholeNumber(1, 16)
      .default(1)
      .describe('Queues of the TAP, one transmit lane each. More than 1 helps only with idle cores.'),
  },
  'an object with at least "ifname"',
);

const gre = closed(
  {
    local: fitString('an address of this host', unfitAddress).describe(
      'Outer source address, IPv4 or IPv6; must be an address of this host.',
    ),
    remote: fitString('the address of the other site', (value) =>
      value === 'dynamic' ? null : unfitAddress(value),
    ).describe(
      'Outer destination address. "dynamic": learned from authentic frames (only with encap "udp").',
    ),
    encap: oneOf(Object.keys(ENCAP_WORDS) as EncapWord[])
      .default('none')
      .describe(
        Object.entries(ENCAP_WORDS)
          .map(([word, what]) => `"${word}": ${what}.`)
          .join(' '),
      ),
    port: wholeNumber(1, 65535).default(GRE_UDP_PORT).describe('UDP port of both ends with encap "udp".'),
    key: wholeNumber(0, 0xffffffff)
      .nullable()
      .default(null)
      .describe('GRE key of both directions (RFC 2890). null: none.'),
    checksum: flag().default(false).describe('Send and demand the GRE checksum.'),
    ttl: wholeNumber(1, 255).default(64).describe('TTL or hop limit of outer packets.'),
    tos: wholeNumber(0, 255).default(0).describe('TOS or traffic class of outer packets.'),
    df: flag().default(true).describe("Set Don't Fragment on outer IPv4 packets."),
  },
  'an object with at least "local" and "remote"',
).superRefine(checkedBy(checkGre));

const sa: z.ZodType<RawSa> = closed(
  {
    an: wholeNumber(0, 3).default(defaultSa.an).describe('Association number.'),
    pn: packetNumber()
      .default(pnToJson(defaultSa.pn))
      .describe(
        'First packet number to use (txSa), or lowest to accept (rxSc). Stored state goes on from there. ' +
          'Beyond 2^53 − 1 (XPN): decimal digits in a string.',
      ),
    keyId: text(/^(?:[0-9a-fA-F]{2}){1,16}$/, 'an even number of hex digits, 2 to 32')
      .optional()
      .describe(
        'Name of the key for people, hex as `ip macsec` takes it; it is not sent. Default: 8 digits made of the key.',
      ),
    key: hiddenHex([32, 64], '32 or 64 hex digits')
      .optional()
      .describe(
        'The SAK in hex, in a file that only root or our user reads or writes. Either this or keyFile.',
      ),
    keyFile: z
      .string({ error: mustBe('a file name') })
      .min(1, { error: mustBe('a file name') })
      .optional()
      .describe(
        'File that holds the SAK in hex, relative to this file, of root or our user, without access for others.',
      ),
    active: flag()
      .default(defaultSa.active)
      .describe('false: the SA is there but not used, like `ip macsec … off`.'),
    ssci: wholeNumber(0, 0xffffffff)
      .nullable()
      .default(defaultSa.ssci)
      .describe('Short SCI; only for XPN ciphers.'),
    salt: hiddenHex([24], '24 hex digits')
      .nullable()
      .default(null)
      .describe('Salt in hex; only for XPN ciphers.'),
  },
  'an object with "key" or "keyFile"',
).superRefine(checkedBy(checkSa));

const saList = (): z.ZodType<RawSa[]> =>
  z
    .array(sa, { error: mustBe('a list of secure associations') })
    .max(4, { error: 'holds more than 4 associations' });

const rxSc: z.ZodType<RawRxSc> = closed(
  {
    mac: mac().optional().describe("MAC address of the peer's TAP: the first 6 octets of its SCI."),
    port: wholeNumber(0, 65535).optional().describe("Port of the peer's SCI, with mac. Default 1."),
    sci: text(/^[0-9a-fA-F]{16}$/, '16 hex digits')
      .optional()
      .describe("The peer's SCI instead of mac and port."),
    active: flag()
      .default(true)
      .describe(
        'false: nothing is received on the channel. The Linux kernel ignores its `off` for frames with an SCI.',
      ),
    sa: saList().default([]).describe('Associations to receive with.'),
  },
  'an object with "mac" or "sci"',
).superRefine(checkedBy(checkRxSc));

const macsec: z.ZodType<RawMacsec> = closed(
  {
    cipher: oneOf(CIPHER_SUITES.map(({ name }) => name))
      .default('gcm-aes-128')
      .describe('Cipher suite; xpn has 64-bit packet numbers (802.1AEbw).'),
    protect: flag()
      .default(defaultMacsec.protect)
      .describe('false: frames are sent as they are, without SecTAG and in clear.'),
    encrypt: flag().default(defaultMacsec.encrypt).describe('false: integrity only, user data in clear.'),
    validate: oneOf(['strict', 'check', 'disabled'])
      .default(defaultMacsec.validate)
      .describe('What becomes of frames that cannot be verified (802.1AE 10.7.8 validateFrames).'),
    sendSci: flag().default(defaultMacsec.sendSci).describe('Put the SCI into each SecTAG.'),
    endStation: flag()
      .default(defaultMacsec.endStation)
      .describe('Set ES instead of sending the SCI; needs sendSci false.'),
    scb: flag()
      .default(defaultMacsec.scb)
      .describe('Set SCB instead of sending the SCI; needs sendSci false.'),
    icvLen: wholeNumber(8, 16).default(defaultMacsec.icvLen).describe('Octets of the ICV.'),
    port: wholeNumber(0, 65535).default(defaultMacsec.port).describe('Port half of the own SCI.'),
    encodingSa: wholeNumber(0, 3)
      .default(defaultMacsec.encodingSa)
      .describe('Association number that is sent with.'),
    replayProtect: flag()
      .default(defaultMacsec.replayProtect)
      .describe('Drop frames that are older than the window.'),
    replayWindow: wholeNumber(0, 0xffffffff)
      .default(defaultMacsec.replayWindow)
      .describe('How many packets late a frame may be. 0: strict order.'),
    replayBitmap: flag()
      .default(defaultMacsec.replayBitmap)
      .describe('Drop duplicates inside the window too. The Linux kernel does not: false does as it does.'),
    txSa: saList().default([]).describe('Associations to send with; encodingSa picks one.'),
    rxSc: z
      .array(rxSc, { error: mustBe('a list of secure channels') })
      .max(MAX_RX_SC, {
        error: ({ input }) =>
          `holds ${lengthOf(input)} channels; a SecY has at most ${MAX_RX_SC}: spread the peers over several tunnels`,
      })
      .default([])
      .describe('Secure channels to receive: one per peer.'),
  },
  'an object, or null for plain GRETAP in clear',
).superRefine(checkedBy(checkMacsec));

const tunnel: z.ZodType<RawTunnel> = closed(
  {
    name: text(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/,
      'a name of 1 to 32 letters, digits, ".", "_" and "-"',
    ).describe('Name of the tunnel in logs, metrics and commands.'),
    tap: tap.describe('The TAP device: the end on the side of the LAN.'),
    gre: gre.describe('The outer packets: the end on the side of the WAN.'),
    macsec: macsec.nullable().describe('The SecY. null: plain GRETAP, in clear.'),
  },
  'an object with "name", "tap", "gre" and "macsec"',
);

const config: z.ZodType<RawConfig> = closed(
  {
    $schema: z
      .string({ error: mustBe('a string') })
      .optional()
      .describe('This schema, for editors.'),
    tunnels: z
      .array(tunnel, { error: mustBe('a list of tunnels') })
      .min(1, { error: 'is empty: a daemon needs a tunnel' })
      .describe('The tunnels of this daemon.'),
    crypto: oneOf(['auto', 'node', 'batch'])
      .default('auto')
      .describe('AEAD provider. "auto": the batched one where it proves itself at start, else node:crypto.'),
    workers: autoOr(1, 64).default('auto').describe('Worker threads that the lanes are spread over.'),
    stateDir: z
      .string({ error: mustBe('a directory') })
      .min(1, { error: mustBe('a directory') })
      .default('/var/lib/l2vpnd')
      .describe('Where packet numbers are kept. Must survive a restart. Relative to this file.'),
    stateMayBeLost: flag()
      .default(false)
      .describe(
        'true: the state directory may be lost with the host or container: it may be on tmpfs, ramfs or overlay. ' +
          'Where it was lost, packet numbers begin again: start with new keys then.',
      ),
    controlSocket: z
      .string({ error: mustBe('a file name') })
      .min(1, { error: mustBe('a file name') })
      .default('/run/l2vpnd/l2vpnd.sock')
      .describe('Unix socket for `l2vpnd show` and `rotate`. Relative to this file.'),
    metrics: closed(
      {
        listen: text(
          /^(?:[0-9.]+|\[[0-9a-fA-F:.]+\]|localhost):[0-9]{1,5}$/,
          'address and port like "127.0.0.1:9586"',
        ).describe('Address and port of the HTTP server, like "127.0.0.1:9586".'),
      },
      'an object with "listen", or null',
    )
      .nullable()
      .default(null)
      .describe('Prometheus metrics by HTTP, at /metrics. null: off.'),
    log: closed(
      {
        level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
          .default('info')
          .describe('Least severity that is logged.'),
      },
      'an object with "level"',
    )
      .default({ level: 'info' })
      .describe('The log, JSON lines on stdout.'),
  },
  'an object with "tunnels"',
)
  .superRefine(checkedBy(checkConfig))
  .meta({ title: 'l2vpnd configuration' });

export type ParseResult = { ok: true; config: RawConfig } | { ok: false; problems: Problem[] };

/** Checks a parsed JSON value against the shape and the cross-field rules; never throws for what it holds. */
export function parseRaw(value: unknown): ParseResult {
  const result = config.safeParse(value);
  if (result.success) return { ok: true, config: result.data };
  const problems = result.error.issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    text: issue.message,
  }));
  return { ok: false, problems };
}

/** The JSON Schema of a configuration file, for editors (`"$schema": "…/l2vpnd.schema.json"`). */
export function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(config, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
}
