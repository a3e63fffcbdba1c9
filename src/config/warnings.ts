/** What a configuration may say but rarely means. */
import type { KeyObject } from 'node:crypto';
import type { SaConfig } from '../macsec/config.ts';
import { isExampleKey } from './example-keys.ts';
import { type MkaKeyAt, mkaKeys } from './mka-rules.ts';
import { formatPath, quote } from './problem.ts';
import type { Config, MetricsConfig, MkaConfig, TunnelConfig } from './types.ts';

/** Warnings, a line each; for the log at start and for `l2vpnd check`. `path`: the file it is from. */
export function configWarnings(config: Config, path: string): string[] {
  const said = config.tunnels.flatMap((tunnel) =>
    tunnelWarnings(tunnel).map((text) => `tunnel ${quote(tunnel.name)}: ${text}`),
  );
  const keys = keysOf(config);
  const caks = mkaKeys(config);
  const all = [...keys.map(({ at, sa }) => ({ at, key: sa.sak })), ...caks.map(cakAt)];
  const insecure = [...exampleWarnings(all, path), ...sameIdWarnings(keys), ...sharedCakWarnings(caks)];
  return [...insecure, ...metricsWarnings(config.metrics), ...said];
}

function cakAt({ path, cak }: MkaKeyAt): { at: string; key: KeyObject } {
  return { at: formatPath([...path, 'cak']), key: cak };
}

interface KeyAt {
  readonly at: string;
  readonly sa: SaConfig;
}

function keysOf(config: Config): KeyAt[] {
  return config.tunnels.flatMap(({ macsec }, t) => {
    if (macsec === null) return [];
    const base = ['tunnels', t, 'macsec'];
    const tx = macsec.txSa.map((sa, i) => ({ at: formatPath([...base, 'txSa', i]), sa }));
    const rx = macsec.rxSc.flatMap((sc, i) =>
      sc.sa.map((sa, j) => ({ at: formatPath([...base, 'rxSc', i, 'sa', j]), sa })),
    );
    return [...tx, ...rx];
  });
}

function exampleWarnings(keys: readonly { at: string; key: KeyObject }[], path: string): string[] {
  const examples = keys.filter(({ key }) => isExampleKey(key));
  const [first] = examples;
  if (first === undefined) return [];
  const others = examples.length === 1 ? '' : ` and ${examples.length - 1} more`;
  return [
    `INSECURE: ${first.at}${others} in ${path} use keys of the published examples: ` +
      'anybody can read and forge the frames; make keys with "openssl rand -hex 16"',
  ];
}

const LOOPBACK = /^(?:127(?:\.[0-9]+){3}|\[::1\]|localhost):/;

function metricsWarnings(metrics: MetricsConfig | null): string[] {
  if (metrics === null || LOOPBACK.test(metrics.listen)) return [];
  const { listen, tokenFile } = metrics;
  const who =
    tokenFile === null
      ? 'everybody who reaches it sees peers, traffic and packet numbers'
      : 'who watches the network on the way sees the token and all that is told, as it is not encrypted';
  return [`metrics.listen ${listen} is no loopback address: ${who}; take 127.0.0.1 and a proxy with TLS`];
}

/** One warning an identifier: a hub may give each of its tunnels the same two. */
function sameIdWarnings(keys: readonly KeyAt[]): string[] {
  const firstOf = new Map<string, KeyAt>();
  const said = new Map<string, string>();
  for (const key of keys) {
    const { keyId, sak } = key.sa;
    const first = firstOf.get(keyId);
    if (first === undefined) firstOf.set(keyId, key);
    else if (!said.has(keyId) && !first.sa.sak.equals(sak)) {
      said.set(keyId, `keyId ${keyId} names different keys: ${first.at} and ${key.at}; give each its own`);
    }
  }
  return [...said.values()];
}

/** Whoever has a CAK can be any end of all tunnels that have it. One warning per place. */
function sharedCakWarnings(keys: readonly MkaKeyAt[]): string[] {
  return keys.flatMap((key, i) => {
    const other = keys.slice(0, i).find(({ cak }) => cak.equals(key.cak));
    if (other === undefined) return [];
    const [at, before] = [key, other].map(({ path }) => formatPath([...path, 'cak']));
    return [`${at} is ${before} too: who has it can be either end of both; give each its own`];
  });
}

function tunnelWarnings(tunnel: TunnelConfig): string[] {
  const { macsec, tap, mka } = tunnel;
  if (macsec === null)
    return ['macsec is null: frames cross the WAN in clear, and anybody there can inject frames'];
  const said: string[] = [];
  if (!macsec.protect) said.push('protect is false: frames are sent in clear');
  else if (!macsec.encrypt) said.push('encrypt is false: frames are authenticated but readable');
  if (macsec.validate !== 'strict') {
    said.push(`validate is "${macsec.validate}": frames that nobody authenticated may reach the LAN`);
  }
  if (mka !== null) said.push(...mkaWarnings(mka));
  else if (tap.mac === null)
    said.push('tap.mac is random, so the own SCI is too: the peer cannot know it; set tap.mac');
  if (mka === null && macsec.rxSc.length === 0)
    said.push('rxSc is empty: no protected frame can be received');
  if (macsec.icvLen < 16)
    said.push(`icvLen is ${macsec.icvLen}: forging a frame gets easier; 16 is what peers expect`);
  said.push(...overtakingWarnings(tunnel));
  if (!macsec.sendSci && macsec.endStation) {
    said.push(
      'endStation: the receiver takes the SCI from the inner source MAC, which is not ours behind a bridge',
    );
  }
  return said;
}

/** Below this a few packets of another class or path are enough to make one late. */
const LEAST_MIXED_WINDOW = 128;

/** Packets of several classes or paths overtake each other, and a narrow replay window takes those for late. */
function overtakingWarnings({ gre, macsec }: TunnelConfig): string[] {
  if (macsec === null || !macsec.replayProtect || macsec.replayWindow >= LEAST_MIXED_WINDOW) return [];
  const mixes = gre.tos === 'inherit' ? 'gre.tos "inherit"' : 'gre.sourcePort "flow"';
  if (gre.tos !== 'inherit' && gre.sourcePort !== 'flow') return [];
  return [
    `macsec.replayWindow is ${macsec.replayWindow}: with ${mixes} packets overtake each other on the way, and those ` +
      'that fall behind are dropped as late; the default is 1024',
  ];
}

/** How often wpa_supplicant and most switches send, and how long the standard waits for them. */
const STANDARD_LIFE_MS = 6000;

function mkaWarnings({ priority, lifeMs }: MkaConfig): string[] {
  const said: string[] = [];
  if (priority === 255) {
    said.push(
      'mka.priority is 255, "never" by the standard: where both ends have it no key server may be elected, or it may be ' +
        'this one all the same (wpa_supplicant does that); take 254 to be the last',
    );
  }
  if (lifeMs < STANDARD_LIFE_MS) {
    said.push(
      `mka.lifeMs is ${lifeMs}: a peer that sends every 2 s, as wpa_supplicant does, is gone after a few losses`,
    );
  }
  return said;
}
