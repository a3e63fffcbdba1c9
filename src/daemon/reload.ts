/**
 * What a changed configuration asks of a running daemon: tunnels that come and go, SecYs that change while they run,
 * and what cannot change without a restart, by name. Nothing is done here; `carry-out.ts` does it.
 */
import { isDeepStrictEqual } from 'node:util';
import { isSameKey } from '../config/key-prints.ts';
import type { Config, LogLevel, MkaConfig, MkaKey, PortSettings, TunnelConfig } from '../config/types.ts';
import type { FiledKeys } from '../keys/key-source.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { portSettings } from '../tunnel/bridge-port.ts';

export interface ReloadPlan {
  readonly add: readonly TunnelConfig[];
  readonly remove: readonly string[];
  /** Tunnels whose SecY gets a new configuration; its SAs only where `keys` says so. */
  readonly macsec: readonly MacsecChange[];
  /** Tunnels that run on, whose peer is waited for longer or less long. */
  readonly peerTimeouts: readonly PeerTimeoutChange[];
  /** Tunnels whose ports of their bridges are set anew. */
  readonly ports: readonly PortChange[];
  readonly logLevel: LogLevel | null;
  /** What stays as it was: `tunnel "site2": gre.remote cannot change while it runs; restart l2vpnd`. */
  readonly refused: readonly string[];
  /** What holds from now on: the new configuration, with that which is refused as it was. */
  readonly effective: Config;
}

export interface PortChange {
  readonly name: string;
  readonly settings: PortSettings;
}

export interface PeerTimeoutChange {
  readonly name: string;
  readonly seconds: number;
}

export interface MacsecChange {
  readonly name: string;
  readonly config: MacsecConfig;
  /** The file's keys before (with prints in place of them) and now. */
  readonly filed: { readonly before: FiledKeys; readonly now: FiledKeys };
  /** SAs were added, removed or changed in the file, or the key agreement is another. */
  readonly keys: boolean;
}

/** As with `ip link change … type macsec`: these belong to the SecY's birth. */
const FIXED_MACSEC = ['cipher', 'icvLen', 'port'] as const;
const FIXED_GLOBAL = ['crypto', 'workers', 'stateDir', 'stateMayBeLost', 'controlSocket', 'metrics'] as const;

/**
 * Compares what was loaded before, which may have prints in place of its keys, with what is loaded now (not with what
 * runs: a rotation is not an edit).
 */
export function planReload(before: Config, after: Config): ReloadPlan {
  const refused: string[] = [];
  const macsec: MacsecChange[] = [];
  const peerTimeouts: PeerTimeoutChange[] = [];
  const ports: PortChange[] = [];
  const tunnels: TunnelConfig[] = [];
  for (const key of FIXED_GLOBAL) {
    if (!isDeepStrictEqual(before[key], after[key])) refused.push(`${key} ${CANNOT}`);
  }
  for (const now of after.tunnels) {
    const was = before.tunnels.find(({ name }) => name === now.name);
    if (was === undefined) {
      tunnels.push(now);
      continue;
    }
    const { peerTimeoutSeconds } = now;
    if (was.peerTimeoutSeconds !== peerTimeoutSeconds) {
      peerTimeouts.push({ name: now.name, seconds: peerTimeoutSeconds });
    }
    const settings = portSettings(now.tap);
    if (!isDeepStrictEqual(portSettings(was.tap), settings)) ports.push({ name: now.name, settings });
    const tap = { ...was.tap, ...settings };
    refused.push(
      ...fixedChanges({ ...was, tap }, now).map((path) => `tunnel "${now.name}": ${path} ${CANNOT}`),
    );
    const fixed = [...fixedMacsec(was.macsec, now.macsec), ...fixedMka(was, now)];
    refused.push(...fixed.map((path) => `tunnel "${now.name}": ${path} ${CANNOT}`));
    if (fixed.length > 0 || was.macsec === null || now.macsec === null) {
      tunnels.push({ ...was, tap, peerTimeoutSeconds });
      continue;
    }
    const { name, macsec: config, mka } = now;
    tunnels.push({ ...was, tap, peerTimeoutSeconds, macsec: config, mka });
    const agrees = mka !== null && was.macsec.encrypt !== config.encrypt;
    const keys = agrees || !sameSas(was.macsec, config) || !sameMka(was.mka, mka);
    if (keys || !sameMacsec(was.macsec, config)) {
      const before = { macsec: was.macsec, mka: was.mka };
      macsec.push({ name, config, filed: { before, now: { macsec: config, mka } }, keys });
    }
  }
  const fixedGlobal = Object.fromEntries(FIXED_GLOBAL.map((key) => [key, before[key]]));
  const names = (config: Config): Set<string> => new Set(config.tunnels.map(({ name }) => name));
  const [old, current] = [names(before), names(after)];
  return {
    add: after.tunnels.filter(({ name }) => !old.has(name)),
    remove: [...old].filter((name) => !current.has(name)),
    macsec,
    peerTimeouts,
    ports,
    logLevel: before.log.level === after.log.level ? null : after.log.level,
    refused,
    effective: { ...after, ...fixedGlobal, tunnels },
  };
}

