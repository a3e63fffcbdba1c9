/** What all checks are given: what is configured, what the daemon tells, and the host. Read-only. */
import type { DaemonSnapshot } from '../api/daemon.ts';
import type { Config } from '../config/types.ts';
import type { L2vpnError } from '../errors.ts';
import type { Cases, Finding } from './finding.ts';
import type { Host } from './host.ts';
import type { TunnelSeen } from './tunnel-seen.ts';

export interface Context {
  readonly host: Host;
  /** Null where none is named, or it is not sound. */
  readonly config: Config | null;
  /** Absolute; null: none was named, and no daemon says one. */
  readonly configPath: string | null;
  /** Why it is not sound. */
  readonly configFault: L2vpnError | null;
  /** Where a daemon was looked for. */
  readonly socket: string | null;
  readonly daemon: DaemonSnapshot | null;
  /** The user that it runs as, or that a service of ours would; null: not known, or root. */
  readonly daemonUid: number | null;
  /** Why none has answered. */
  readonly daemonFault: L2vpnError | null;
  /** Those that were asked for. */
  readonly tunnels: readonly TunnelSeen[];
  /** /proc/net/snmp at both looks. */
  readonly snmp: { readonly before: string; readonly now: string };
}

/** Of the host, whatever tunnels there are. */
export interface HostCheck {
  readonly name: string;
  readonly about: string;
  readonly cases: Cases;
  look(context: Context): Finding[] | Promise<Finding[]>;
}

/** Of each tunnel, and what of the host it stands on. */
export interface TunnelCheck {
  readonly name: string;
  readonly about: string;
  readonly cases: Cases;
  /** It goes by what the daemon tells: without one there is nothing to say. */
  readonly asksDaemon?: boolean;
  look(tunnel: TunnelSeen, context: Context): Finding[] | Promise<Finding[]>;
}

/** What of this host belongs to root. */
export function isRoot({ host }: Context): boolean {
  return host.euid === 0;
}
