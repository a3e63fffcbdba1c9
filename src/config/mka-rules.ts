/** What `macsec.mka` means: the rules across its fields, and, once its keys are read, those about keys. */
import type { KeyObject } from 'node:crypto';
import { secretOctets } from './keys.ts';
import type { JsonPath, Report } from './problem.ts';
import type { RawMka, RawMkaKey } from './raw.ts';
import type { Config, MkaConfig, MkaKey } from './types.ts';

/** Messages that may be lost in a row before the peer counts as gone. */
const HELLOS_PER_LIFE = 3;

export function checkMkaKey({ cak, cakFile }: RawMkaKey, report: Report): void {
  if (cak === undefined && cakFile === undefined) report(['cak'], 'is required: "cak" or "cakFile"');
  if (cak !== undefined && cakFile !== undefined)
    report(['cakFile'], 'stands beside "cak"; keep one of them');
  if (/^[0-9a-f]{32,}$/i.test(cakFile ?? '')) report(['cakFile'], 'is no file name but hex; name it "cak"');
}

export function checkMka(mka: RawMka, report: Report): void {
  checkMkaKey(mka, report);
  const { helloMs, lifeMs, fallback } = mka;
  if (lifeMs < HELLOS_PER_LIFE * helloMs) {
    const least = HELLOS_PER_LIFE * helloMs;
    report(
      ['lifeMs'],
      `is ${lifeMs}; with helloMs ${helloMs} at least ${least}: one lost message is not the end`,
    );
  }
  if (fallback !== null && fallback.ckn.toLowerCase() === mka.ckn.toLowerCase())
    report(['fallback', 'ckn'], 'is the ckn of the first CAK; the peer tells the two by their names');
}

/** A CAK of a configuration, and where it stands. */
export interface MkaKeyAt extends MkaKey {
  readonly path: JsonPath;
}

/** The CAKs of one tunnel, the fallback's last. */
function keysOf(mka: MkaConfig, path: JsonPath): MkaKeyAt[] {
  const first = { ckn: mka.ckn, cak: mka.cak, path };
  return mka.fallback === null ? [first] : [first, { ...mka.fallback, path: [...path, 'fallback'] }];
}

export function mkaKeys(config: Config): MkaKeyAt[] {
  return config.tunnels.flatMap(({ mka }, t) =>
    mka === null ? [] : keysOf(mka, ['tunnels', t, 'macsec', 'mka']),
  );
}

/** Reports every CKN that gives a CAK of the same tunnel away: it is sent in clear. */
export function checkCkns(config: Config, report: Report): void {
  config.tunnels.forEach(({ mka }, t) => {
    if (mka === null) return;
    const keys = keysOf(mka, ['tunnels', t, 'macsec', 'mka']);
    for (const { ckn, path } of keys) {
      if (!keys.some(({ cak }) => holds(ckn, cak))) continue;
      report(
        [...path, 'ckn'],
        'holds the CAK, and is sent in clear; give the CAK another name, and change the CAK',
      );
    }
  });
}

function holds(ckn: string, cak: KeyObject): boolean {
  const exported = cak.export();
  const name = secretOctets(ckn.length / 2);
  name.write(ckn, 'hex');
  const found = name.includes(exported);
  exported.fill(0);
  name.fill(0);
  return found;
}