/** Tunnels that run on and are not as before. */
export function changedNames({ macsec, peerTimeouts, ports }: ReloadPlan): string[] {
  return [...new Set([...macsec, ...peerTimeouts, ...ports].map(({ name }) => name))];
}

const CANNOT = 'cannot change while it runs; restart l2vpnd';

function fixedChanges(was: TunnelConfig, now: TunnelConfig): string[] {
  const keepalive = isDeepStrictEqual(was.keepalive, now.keepalive) ? [] : ['keepalive'];
  return [...changed('tap', was.tap, now.tap), ...changed('gre', was.gre, now.gre), ...keepalive];
}

function changed<T extends object>(path: string, was: T, now: T): string[] {
  const keys = Object.keys(was) as (keyof T & string)[];
  return keys.filter((key) => !isDeepStrictEqual(was[key], now[key])).map((key) => `${path}.${key}`);
}

function fixedMacsec(was: MacsecConfig | null, now: MacsecConfig | null): string[] {
  if (was === null || now === null) return was === now ? [] : ['macsec (on or off)'];
  return FIXED_MACSEC.filter((key) => was[key] !== now[key]).map((key) => `macsec.${key}`);
}

/** Who decides the keys is chosen when the tunnel is opened. */
function fixedMka(was: TunnelConfig, now: TunnelConfig): string[] {
  if (was.macsec === null || now.macsec === null) return [];
  return (was.mka === null) === (now.mka === null) ? [] : ['macsec.mka (on or off)'];
}

/** Key agreement goes on as it is. */
function sameMka(was: MkaConfig | null, now: MkaConfig | null): boolean {
  if (was === null || now === null) return was === now;
  const bare = ({ cak: _cak, fallback, ...rest }: MkaConfig): object => ({
    ...rest,
    fallback: fallback?.ckn,
  });
  const keys = ({ cak, fallback }: MkaConfig): MkaKey['cak'][] =>
    fallback === null ? [cak] : [cak, fallback.cak];
  if (!isDeepStrictEqual(bare(was), bare(now))) return false;
  const after = keys(now);
  return keys(was).every((cak, i) => isSameKey(cak, after[i]!));
}

function sameMacsec(was: MacsecConfig, now: MacsecConfig): boolean {
  return isDeepStrictEqual(withoutKeys(was), withoutKeys(now)) && sameKeys(was, now);
}

function withoutKeys(config: MacsecConfig): object {
  // Where a key lies says nothing of it.
  const bare = (sa: SaConfig): object => ({ ...sa, sak: null, keyFile: null });
  return {
    ...config,
    txSa: config.txSa.map(bare),
    rxSc: config.rxSc.map((sc) => ({ ...sc, sa: sc.sa.map(bare) })),
  };
}

/** The same SAs, encoded with the same one. */
function sameSas(was: MacsecConfig, now: MacsecConfig): boolean {
  return sameMacsec(was, { ...was, txSa: now.txSa, rxSc: now.rxSc, encodingSa: now.encodingSa });
}

function sameKeys(was: MacsecConfig, now: MacsecConfig): boolean {
  const all = (config: MacsecConfig): SaConfig[] => [...config.txSa, ...config.rxSc.flatMap(({ sa }) => sa)];
  const after = all(now);
  return all(was).every((sa, i) => isSameKey(sa.sak, after[i]!.sak));
}
