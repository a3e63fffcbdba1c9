/**
 * What the daemon keeps of a file's keys once it runs: not the keys, but prints of them, to tell at the next reload
 * whether they are the same. A print is HMAC-SHA-256 of the key under a secret that only this process has had; it is a
 * KeyObject like a key, so that a configuration may hold either.
 */
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import type { Config, MkaConfig, MkaKey } from './types.ts';

const SECRET = createSecretKey(randomBytes(32));
const prints = new WeakSet<KeyObject>();

/** The print of a key; of a print, itself. */
function printOf(key: KeyObject): KeyObject {
  if (prints.has(key)) return key;
  const sak = key.export();
  const octets = createHmac('sha256', SECRET).update(sak).digest();
  const print = createSecretKey(octets);
  sak.fill(0);
  octets.fill(0);
  prints.add(print);
  return print;
}

/** Whether both are, or are prints of, one key. */
export function isSameKey(a: KeyObject, b: KeyObject): boolean {
  return printOf(a).equals(printOf(b));
}

/** `config` with prints in place of its keys: good for comparing, for nothing else. */
export function withKeyPrints(config: Config): Config {
  return {
    ...config,
    tunnels: config.tunnels.map((tunnel) => ({
      ...tunnel,
      macsec: tunnel.macsec === null ? null : printed(tunnel.macsec),
      mka: tunnel.mka === null ? null : printedMka(tunnel.mka),
    })),
  };
}

function printed(macsec: MacsecConfig): MacsecConfig {
  const print = (sa: SaConfig): SaConfig => ({ ...sa, sak: printOf(sa.sak) });
  return {
    ...macsec,
    txSa: macsec.txSa.map(print),
    rxSc: macsec.rxSc.map((sc) => ({ ...sc, sa: sc.sa.map(print) })),
  };
}

function printedMka(mka: MkaConfig): MkaConfig {
  const print = <Key extends MkaKey>(key: Key): Key => ({ ...key, cak: printOf(key.cak) });
  return { ...print(mka), fallback: mka.fallback === null ? null : print(mka.fallback) };
}
