/** A hub at site 2 that takes spokes 1, 2, 3 … of site 1, each behind the NAT of the WAN, on one UDP port. */
import { vi } from 'vitest';
import { type MacsecFile, type Site, type TunnelFile, tunnelFile } from '../../lab/site.ts';
import type { Topology } from '../../lab/topology.ts';
import { type Lab, pingOnce } from './support.ts';

export type Keys = 'static' | 'mka';

export const keyOf = (spoke: number, from: 'hub' | 'spoke'): string =>
  `${from === 'hub' ? 'b' : 'a'}${spoke.toString(16)}`.repeat(16);
const hubMac = (spoke: number): string => `02:00:00:02:00:0${spoke}`;
const spokeMac = (spoke: number): string => `02:00:00:01:00:0${spoke}`;
/** Of what a spoke sends. */
export const sciOfSpoke = (spoke: number): string => `0200000100${spoke.toString().padStart(2, '0')}0001`;
/** Before the NAT. */
const underlayOf = (spoke: number): string => `1.1.1.${spoke === 1 ? 1 : spoke + 10}`;

function macsecOf(keys: Keys, spoke: number, at: 'hub' | 'spoke'): MacsecFile {
  if (keys === 'mka') return { mka: { ckn: `5a0${spoke}`, cak: keyOf(spoke, 'hub'), helloMs: 250 } };
  const [own, peer] = at === 'hub' ? (['hub', 'spoke'] as const) : (['spoke', 'hub'] as const);
  const mac = at === 'hub' ? spokeMac(spoke) : hubMac(spoke);
  return {
    txSa: [{ an: 0, keyId: '01', key: keyOf(spoke, own) }],
    rxSc: [{ mac, sa: [{ an: 0, keyId: '02', key: keyOf(spoke, peer) }] }],
  };
}

/** The hub's tunnels, `spoke<n>` each; TAP `h<n>` has 10.0.n.2. */
export function hubTunnels({ topology }: Lab, keys: Keys, spokes: readonly number[]): TunnelFile[] {
  return spokes.map((spoke) =>
    tunnelFile(topology, 2, {
      name: `spoke${spoke}`,
      tap: { ifname: `h${spoke}`, mac: hubMac(spoke), bridge: null },
      gre: { encap: 'udp', remote: 'dynamic' },
      macsec: macsecOf(keys, spoke, 'hub'),
    }),
  );
}

export function hubOf(lab: Lab, keys: Keys, spokes: readonly number[]): Site {
  return lab.siteOf(2, { tunnels: hubTunnels(lab, keys, spokes) });
}

/** A spoke, whose TAP `s<n>` has 10.0.n.1. */
export function spokeOf(lab: Lab, keys: Keys, spoke: number): Site {
  const changes = {
    tap: { ifname: `s${spoke}`, mac: spokeMac(spoke), bridge: null },
    gre: { encap: 'udp', local: underlayOf(spoke) },
    macsec: macsecOf(keys, spoke, 'spoke'),
  };
  return lab.siteOf(1, { tunnels: [tunnelFile(lab.topology, 1, changes)] });
}

export async function startHub(lab: Lab, hub: Site, spokes: readonly number[]): Promise<void> {
  await hub.start(20_000);
  await addressHub(lab, spokes);
}

export async function addressHub({ topology }: Lab, spokes: readonly number[]): Promise<void> {
  await topology.nsrb.ip(spokes.map((n) => `address replace 10.0.${n}.2/24 dev h${n}\n`).join(''));
}

export async function startSpoke(lab: Lab, site: Site, spoke: number): Promise<void> {
  const { nsra } = lab.topology;
  await nsra.ip(`address replace ${underlayOf(spoke)}/24 dev vra\n`);
  await site.start();
  await nsra.ip(`address replace 10.0.${spoke}.1/24 dev s${spoke}\n`);
}

/**
 * The WAN masquerades each spoke as 2.2.2.254 with its port; bindings before are forgotten. What comes for a port without
 * a binding is dropped: else it would make one itself, and keep the spoke out of it.
 */
export async function masquerade({ wan }: Topology, ports: Readonly<Record<number, number>>): Promise<void> {
  const rules = Object.entries(ports).map(
    ([spoke, port]) => `ip saddr ${underlayOf(Number(spoke))} udp sport 4754 masquerade to :${port}`,
  );
  await wan.must(['nft', '-f', '-'], {
    input: `
      table ip lab { }
      delete table ip lab
      table ip lab {
        chain out {
          type nat hook postrouting priority srcnat
          ${rules.join('\n          ')}
        }
        chain in {
          type filter hook input priority filter
          udp sport 4754 drop
        }
      }
    `,
  });
  await wan.ip('link set wan2 down\nlink set wan2 up\n');
  await wan.ip('address replace 2.2.2.254/24 dev wan2\n');
}

/** Where the hub believes its spokes to be, by tunnel. */
export async function endpointsOf(hub: Site): Promise<Record<string, string | null>> {
  const tunnels = (await hub.control('/v1/tunnels')) as { name: string; endpoint: string | null }[];
  return Object.fromEntries(tunnels.map(({ name, endpoint }) => [name, endpoint]));
}

export async function untilAt(hub: Site, spoke: number, port: number): Promise<void> {
  await vi.waitUntil(async () => (await endpointsOf(hub))[`spoke${spoke}`] === `2.2.2.254:${port}`, {
    timeout: 15_000,
    interval: 50,
  });
}

/** Until the hub answers the spoke, through the tunnel. */
export async function untilAnswered(lab: Lab, spoke: number): Promise<void> {
  await vi.waitUntil(() => pingOnce(lab.topology.nsra, `10.0.${spoke}.2`), { timeout: 15_000 });
}

/** The hub speaks first. */
export function hubReaches(lab: Lab, spoke: number): Promise<boolean> {
  return pingOnce(lab.topology.nsrb, `10.0.${spoke}.1`, 56, 2);
}
