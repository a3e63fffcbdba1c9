/** The kernel's own GRE, which gets a copy of every packet that a raw socket gets. */
import type { TunnelCheck } from '../context.ts';
import { finder } from '../finding.ts';
import { endsOf } from '../tunnel-seen.ts';

const CASES = {
  twin: {
    level: 'fault',
    says: '{link} is a {kind} of the kernel between the same ends, {local} and {remote}',
    cause: 'both get every packet of the peer: frames come twice, or to the wrong one',
    remedy: 'ip link del {link}',
  },
  answers: {
    level: 'warning',
    says: "the kernel's module {module} is loaded: it answers packets of the peer by ICMP port unreachable",
    cause:
      'it knows no tunnel of this peer, and does not see that a raw socket has taken the packet; the peer shows IcmpNoPort',
    remedy:
      'rmmod {module} if nothing else needs it, or nft add rule inet filter output ip daddr {remote} icmp type destination-unreachable icmp code port-unreachable drop',
  },
} as const;
const found = finder(CASES);

export const kernelGre: TunnelCheck = {
  name: 'kernel-gre',
  about: 'the module ip_gre (ip6_gre), and GRE devices of the kernel between the same ends',
  cases: CASES,
  async look(tunnel, { host }) {
    const { local, remote, family, port } = endsOf(tunnel);
    if (port !== null || remote === null) return [];
    const links = host.links();
    const twin = links.find(({ gre }) => gre !== null && gre.local === local && gre.remote === remote);
    if (twin !== undefined)
      return [found('twin', { link: twin.ifname, kind: twin.kind, local: local ?? 'any', remote })];
    const module = family === 4 ? 'ip_gre' : 'ip6_gre';
    const isLoaded =
      links.some(({ kind }) => (family === 4 ? ['gre', 'gretap'] : ['ip6gre', 'ip6gretap']).includes(kind)) ||
      (await host.modeOf(`/sys/module/${module}`)) !== null;
    return isLoaded ? [found('answers', { module, remote })] : [];
  },
};
