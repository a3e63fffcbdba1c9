/** ICMP errors that the sockets of a tunnel's lanes have told. */
import { ICMP_TEXTS } from '../frame/icmp.ts';
import { Traffic } from '../frame/lane-counters.ts';
import type { TunnelView } from '../tunnel/view.ts';

/** How many, by `Icmp`: whichever lane has read them off the socket that all lanes share. */
export function icmpErrors(tunnel: TunnelView): Float64Array {
  const { tx, rx } = tunnel.totals();
  return Float64Array.from(ICMP_TEXTS, (_, kind) => tx[Traffic.icmp + kind]! + rx[Traffic.icmp + kind]!);
}
