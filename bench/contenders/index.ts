/** Who takes part, in the order of the tables. */
import type { Contender } from './contender.ts';
import { createFastd } from './fastd.ts';
import { createKernelMacsec } from './kernel-macsec.ts';
import { createL2vpnd, type L2vpndVariant } from './l2vpnd.ts';
import { createOpenvpn } from './openvpn.ts';
import { createTinc } from './tinc.ts';
import { createVxlan } from './vxlan.ts';
import { createWireguardGo } from './wireguard-go.ts';

/** What the ratios refer to. */
export const YARDSTICK = 'fastd';

export const L2VPND_VARIANTS: readonly L2vpndVariant[] = [
  { name: 'l2vpnd-raw', title: 'l2vpnd MACsec, raw GRE', macsec: true, encap: 'none', crypto: 'auto' },
  { name: 'l2vpnd-udp', title: 'l2vpnd MACsec, GRE-in-UDP', macsec: true, encap: 'udp', crypto: 'auto' },
  { name: 'l2vpnd-plain', title: 'l2vpnd plain GRETAP', macsec: false, encap: 'none', crypto: 'auto' },
  {
    name: 'l2vpnd-raw-node',
    title: 'l2vpnd MACsec, raw GRE, crypto: node',
    macsec: true,
    encap: 'none',
    crypto: 'node',
  },
  {
    name: 'l2vpnd-udp-node',
    title: 'l2vpnd MACsec, GRE-in-UDP, crypto: node',
    macsec: true,
    encap: 'udp',
    crypto: 'node',
  },
];

export function allContenders(): Contender[] {
  return [
    ...L2VPND_VARIANTS.map((variant) => createL2vpnd(variant)),
    createFastd(),
    createOpenvpn(),
    createTinc(),
    createWireguardGo(),
    createVxlan(),
    createKernelMacsec(),
  ];
}
