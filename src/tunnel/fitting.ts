/**
 * What a tunnel is outside of its TAP and its SecY: its ends, its path, what it carries. Nothing is opened for it, so that a
 * reload can be planned, and one that fails goes back to the fitting before.
 */
import type { TapConfig } from '../config/types.ts';
import type { GreConfig } from '../encap/config.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { EndsFinder, type Silence } from './ends-finder.ts';
import { LocalWatch } from './local-watch.ts';
import { type MtuArithmetic, mtuArithmetic } from './mtu.ts';
import { fixedEnds, type OuterEnds } from './outer-ends.ts';
import { type PathContext, TunnelPath } from './path.ts';

export interface Fitting {
  readonly tap: TapConfig;
  /** As the file has it. */
  readonly filed: GreConfig;
  /** Null: the file names both ends. */
  readonly finder: EndsFinder | null;
  /** Null: not found yet, so there is no socket. */
  readonly ends: OuterEnds | null;
  /** `filed` with `ends`. */
  readonly gre: GreConfig;
  readonly path: TunnelPath;
  readonly localWatch: LocalWatch | null;
  readonly arithmetic: MtuArithmetic;
  /** What it carries at most, and its lanes below the SecY: as long as the path carries what it did at the start. */
  readonly most: number;
  readonly lowerMost: number;
}

/** The tunnel that a fitting is for. */
export interface Fitted extends Pick<PathContext, 'peer' | 'sourcePorts' | 'secTags'> {
  /** Where the configuration names it: `tunnels[0]`. */
  readonly place: string;
  /** As it runs; null without MACsec. */
  macsec(): MacsecConfig | null;
}

/** The smallest MTU that IPv4 demands of a link (RFC 791): below it the arithmetic has gone wrong. */
const LEAST_MTU = 68;

/** A tunnel that is new, or that has another peer. */
const NOT_SILENT: Silence = { silentMs: 0, isUnanswered: false };

/**
 * For these parts of the file; `known`: ends that were found for them before. Throws L2vpnError where there is no route, or the
 * path carries too little.
 */
export function newFitting(
  tap: TapConfig,
  filed: GreConfig,
  tunnel: Fitted,
  known: OuterEnds | null = null,
): Fitting {
  const fixed = fixedEnds(filed);
  const finder = fixed === null ? new EndsFinder(filed) : null;
  const ends = fixed ?? known ?? finder?.look(performance.now(), NOT_SILENT) ?? null;
  return fittingBetween(ends, { tap, filed, finder }, tunnel);
}

/** For other parts of the file than `now` is for: what has been found of the ends stays where they are the same. Throws as `newFitting`. */
export function changedFitting(now: Fitting, tap: TapConfig, filed: GreConfig, tunnel: Fitted): Fitting {
  const { ends, finder } = now;
  const isSame = now.filed.local === filed.local && now.filed.remote === filed.remote;
  return isSame ? fittingBetween(ends, { tap, filed, finder }, tunnel) : newFitting(tap, filed, tunnel);
}

/** Between these ends. Throws as `newFitting`. */
export function fittingBetween(
  ends: OuterEnds | null,
  { tap, filed, finder }: Pick<Fitting, 'tap' | 'filed' | 'finder'>,
  tunnel: Fitted,
): Fitting {
  const { place } = tunnel;
  const gre = { ...filed, ...ends };
  const path = new TunnelPath(pathContext(gre, tap, ends !== null, tunnel), `${place}.gre`);
  const arithmetic = mtuArithmetic(path.octets, gre, tunnel.macsec());
  const most = tap.mtu === 'auto' ? arithmetic.mtu : tap.mtu;
  refuseSmallMtu(most, gre, place);
  // What a gretap below would carry: SecTAG and ICV are inside.
  const lowerMost = most + arithmetic.overhead - mtuArithmetic(path.octets, gre, null).overhead;
  const localWatch = ends === null ? null : new LocalWatch(ends.local);
  return { tap, filed, finder, ends, gre, path, localWatch, arithmetic, most, lowerMost };
}

/** Before the ends are known nothing of the path is, as with a peer that may be anywhere. */
function pathContext(gre: GreConfig, tap: TapConfig, isFound: boolean, tunnel: Fitted): PathContext {
  return {
    gre: isFound ? gre : { ...gre, remote: 'dynamic' },
    fixedMtu: tap.mtu === 'auto' ? null : tap.mtu,
    peer: () => tunnel.peer(),
    sourcePorts: () => tunnel.sourcePorts(),
    secTags: () => tunnel.secTags(),
  };
}

function refuseSmallMtu(mtu: number, { remote }: GreConfig, place: string): void {
  if (mtu >= LEAST_MTU) return;
  throw new L2vpnError(
    'L2VPN_CONFIG',
    `${place}.tap.mtu: the path to ${remote} leaves ${mtu} octets; raise the MTU of the underlay`,
  );
}
