/** `l2vpnd status [NAME…]`: a line per tunnel, and by the exit status whether all is well. For scripts, health checks, monitoring. */
import { ask } from '../api/client.ts';
import { EXIT_STATUS, L2vpnError } from '../errors.ts';
import { type DaemonChoice, socketPaths } from './daemon-choice.ts';
import { type OutputOptions, printJson, printText, type Rule } from './output.ts';
import { type DaemonStatus, downStatus, statusLines, type TunnelStatus, upStatus } from './status-format.ts';

export interface StatusOptions extends DaemonChoice, OutputOptions {
  quiet?: boolean;
}

/** All is well only if everything is. */
const NOT_WELL = EXIT_STATUS.L2VPN_UNAVAILABLE;

const COLORS: readonly Rule[] = [
  [/(?<=^\S+ +)up \S+|\bpeer alive\b/gm, 'good'],
  [/(?<=^\S+ +)DOWN \S+|\bpeer lost\b|^\S+\.sock: .*$/gm, 'bad'],
  [/\bpeer unknown\b/g, 'doubtful'],
];

/**
 * `names`: of tunnels or TAPs; none: every tunnel. Of every daemon on the host, unless one is named. 0: all of those tunnels are
 * up and their peers alive; else NOT_WELL. Throws L2vpnError where nobody can be asked, and for a name that there is not.
 */
export async function status(names: readonly string[], options: StatusOptions): Promise<number> {
  const sockets = await socketPaths(options);
  return tell(names, await statusOf(sockets), options);
}

/** Prints what belongs to `names`; the exit status. */
export function tell(
  names: readonly string[],
  daemons: readonly DaemonStatus[],
  options: StatusOptions,
): number {
  const tunnels = daemons.flatMap((daemon) => daemon.tunnels);
  const isChosen = ({ name, ifname }: TunnelStatus): boolean =>
    names.includes(name) || names.includes(ifname);
  refuseStrangers(names, tunnels);
  const chosen = names.length === 0 ? tunnels : tunnels.filter(isChosen);
  // A daemon that does not answer may have any tunnel, but none of those that were found.
  const silent = names.length === 0 ? daemons.filter((daemon) => daemon.reason !== null) : [];
  if (options.json) printJson([...chosen, ...silent.map(silentJson)]);
  else if (!options.quiet) printText(statusLines(chosen, silent, Date.now()), COLORS);
  return silent.length === 0 && chosen.every(({ ok }) => ok) ? 0 : NOT_WELL;
}

function silentJson({ socket, reason }: DaemonStatus): object {
  return { socket, ok: false, reasons: [reason] };
}

function refuseStrangers(names: readonly string[], tunnels: readonly TunnelStatus[]): void {
  const known = tunnels.flatMap(({ name, ifname }) => [name, ifname]);
  const stranger = names.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const all = tunnels.map(({ name }) => name).join(', ');
  throw new L2vpnError('L2VPN_USAGE', `there is no tunnel "${stranger}"; tunnels are ${all}`);
}

/** Of several daemons one that does not answer is told of; what the only one says, or does not say, is thrown. */
export async function statusOf(sockets: readonly string[]): Promise<DaemonStatus[]> {
  return Promise.all(
    sockets.map(async (socket): Promise<DaemonStatus> => {
      try {
        return { socket, tunnels: await tunnelsOf(socket), reason: null };
      } catch (error) {
        if (sockets.length === 1 || !(error instanceof L2vpnError)) throw error;
        return { socket, tunnels: [], reason: error.message };
      }
    }),
  );
}

async function tunnelsOf(socket: string): Promise<TunnelStatus[]> {
  const [up, down] = await Promise.all([ask(socket, 'tunnels', {}), ask(socket, 'down', {})]);
  return [...up.map((tunnel) => upStatus(tunnel, Date.now())), ...down.map(downStatus)];
}
