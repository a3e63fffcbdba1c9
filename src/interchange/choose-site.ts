/** Which of the sites of a source is meant: a script may make both ends of a tunnel, each in a network namespace. */
import { L2vpnError } from '../errors.ts';
import { hideKeys, type KernelSite } from './kernel-site.ts';
import { tunnelsOf } from './to-site.ts';

/** `netns`: the operator's choice; null: none was made. Throws L2VPN_DATA where nothing is there, L2VPN_USAGE where it is not clear. */
export function chooseSite(sites: readonly KernelSite[], netns: string | null, source: string): KernelSite {
  const withTunnels = sites.filter((site) => tunnelsOf(site).length > 0);
  if (withTunnels.length === 0)
    throw new L2vpnError('L2VPN_DATA', `${source}: no tunnel is in it: no link of type gretap or ip6gretap`);
  if (netns === null && withTunnels.length === 1) return withTunnels[0]!;
  const chosen = withTunnels.find((site) => (site.netns ?? '') === netns);
  if (chosen !== undefined) return chosen;
  const list = withTunnels.map(describe).join('; ');
  const fault =
    netns === null ? `has several sites: choose one by --netns` : `has no tunnel in the namespace "${netns}"`;
  throw new L2vpnError('L2VPN_USAGE', hideKeys(`${source} ${fault}: ${list}`));
}

function describe(site: KernelSite): string {
  const tunnels = tunnelsOf(site).map(({ gre, macsec }) => {
    const { local, remote } = gre.gre;
    return `${(macsec ?? gre).name} from ${local ?? 'any'} to ${remote ?? 'any'}`;
  });
  return `${site.netns ?? '"" (in none)'} (${tunnels.join(', ')})`;
}
