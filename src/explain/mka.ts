/**
 * What a participant with the CAKs of a configuration would make of an MKPDU: the daemon's own reader says it. Whether
 * its sender is live, and its message number new, only a running participant knows.
 */
import type { KeyObject } from 'node:crypto';
import type { Config, MkaKey, TunnelConfig } from '../config/types.ts';
import { decodeMkpdu, peekMkpdu, type UncheckedMkpdu } from '../keys/mka/decode.ts';
import { deriveMkaKeys, type MkaKeys } from '../keys/mka/keys.ts';
import type { Mkpdu } from '../keys/mka/mkpdu.ts';
import { REFUSAL_TEXTS, type Refusal } from '../keys/mka/refusal.ts';
import { parseMac } from '../wire/ethernet.ts';
import type { AgreedSas } from './agreed.ts';

/** A CAK by its name, and where the configuration has it. */
export interface NamedCak {
  readonly ckn: string;
  readonly cak: KeyObject;
  readonly where: string;
}

export interface MkpduVerdict {
  readonly accepted: boolean;
  readonly reason: string;
  readonly explanation: string;
  readonly hints: string[];
}

/** The CAKs of a tunnel, the primary first. */
export function caksOf({ name, mka }: TunnelConfig): NamedCak[] {
  if (mka === null) return [];
  const named = ({ ckn, cak }: MkaKey, where: string): NamedCak => ({
    ckn,
    cak,
    where: `${where} of tunnel ${name}`,
  });
  const primary = named(mka, 'mka.cak');
  return mka.fallback === null ? [primary] : [primary, named(mka.fallback, 'mka.fallback.cak')];
}

/** What becomes of the MKPDU `frame` at a station `mac` (null: not known) of `tunnel`; an authentic one adds to `agreed`. */
export function judgeMkpdu(
  frame: Buffer,
  mac: string | null,
  tunnel: TunnelConfig,
  config: Config,
  agreed: AgreedSas,
): MkpduVerdict {
  const found = peekMkpdu(frame, mac === null ? frame.subarray(0, 6) : parseMac(mac));
  if (typeof found === 'string') return refused(found, []);
  const own = caksOf(tunnel);
  const named = own.find(({ ckn }) => ckn === found.ckn);
  if (named === undefined) return refused('UnknownCkn', cknHints(found.ckn, own));
  const keys = deriveMkaKeys(named.cak, named.ckn);
  const mkpdu = decodeMkpdu(frame, found, keys.ick);
  if (mkpdu === 'WrongIcv') return refused(mkpdu, cakHints(frame, found, config.tunnels.flatMap(caksOf)));
  return typeof mkpdu === 'string' ? refused(mkpdu, []) : taken(mkpdu, named, keys, agreed);
}

function refused(refusal: Refusal, hints: string[]): MkpduVerdict {
  return { accepted: false, reason: refusal, explanation: REFUSAL_TEXTS[refusal], hints };
}

function taken(mkpdu: Mkpdu, { where }: NamedCak, { kek }: MkaKeys, agreed: AgreedSas): MkpduVerdict {
  const explanation = `the ICV is right with ${where}; it goes to the key agreement and never to the bridge`;
  const hints: string[] = [];
  if (mkpdu.basic.keyServer) hints.push('its sender takes itself for the key server');
  const isUnwrapped = agreed.learn(mkpdu, kek);
  if (mkpdu.distributedSak !== null && mkpdu.distributedSak.cipher !== null)
    hints.push(isUnwrapped ? 'the SAK in it can be unwrapped' : 'the SAK in it cannot be unwrapped');
  return { accepted: true, reason: 'MKPDU', explanation, hints };
}

/** A CKN goes in clear and is no secret. */
function cknHints(ckn: string, own: readonly NamedCak[]): string[] {
  const hints = [`the MKPDU has CKN ${ckn}; configured are ${own.map((cak) => cak.ckn).join(', ')}`];
  const withoutFilling = (text: string): string => text.replace(/(00)+$/, '');
  if (own.some((cak) => withoutFilling(cak.ckn) === withoutFilling(ckn)))
    hints.push(
      'they differ in zeros at the end only: some switches (Junos) fill a short CKN; configure all 32 octets',
    );
  return hints;
}

/** Is the ICV right with another CAK of the configuration? */
function cakHints(frame: Buffer, found: UncheckedMkpdu, all: readonly NamedCak[]): string[] {
  const right = all.filter(({ cak }) => {
    const { ick } = deriveMkaKeys(cak, found.ckn);
    return decodeMkpdu(frame, found, ick) !== 'WrongIcv';
  });
  return right.map(({ where }) => `the ICV is right with ${where}: is it under the wrong ckn at one end?`);
}
