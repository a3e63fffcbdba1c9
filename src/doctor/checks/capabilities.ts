/** What the daemon, or who would start it, is allowed to ask of the kernel. */
import { missingCapabilities } from '../../host/capabilities.ts';
import { type HostCheck, isRoot } from '../context.ts';
import { finder, ok, skipped } from '../finding.ts';

const CASES = {
  daemonLacks: {
    level: 'fault',
    says: 'the daemon (pid {pid}) has no {names}',
    cause:
      'without CAP_NET_ADMIN there is no TAP, without CAP_NET_RAW no raw socket: it goes on with those that it has open',
    remedy:
      'AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW in the unit, or --cap-add NET_ADMIN --cap-add NET_RAW',
  },
  lacks: {
    level: 'fault',
    says: 'root has no {names} here',
    cause: 'a container or a unit has taken them away',
    remedy: '--cap-add NET_ADMIN --cap-add NET_RAW; in a unit CapabilityBoundingSet=',
  },
} as const;
const found = finder(CASES);

export const capabilities: HostCheck = {
  name: 'capabilities',
  about: 'CAP_NET_ADMIN and CAP_NET_RAW of the daemon, or of root where none runs',
  cases: CASES,
  async look(context) {
    const { host, daemon } = context;
    const whose = daemon === null ? 'self' : String(daemon.pid);
    const missing = missingCapabilities((await host.read(`/proc/${whose}/status`)) ?? '');
    if (missing === null) return [skipped('which capabilities there are: /proc does not say')];
    const names = missing.map((name) => `CAP_${name}`).join(' and ');
    if (daemon !== null)
      return [
        names === '' ? ok('the daemon has what it needs') : found('daemonLacks', { pid: daemon.pid, names }),
      ];
    if (names === '') return [ok('CAP_NET_ADMIN and CAP_NET_RAW are there')];
    return [
      isRoot(context)
        ? found('lacks', { names })
        : skipped('those of a daemon: none runs, and this is not root'),
    ];
  },
};
