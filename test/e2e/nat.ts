/** A site behind a NAT whose port changes, and where the other one believes it to be. */
import type { Site } from '../../lab/site.ts';
import type { Topology } from '../../lab/topology.ts';

export async function endpointOf(site: Site): Promise<string | null> {
  const [tunnel] = (await site.control('/v1/tunnels')) as [{ endpoint: string | null }];
  return tunnel.endpoint;
}

export async function untilEndpoint(site: Site, pattern: RegExp, timeoutMs = 5000): Promise<void> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const endpoint = await endpointOf(site);
    if (pattern.test(endpoint ?? '')) return;
    if (Date.now() > end) throw new Error(`${site.name}: the endpoint stays ${endpoint}`);
  }
}

/** The WAN masquerades what site 1 sends, as 2.2.2.254 with this source port; the binding before is forgotten. */
export async function masqueradeSite1({ wan }: Topology, port: number): Promise<void> {
  await wan.must(['nft', '-f', '-'], {
    input: `
      table ip lab { }
      delete table ip lab
      table ip lab {
        chain out {
          type nat hook postrouting priority srcnat
          ip saddr 1.1.1.1 udp sport 4754 masquerade to :${port}
        }
      }
    `,
  });
  // What conntrack remembers outlives the rule: down and up forgets masqueraded bindings of the link.
  await wan.ip('link set wan2 down\nlink set wan2 up\n');
  await wan.ip('address replace 2.2.2.254/24 dev wan2\n');
}
