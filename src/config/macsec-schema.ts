/** The shape of `macsec` in a configuration file: the SecY, its channels and associations. */
import { z } from 'zod';
import { CIPHER_SUITES } from '../crypto/cipher-suite.ts';
import { defaultMacsec, defaultSa } from '../macsec/config.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import { checkedBy, mac } from './checked-fields.ts';
import { closed, flag, hiddenHex, mustBe, oneOf, packetNumber, text, wholeNumber } from './fields.ts';
import { mka } from './mka-schema.ts';
import type { RawMacsec, RawRxSc, RawSa } from './raw.ts';
import { checkMacsec, checkRxSc, checkSa } from './semantics.ts';

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

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

export const macsec: z.ZodType<RawMacsec> = closed(
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
    mka: mka
      .nullable()
      .default(null)
      .describe(
        'Key agreement: both ends make and change the keys by themselves. null: static keys, by txSa and rxSc.',
      ),
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
