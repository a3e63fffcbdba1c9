/** What an encapsulation is configured as: `gre` in the file; the names are those of `ip link … type gretap`. */

export interface GreConfig {
  local: string;
  /** An address, or `dynamic` (only with `encap: 'udp'`): learned from the first authentic frame. */
  remote: string;
  family: 4 | 6;
  encap: 'none' | 'udp';
  /** The UDP port at both ends; unused without `encap: 'udp'`. */
  port: number;
  /** The GRE key of both directions, or none. */
  key: number | null;
  checksum: boolean;
  ttl: number;
  tos: number;
  df: boolean;
}
