/** A tunnel as the doctor sees it: as configured, as the daemon tells of it now, and as it told a moment before. */
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import type { TunnelConfig } from '../config/types.ts';
import type { Cases, Finding } from './finding.ts';

export interface TunnelSeen {
  readonly name: string;
  /** Null where no sound configuration names it. */
  readonly config: TunnelConfig | null;
  /** Null where no daemon runs it. */
  readonly now: TunnelSnapshot | null;
  /** Some tenths of a second before `now`; null where there was one look only. */
  readonly before: TunnelSnapshot | null;
  /** The daemon is to run it and does not. */
  readonly down: DownSnapshot | null;
}

/** What is read off the daemon's own figures, and so by `show` too. */
export interface EvidenceCheck {
  readonly name: string;
  /** What it looks at, for the documentation. */
  readonly about: string;
  readonly cases: Cases;
  /** Empty: nothing is wrong. Called for a tunnel that the daemon runs, or for one that is down. */
  evidence(tunnel: TunnelSeen): Finding[];
  /** What to say where nothing is wrong. */
  well?(now: TunnelSnapshot): string | null;
}

/** The outer ends, as far as they are known. */
export interface Ends {
  readonly local: string | null;
  /** An address; null: dynamic and not heard yet, or a name without an address. */
  readonly remote: string | null;
  readonly family: 4 | 6;
  /** Null: raw GRE. */
  readonly port: number | null;
}

/** The addresses in use; without a daemon, those of the file. */
export function endsOf({ config, now }: TunnelSeen): Ends {
  const local = addressIn(now?.local ?? config?.gre.local ?? null);
  const remote = addressIn(now?.endpoint ?? null) ?? addressIn(now?.remote ?? config?.gre.remote ?? null);
  const encap = now?.encap ?? config?.gre.encap ?? 'none';
  const shown = local ?? remote;
  return {
    ...{ local, remote, port: encap === 'udp' ? (config?.gre.port ?? null) : null },
    family: shown === null ? (config?.gre.family ?? 4) : shown.includes(':') ? 6 : 4,
  };
}

/** `192.0.2.1`, `192.0.2.1:4754`, `[2001:db8::1]:4754`, `2001:db8::1`; null for what is no address. */
function addressIn(text: string | null): string | null {
  const bare = text?.replace(/^\[(.*)\]:\d+$/, '$1').replace(/^([\d.]+):\d+$/, '$1') ?? '';
  return /^[\d.]+$/.test(bare) || /^[0-9a-f]*:[0-9a-f:.]*(%\w+)?$/i.test(bare) ? bare : null;
}

/** How often something was counted. */
export interface Tally {
  /** Since the tunnel started. */
  readonly count: number;
  /** Between the two looks; 0 where there was one only. */
  readonly fresh: number;
}

export function tally(tunnel: TunnelSeen, count: (snapshot: TunnelSnapshot) => number): Tally {
  const { now, before } = tunnel;
  if (now === null) return { count: 0, fresh: 0 };
  return { count: count(now), fresh: before === null ? 0 : Math.max(0, count(now) - count(before)) };
}

export function drops(tunnel: TunnelSeen, reason: string): Tally {
  return tally(tunnel, ({ drops: counted }) => counted[reason] ?? 0);
}

/** Frames that were taken: authentic, or without MACsec delivered. */
export function accepted(tunnel: TunnelSeen): Tally {
  return tally(tunnel, ({ macsec, rx }) =>
    macsec === null ? rx.frames_out : macsec.rx_sc.reduce((sum, { stats }) => sum + (stats.InPktsOK ?? 0), 0),
  );
}

/** Of frames that came, so many may be wrong before it is worth a line: a restart or a rekeying costs a few. */
export const TOLERATED = 0.01;

/**
 * Whether what was refused matters: null: not; false: it may, but authentic frames come too; true: nothing else comes.
 */
export function suffers(tunnel: TunnelSeen, refused: Tally): boolean | null {
  if (refused.count === 0) return null;
  const good = accepted(tunnel);
  if (good.count === 0) return true;
  const isMuch = refused.count > TOLERATED * (good.count + refused.count);
  if (refused.fresh === 0) return isMuch ? tunnel.now?.peer.state === 'lost' : null;
  return good.fresh === 0;
}
