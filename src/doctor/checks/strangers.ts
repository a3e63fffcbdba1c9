/** Packets for nobody: the peer's, perhaps, that come from another address than it is expected at. */
import type { TunnelCheck } from '../context.ts';
import { finder } from '../finding.ts';
import { accepted, endsOf } from '../tunnel-seen.ts';

const CASES = {
  otherAddress: {
    level: 'warning',
    says: '{packets} {what} came to this host in {seconds} s that nobody takes, while nothing comes from {remote}',
    cause:
      'the peer may send from another address than gre.remote names: behind NAT, or by another link (asymmetric paths)',
    remedy:
      "tcpdump -ni any {filter} shows from where; set gre.remote to that (or dynamic, with gre.encap udp), or the peer's gre.local",
  },
} as const;
const found = finder(CASES);

export const strangers: TunnelCheck = {
  name: 'strangers',
  about: 'packets that come from another address than gre.remote',
  cases: CASES,
  asksDaemon: true,
  look(tunnel, { snmp }) {
    const { remote, port } = endsOf(tunnel);
    if (remote === null || tunnel.now === null || accepted(tunnel).fresh > 0) return [];
    if (tunnel.now.peer.state === 'alive') return [];
    const [protocol, name] = port === null ? ['Ip', 'InUnknownProtos'] : ['Udp', 'NoPorts'];
    const packets = counterIn(snmp.now, protocol!, name!) - counterIn(snmp.before, protocol!, name!);
    if (!(packets > 0)) return [];
    const what = port === null ? 'packets of an IP protocol' : 'UDP datagrams';
    const filter = port === null ? 'proto 47' : `udp port ${port}`;
    return [found('otherAddress', { packets, what, seconds: '0.5', remote, filter })];
  },
};

/** Of /proc/net/snmp: a line of names, and one of values. */
export function counterIn(text: string, protocol: string, name: string): number {
  const [names, values] = text.split('\n').filter((line) => line.startsWith(`${protocol}: `));
  const at = names?.split(' ').indexOf(name) ?? -1;
  return at < 0 ? 0 : Number(values?.split(' ')[at] ?? 0);
}
