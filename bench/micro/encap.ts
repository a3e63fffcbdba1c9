/** The encapsulation of the micro benchmarks: GRETAP on a raw IPv4 socket, with the outer header written by us. */
import type { Encap } from '../../src/encap/encap.ts';
import { createGretap } from '../../src/encap/gretap.ts';
import { ipv4Template } from '../../src/wire/ipv4.ts';

export function rawGretap(): Encap {
  const header = ipv4Template(Buffer.from([1, 1, 1, 1]), Buffer.from([2, 2, 2, 2]), 64, 0, true);
  return createGretap({ family: 4, gre: { key: null, checksum: false }, header });
}
