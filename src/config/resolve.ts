/** From a checked file to the effective configuration: keys are found and read, relative paths become absolute. */
import type { KeyObject } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { sakLen } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { pnFromJson } from '../macsec/pn-json.ts';
import { credentialOf, refuseOutdated } from './credentials.ts';
import { refusedExample } from './example-keys.ts';
import { addressFamily } from './fields.ts';
import { defaultSocket, defaultStateDir } from './instance.ts';
import { defaultKeyId } from './key-id.ts';
import { keyFilePath, keyFromHex, readCakFile, readKeyFile } from './keys.ts';
import type { JsonPath } from './problem.ts';
import type { RawConfig, RawGre, RawMacsec, RawMka, RawMkaKey, RawSa, RawTunnel } from './raw.ts';
import { rxScSci } from './semantics.ts';
import type { StandIns } from './stand-ins.ts';
import type { Config, MkaConfig, MkaKey, TunnelConfig } from './types.ts';

/** What is wrong with the key at `path`. */
export interface KeyFault {
  readonly path: JsonPath;
  readonly error: L2vpnError;
}

/** Where keys come from, and whether any may be in the file itself. */
export interface KeySourceFile {
  /** The configuration itself, absolute: key files are relative to its folder. */
  readonly path: string;
  readonly standIns: StandIns;
  /** Why no key may be in the file itself; null: it may. */
  readonly exposure: string | null;
}

/** `faults` is not empty where a key could not be read: the configuration is of no use then. */
export function resolveConfig(raw: RawConfig, file: KeySourceFile): { config: Config; faults: KeyFault[] } {
  const keys = new KeyReader(file);
  const folder = dirname(file.path);
  const config = {
    tunnels: raw.tunnels.map((tunnel, i) => resolveTunnel(tunnel, keys, ['tunnels', i])),
    crypto: raw.crypto,
    workers: raw.workers,
    stateDir: resolve(folder, raw.stateDir ?? defaultStateDir(file.path)),
    stateMayBeLost: raw.stateMayBeLost,
    controlSocket: resolve(folder, raw.controlSocket ?? defaultSocket(file.path)),
    metrics: raw.metrics,
    log: raw.log,
  };
  return { config, faults: keys.faults };
}

/** Finds keys, reads key files; gathers what is wrong with them, so that all are told at once. */
class KeyReader {
  readonly faults: KeyFault[] = [];
  readonly #file: KeySourceFile;

  constructor(file: KeySourceFile) {
    this.#file = file;
  }

  get folder(): string {
    return dirname(this.#file.path);
  }

  sak(sa: RawSa, octets: number, path: JsonPath): KeyObject {
    if (sa.keyFile === undefined) return this.#faultless([...path, 'key'], () => this.#inline(sa.key!));
    const { keyFile } = sa;
    return this.#faultless([...path, 'keyFile'], () => readKeyFile(this.#pathOf(keyFile), octets));
  }

  cak({ cak, cakFile }: RawMkaKey, path: JsonPath): KeyObject {
    if (cakFile === undefined) return this.#faultless([...path, 'cak'], () => this.#inline(cak!));
    return this.#faultless([...path, 'cakFile'], () => readCakFile(this.#pathOf(cakFile)));
  }

  /** Where the octets of `keyFile` are to be read. */
  #pathOf(keyFile: string): string {
    const file = keyFilePath(keyFile, this.folder);
    const credential = credentialOf(keyFile);
    if (credential !== null) refuseOutdated(credential, file);
    return credential ?? file;
  }

  #faultless(path: JsonPath, read: () => KeyObject): KeyObject {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof L2vpnError)) throw error;
      this.faults.push({ path, error });
      return PLACEHOLDER;
    }
  }

  #inline(hex: string): KeyObject {
    const { standIns, exposure } = this.#file;
    const key = standIns.keyOf(hex) ?? keyFromHex(hex);
    if (exposure !== null) throw new L2vpnError('L2VPN_KEYFILE', exposure);
    const refused = refusedExample(key);
    if (refused !== null) throw new L2vpnError('L2VPN_KEYFILE', `is ${refused}`);
    return key;
  }
}

/** Stands where a key could not be read, until the fault is thrown. */
const PLACEHOLDER: KeyObject = keyFromHex('00'.repeat(16));

function resolveTunnel(raw: RawTunnel, keys: KeyReader, path: JsonPath): TunnelConfig {
  return {
    name: raw.name,
    tap: { ...raw.tap, mac: raw.tap.mac?.toLowerCase() ?? null },
    gre: { ...raw.gre, family: familyOf(raw.gre) },
    peerTimeoutSeconds: raw.peerTimeoutSeconds,
    keepalive: raw.keepalive,
    macsec: raw.macsec === null ? null : resolveMacsec(raw.macsec, keys, [...path, 'macsec']),
    mka: raw.macsec?.mka ? resolveMka(raw.macsec.mka, keys, [...path, 'macsec', 'mka']) : null,
  };
}

function familyOf({ local, remote }: RawGre): 4 | 6 {
  return addressFamily(local) === 6 || addressFamily(remote) === 6 ? 6 : 4;
}

function resolveMka(raw: RawMka, keys: KeyReader, path: JsonPath): MkaConfig {
  const { cak: _cak, cakFile: _cakFile, fallback, ...settings } = raw;
  const keyOf = (key: RawMkaKey, at: JsonPath): MkaKey => ({
    ckn: key.ckn.toLowerCase(),
    cak: keys.cak(key, at),
  });
  return {
    ...settings,
    ...keyOf(raw, path),
    fallback: fallback === null ? null : keyOf(fallback, [...path, 'fallback']),
  };
}

function resolveMacsec(raw: RawMacsec, keys: KeyReader, path: JsonPath): MacsecConfig {
  const octets = sakLen(raw.cipher);
  const resolveSa = (sa: RawSa, at: JsonPath): SaConfig => {
    const sak = keys.sak(sa, octets, at);
    return {
      an: sa.an,
      pn: pnFromJson(sa.pn)!,
      keyId: sa.keyId?.toLowerCase() ?? defaultKeyId(sak),
      sak,
      keyFile: sa.keyFile === undefined ? null : keyFilePath(sa.keyFile, keys.folder),
      stored: true,
      active: sa.active,
      ssci: sa.ssci,
      salt: sa.salt === null ? null : Buffer.from(sa.salt, 'hex'),
    };
  };
  const { mka: _mka, ...settings } = raw;
  return {
    ...settings,
    txSa: raw.txSa.map((sa, i) => resolveSa(sa, [...path, 'txSa', i])),
    rxSc: raw.rxSc.map((sc, i) => ({
      sci: rxScSci(sc)!,
      active: sc.active,
      sa: sc.sa.map((sa, j) => resolveSa(sa, [...path, 'rxSc', i, 'sa', j])),
    })),
  };
}
