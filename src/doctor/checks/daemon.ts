/** Whether a daemon answers, and whether it is one of this version, in this network namespace. */
import { packageVersion } from '../../package-root.ts';
import type { Context, HostCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  none: {
    level: 'skipped',
    says: 'no daemon runs: what only it knows (peer, frames, path) is not looked at',
    cause: '{why}',
    remedy: 'start it (systemctl start l2vpnd@NAME, or l2vpnd --config FILE), or name it with --socket',
  },
  silent: {
    level: 'fault',
    says: 'the daemon does not answer',
    cause: '{why}',
    remedy: 'see what it is doing (ps, journalctl); restart it',
  },
  denied: {
    level: 'skipped',
    says: 'the daemon was not asked: needs root, or the user that it runs as',
    cause: '{why}',
    remedy: 'run it by sudo',
  },
  otherVersion: {
    level: 'warning',
    says: 'the daemon is l2vpnd {running}, this command {installed}',
    cause: 'it was updated, and not restarted since',
    remedy: 'restart the daemon (systemctl restart)',
  },
  otherNamespace: {
    level: 'warning',
    says: 'the daemon (pid {pid}) is in another network namespace than this command',
    cause: 'routes, firewall and links that are looked at here are not those that it has',
    remedy: 'nsenter -t {pid} -n l2vpnd doctor …, or ip netns exec',
  },
} as const;
const found = finder(CASES);

export const daemon: HostCheck = {
  name: 'daemon',
  about: 'whether a daemon answers at the control socket',
  cases: CASES,
  async look(context) {
    const { daemon: running, daemonFault, host, socket } = context;
    if (running === null) return [absent(context)];
    const installed = packageVersion();
    const [own, its] = await Promise.all([
      host.readLink('/proc/self/ns/net'),
      host.readLink(`/proc/${running.pid}/ns/net`),
    ]);
    const findings = [
      ...(running.version === installed
        ? []
        : [found('otherVersion', { running: running.version, installed })]),
      ...(own !== null && its !== null && own !== its ? [found('otherNamespace', { pid: running.pid })] : []),
    ];
    if (findings.length > 0 || daemonFault !== null) return findings;
    return [ok(`pid ${running.pid}, l2vpnd ${running.version}, answers at ${socket}`)];
  },
};

function absent({ daemonFault }: Context): ReturnType<typeof found> {
  // The rest of it is the remedy of other commands.
  const why = (daemonFault?.message ?? 'nobody was asked').split('; ')[0]!;
  if (daemonFault?.code === 'L2VPN_PERMISSION') return found('denied', { why });
  return /does not answer/.test(why) ? found('silent', { why }) : found('none', { why });
}
