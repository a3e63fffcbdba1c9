/** What an encapsulation is configured as: `gre` in the file; the names are those of `ip link … type gretap`. */

/** The words of `gre.encap`, and what the schema says of each. `encap/kinds.ts` has the kind of each. */
export const ENCAP_WORDS = {
  none: 'IP protocol 47, what `ip link … type gretap` speaks',
  udp: 'GRE-in-UDP (RFC 8086), `encap fou`',
} as const;
export type EncapWord = keyof typeof ENCAP_WORDS;

/** The words of `gre.sourcePort`, and what the schema says of each. */
export const SOURCE_PORT_WORDS = {
  port: '`gre.port`',
  flow: 'one of 16 ports by a hash of the inner flow (RFC 8086 §3.1), so that routers and receivers spread the flows of a tunnel over paths and cores; who watches the WAN sees which packets may belong to one flow',
} as const;
export type SourcePortWord = keyof typeof SOURCE_PORT_WORDS;

export interface GreConfig {
  /** An address, or `auto`: that which the route to the peer has. */
  local: string;
  /** An address, a host name, or `dynamic` (only with `encap: 'udp'`): learned from the first authentic frame. */
  remote: string;
  /** Of the addresses; 4 while neither is known. */
  family: 4 | 6;
  encap: EncapWord;
  /** The UDP port at both ends; unused without `encap: 'udp'`. */
  port: number;
  /** What UDP datagrams leave by: `port`, or a port by the inner flow. */
  sourcePort: SourcePortWord;
  /** The GRE key of both directions, or none. */
  key: number | null;
  checksum: boolean;
  ttl: number;
  /** Of every outer packet, or `inherit`: that of the inner one. */
  tos: number | 'inherit';
  df: boolean;
  /** A path that carries less than it might is probed again after so many seconds; 0: it is never probed. */
  mtuProbeSeconds: number;
}

/** What a packet has that no inner packet gives its type of service to. */
export function ownTos({ tos }: Pick<GreConfig, 'tos'>): number {
  return tos === 'inherit' ? 0 : tos;
}
