/** What an encapsulation is configured as: `gre` in the file; the names are those of `ip link … type gretap`. */

/** The words of `gre.encap`, and what the schema says of each. `encap/kinds.ts` has the kind of each. */
export const ENCAP_WORDS = {
  none: 'IP protocol 47, what `ip link … type gretap` speaks',
  udp: 'GRE-in-UDP (RFC 8086), `encap fou`',
} as const;
export type EncapWord = keyof typeof ENCAP_WORDS;

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
  /** The GRE key of both directions, or none. */
  key: number | null;
  checksum: boolean;
  ttl: number;
  tos: number;
  df: boolean;
  /** A path that carries less than it might is probed again after so many seconds; 0: it is never probed. */
  mtuProbeSeconds: number;
}
