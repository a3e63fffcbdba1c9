/** The shape of `macsec.mka` in a configuration file: a pre-shared key, its name, and how the agreement goes. */
import { z } from 'zod';
import { checkedBy } from './checked-fields.ts';
import { closed, flag, hiddenHex, mustBe, oneOf, text, wholeNumber } from './fields.ts';
import { JUNOS_PADS } from './keys.ts';
import { checkMka, checkMkaKey } from './mka-rules.ts';
import type { RawMka, RawMkaKey } from './raw.ts';
import type { MkaConfig } from './types.ts';

/** What key agreement does unless the configuration says otherwise. Keys have no default. */
export const defaultMka: Readonly<Omit<MkaConfig, 'ckn' | 'cak'>> = {
  priority: 128,
  helloMs: 500,
  lifeMs: 6000,
  rekeySeconds: null,
  peerLoss: 'drop',
  icvIndicator: true,
  fallback: null,
};

/** A year. */
const MAX_REKEY_SECONDS = 31_536_000;

/** The fields of a key: the primary's stand beside the others of `mka`, the fallback's alone. */
const keyShape = () => ({
  ckn: text(/^(?:[0-9a-fA-F]{2}){1,32}$/, 'an even number of hex digits, 2 to 64').describe(
    'Name of the CAK (CKN) in hex, 1 to 32 octets, the same at both ends. It is sent in clear. Junos fills a shorter ' +
      'one with zeros at the end to 32 octets: with such a peer write those too.',
  ),
  cak: hiddenHex([32, 64], '32 or 64 hex digits', `; ${JUNOS_PADS}`)
    .optional()
    .describe(
      'The pre-shared key (CAK) in hex, 16 or 32 octets, the same at both ends, in a file that only root or our ' +
        'user reads or writes. Either this or cakFile.',
    ),
  cakFile: z
    .string({ error: mustBe('a file name') })
    .min(1, { error: mustBe('a file name') })
    .optional()
    .describe(
      'File that holds the CAK in hex, relative to this file, of root or our user, without access for others.',
    ),
});

const fallback: z.ZodType<RawMkaKey> = closed(
  keyShape(),
  'an object with "ckn" and "cak" or "cakFile", or null',
).superRefine(checkedBy(checkMkaKey));

export const mka: z.ZodType<RawMka> = closed(
  {
    ...keyShape(),
    priority: wholeNumber(0, 255)
      .default(defaultMka.priority)
      .describe(
        'Priority as key server: the lowest is elected, of equal ones the lower SCI. 255, "never" by the standard: some ' +
          'devices then elect nobody, wpa_supplicant may be elected all the same.',
      ),
    helloMs: wholeNumber(100, 2000)
      .default(defaultMka.helloMs)
      .describe(
        'How often the peer is told that we are there. 2000 by the standard; more often stands more loss. While nothing ' +
          'changes and nothing is lost, each 2 s or a third of lifeMs is enough, whatever this says.',
      ),
    lifeMs: wholeNumber(300, 600_000)
      .default(defaultMka.lifeMs)
      .describe(
        'How long after the last message of a peer it counts as gone, the same at both ends. 6000 by the standard.',
      ),
    rekeySeconds: wholeNumber(1, MAX_REKEY_SECONDS)
      .nullable()
      .default(defaultMka.rekeySeconds)
      .describe(
        'As key server, a new SAK after so many seconds. null: only when a peer comes or goes, or packet numbers run out.',
      ),
    peerLoss: oneOf(['drop', 'keep'])
      .default(defaultMka.peerLoss)
      .describe(
        'When the peer is gone: "drop" stops at once, as the standard does; "keep" goes on with the keys at hand, so ' +
          'that lost messages stop no traffic. Nothing is ever sent in clear.',
      ),
    icvIndicator: flag()
      .default(defaultMka.icvIndicator)
      .describe('Mark the ICV of each message with a parameter set of its own; some switches demand it.'),
    fallback: fallback
      .nullable()
      .default(null)
      .describe(
        'A second CAK, taken when the peer has not got the first; so the first can be changed without loss.',
      ),
  },
  'an object with "ckn" and "cak" or "cakFile", or null for static keys',
).superRefine(checkedBy(checkMka));
