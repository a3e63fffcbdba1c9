/** Our sockets: who else has the port, and what their buffers had no room for. */
import { missingCapabilities } from '../../host/capabilities.ts';
import { SOCKET_BUFFER } from '../../host/socket.ts';
import type { Context, TunnelCheck } from '../context.ts';
import { type Finding, finder } from '../finding.ts';
import { hears, inFull, type SocketSeen, socketsIn } from '../sockets.ts';
import { type Ends, endsOf, type TunnelSeen } from '../tunnel-seen.ts';

const CASES = {
  taken: {
    level: 'fault',
    says: 'UDP port {port} at {local} is taken by {who}',
    cause: 'two programs cannot have one port: the tunnel will not start',
    remedy: 'stop that one (ss -lunp sport = :{port}; ip fou show), or set another gre.port at both ends',
  },
  overflow: {
    level: 'warning',
    says: '{packets} packets were lost as the receive buffer was full',
    cause: 'they came faster than the lanes take them: too few cores, or a burst beyond {buffer} octets',
    remedy:
      'give the daemon a core (CPUAffinity, nice); for raw GRE take gre.encap "udp", which is more than twice as fast',
  },
  small: {
    level: 'warning',
    says: 'socket buffers are held to {octets} octets (net.core.{name})',
    cause: 'the daemon has no CAP_NET_ADMIN to have {wanted}',
    remedy: 'sysctl -w net.core.{name}={wanted}, or give it CAP_NET_ADMIN',
  },
} as const;
const found = finder(CASES);
const GRE_PROTOCOL = 47;
/** Of packets that came, so many may be lost at a start. */
const TOLERATED = 0.001;

export const socket: TunnelCheck = {
  name: 'socket',
  about: 'who has the UDP port, what was lost in socket buffers, net.core.rmem_max and wmem_max',
  cases: CASES,
  async look(tunnel, context) {
    const ends = endsOf(tunnel);
    if (ends.local === null) return [];
    const local = inFull(ends.local);
    const file = `/proc/net/${ends.port === null ? 'raw' : 'udp'}${ends.family === 6 ? '6' : ''}`;
    const port = ends.port ?? GRE_PROTOCOL;
    const all = socketsIn((await context.host.read(file)) ?? '');
    const ours = all.filter((one) => one.port === port && hears(one.local, local));
    const runs = tunnel.now !== null;
    return [
      ...(runs ? overflow(tunnel, ours) : await taken(ends, ours, context)),
      ...(runs ? await small(context) : []),
    ];
  },
};

async function taken(ends: Ends, there: readonly SocketSeen[], context: Context): Promise<Finding[]> {
  const { local, port } = ends;
  const [first] = there;
  // Any number of raw sockets may have one protocol.
  if (port === null || local === null || first === undefined) return [];
  return [found('taken', { local, port, who: await holderOf(first, context) })];
}

async function holderOf({ inode, uid }: SocketSeen, { host }: Context): Promise<string> {
  if (inode === 0) return 'the kernel itself (fou, vxlan or the like)';
  const name = `socket:[${inode}]`;
  const pids = (await host.list('/proc')).filter((one) => /^\d+$/.test(one));
  const holders = await Promise.all(
    pids.map(async (pid) => {
      const fds = await host.list(`/proc/${pid}/fd`);
      const links = await Promise.all(fds.map((fd) => host.readLink(`/proc/${pid}/fd/${fd}`)));
      return links.includes(name) ? pid : null;
    }),
  );
  const pid = holders.find((one) => one !== null);
  if (pid === undefined) return `a program of user ${uid}`;
  return `${((await host.read(`/proc/${pid}/comm`)) ?? '').trim()} (pid ${pid})`;
}

function overflow({ now }: TunnelSeen, sockets: readonly SocketSeen[]): Finding[] {
  const packets = sockets.reduce((sum, { drops }) => sum + drops, 0);
  if (packets <= TOLERATED * now!.rx.frames_in) return [];
  return packets === 0 ? [] : [found('overflow', { packets, buffer: SOCKET_BUFFER })];
}

async function small({ host, daemon }: Context): Promise<Finding[]> {
  if (daemon === null) return [];
  const status = (await host.read(`/proc/${daemon.pid}/status`)) ?? '';
  if (missingCapabilities(status)?.includes('NET_ADMIN') !== true) return [];
  const names = ['rmem_max', 'wmem_max'];
  const limits = await Promise.all(
    names.map(async (name) => Number(await host.read(`/proc/sys/net/core/${name}`))),
  );
  return names.flatMap((name, i) => {
    const octets = limits[i]!;
    return octets > 0 && octets < SOCKET_BUFFER
      ? [found('small', { octets, name, wanted: SOCKET_BUFFER })]
      : [];
  });
}
