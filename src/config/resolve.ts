/** From a checked file to the effective configuration: keys are found and read, relative paths become absolute. */
import type { KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { sakLen } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { pnFromJson } from '../macsec/pn-json.ts';
import { refusedExample } from './example-keys.ts';
import { addressFamily } from './fields.ts';
import { defaultKeyId } from './key-id.ts';
import { keyFilePath, keyFromHex, readCakFile, readKeyFile } from './keys.ts';
import type { JsonPath } from './problem.ts';
import type { RawConfig, RawGre, RawMacsec, RawMka, RawMkaKey, RawSa, RawTunnel } from './raw.ts';
import { rxScSci } from './semantics.ts';
import type { StandIns } from './stand-ins.ts';
import { readTokenFile } from './token-file.ts';
import type { Config, MetricsConfig, MkaConfig, MkaKey, TunnelConfig } from './types.ts';

/** What is wrong with the key at `path`. */
export interface KeyFault {
  readonly path: JsonPath;
  readonly error: L2vpnError;
}

/** Where keys come from, and whether any may be in the file itself. */
export interface KeySourceFile {
  /** What key files are relative to. */
  readonly folder: string;
  readonly standIns: StandIns;
  /** Why no key may be in the file itself; null: it may. */
  readonly exposure: string | null;
}

/** `faults` is not empty where a key could not be read: the configuration is of no use then. */
export function resolveConfig(raw: RawConfig, file: KeySourceFile): { config: Config; faults: KeyFault[] } {
  const keys = new KeyReader(file);
  const config = {
    tunnels: raw.tunnels.map((tunnel, i) => resolveTunnel(tunnel, keys, ['tunnels', i])),
    crypto: raw.crypto,
    workers: raw.workers,
    stateDir: resolve(file.folder, raw.stateDir),
    stateMayBeLost: raw.stateMayBeLost,
    controlSocket: resolve(file.folder, raw.controlSocket),
    metrics: raw.metrics === null ? null : resolveMetrics(raw.metrics, keys),
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
    return this.#file.folder;
  }

  sak(sa: RawSa, octets: number, path: JsonPath): KeyObject {
    if (sa.keyFile === undefined) return this.#faultless([...path, 'key'], () => this.#inline(sa.key!));
    const file = keyFilePath(sa.keyFile, this.#file.folder);
    return this.#faultless([...path, 'keyFile'], () => readKeyFile(file, octets));
  }

  cak({ cak, cakFile }: RawMkaKey, path: JsonPath): KeyObject {
    if (cakFile === undefined) return this.#faultless([...path, 'cak'], () => this.#inline(cak!));
    const file = keyFilePath(cakFile, this.#file.folder);
    return this.#faultless([...path, 'cakFile'], () => readCakFile(file));
  }

  /** Notes what is wrong with the file of a token. */
  checkToken(path: string, at: JsonPath): void {
    this.#noting(at, () => readTokenFile(path));
  }

  #faultless(path: JsonPath, read: () => KeyObject): KeyObject {
    return this.#noting(path, read) ?? PLACEHOLDER;
  }

  #noting<T>(path: JsonPath, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof L2vpnError)) throw error;
      this.faults.push({ path, error });
      return null;
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

/** The token stays in its file: who serves it reads it again. */
function resolveMetrics(raw: MetricsConfig, keys: KeyReader): MetricsConfig {
  if (raw.tokenFile === null) return raw;
  const tokenFile = keyFilePath(raw.tokenFile, keys.folder);
  keys.checkToken(tokenFile, ['metrics', 'tokenFile']);
  return { ...raw, tokenFile };
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
