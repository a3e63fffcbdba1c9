/**
 * What a changed configuration asks of a running daemon: tunnels that come and go, that get another outside or are made
 * anew, SecYs that change while they run, and what cannot change without a restart, by name. Nothing is done here;
 * `carry-out.ts` does it.
 */
import { isDeepStrictEqual } from 'node:util';
import { isSameKey } from '../config/key-prints.ts';
import type { Config, LogLevel, MkaConfig, MkaKey, TapConfig, TunnelConfig } from '../config/types.ts';
import type { GreConfig } from '../encap/config.ts';
import type { FiledKeys } from '../keys/key-source.ts';
import { haveSameKeys } from '../keys/merge-sas.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';

export interface ReloadPlan {
  readonly add: readonly TunnelConfig[];
  readonly remove: readonly string[];
  /** Tunnels that another takes the place of, since they cannot become it. */
  readonly replace: readonly ReplaceChange[];
  /** Tunnels that get another socket, other ends, another MTU; their TAP and SecY stay. */
  readonly refit: readonly RefitChange[];
  /** Tunnels whose SecY gets a new configuration; its SAs only where `keys` says so. */
  readonly macsec: readonly MacsecChange[];
  /** Tunnels that run on, whose peer is waited for longer or less long. */
  readonly peerTimeouts: readonly PeerTimeoutChange[];
  readonly logLevel: LogLevel | null;
  /** What stays as it was: `crypto cannot change while it runs; restart l2vpnd`. */
  readonly refused: readonly string[];
  /** What holds from now on: the new configuration, with that which is refused as it was. */
  readonly effective: Config;
}

export interface ReplaceChange {
  readonly config: TunnelConfig;
  /** As loaded before (with prints in place of keys). */
  readonly before: TunnelConfig;
  /** SAs that a rotation has brought go on. */
  readonly keepsSas: boolean;
}

export interface RefitChange {
  readonly name: string;
  readonly tap: TapConfig;
  readonly gre: GreConfig;
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

/** These belong to the birth of the TAP, with `mac` to that of the SecY (its SCI has it), or to who sets its carrier. */
const FIXED_TAP = ['ifname', 'mac', 'queues', 'carrier', 'carrierDelayMs'] as const;
/** As with `ip link change … type macsec`: these belong to the SecY's birth. */
const FIXED_MACSEC = ['cipher', 'icvLen', 'port'] as const;
const FIXED_GLOBAL = ['crypto', 'workers', 'stateDir', 'stateMayBeLost', 'controlSocket', 'metrics'] as const;

/**
 * Compares what was loaded before, which may have prints in place of its keys, with what is loaded now (not with what
 * runs: a rotation is not an edit).
 */
export function planReload(before: Config, after: Config): ReloadPlan {
  const macsec: MacsecChange[] = [];
  const peerTimeouts: PeerTimeoutChange[] = [];
  const replace: ReplaceChange[] = [];
  const refit: RefitChange[] = [];
  const changed = FIXED_GLOBAL.filter((key) => !isDeepStrictEqual(before[key], after[key]));
  for (const now of after.tunnels) {
    const was = before.tunnels.find(({ name }) => name === now.name);
    if (was === undefined) continue;
    if (isAnother(was, now)) {
      replace.push({ config: now, before: was, keepsSas: keepsSas(was, now) });
      continue;
    }
    const { peerTimeoutSeconds } = now;
    if (was.peerTimeoutSeconds !== peerTimeoutSeconds) {
      peerTimeouts.push({ name: now.name, seconds: peerTimeoutSeconds });
    }
    const { name, tap, gre, macsec: config, mka } = now;
    if (!isDeepStrictEqual([was.tap, was.gre], [tap, gre])) refit.push({ name, tap, gre });
    if (was.macsec === null || config === null) continue;
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
    replace,
    refit,
    macsec,
    peerTimeouts,
    logLevel: before.log.level === after.log.level ? null : after.log.level,
    refused: changed.map((key) => `${key} ${CANNOT}`),
    effective: { ...after, ...fixedGlobal },
  };
}

/** Tunnels that have stopped for a moment. */
export function restartedNames({ replace, refit }: ReloadPlan): string[] {
  return [...replace.map(({ config }) => config.name), ...refit.map(({ name }) => name)];
}

/** Tunnels that run on and are not as before. */
export function changedNames(plan: ReloadPlan): string[] {
  const restarted = restartedNames(plan);
  const names = new Set([...plan.macsec, ...plan.peerTimeouts].map(({ name }) => name));
  return [...names].filter((name) => !restarted.includes(name));
}

const CANNOT = 'cannot change while it runs; restart l2vpnd';

/** `was` cannot become `now`: its TAP, its SecY or who decides its keys is another. */
function isAnother(was: TunnelConfig, now: TunnelConfig): boolean {
  if (FIXED_TAP.some((key) => was.tap[key] !== now.tap[key])) return true;
  if (!isDeepStrictEqual(was.keepalive, now.keepalive)) return true;
  if ((was.mka === null) !== (now.mka === null)) return true;
  if (was.macsec === null || now.macsec === null) return was.macsec !== now.macsec;
  return !sameBirth(was.macsec, now.macsec);
}

function sameBirth(was: MacsecConfig, now: MacsecConfig): boolean {
  return FIXED_MACSEC.every((key) => was[key] === now[key]);
}

/** What a rotation has brought was for the same cipher, in place of the same keys. */
function keepsSas(was: TunnelConfig, now: TunnelConfig): boolean {
  if (was.macsec === null || now.macsec === null || now.mka !== null) return false;
  return was.macsec.cipher === now.macsec.cipher && haveSameKeys(was.macsec, now.macsec);
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
