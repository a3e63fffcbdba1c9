/** Counters of a namespace's IP stack, from /proc/net/snmp. */
import type { Namespace } from '../../lab/topology.ts';

async function readSnmp(space: Namespace): Promise<Map<string, number>> {
  const lines = (await space.must(['cat', '/proc/net/snmp'])).trim().split('\n');
  const counters = new Map<string, number>();
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const names = (lines[i] ?? '').split(' ');
    const values = (lines[i + 1] ?? '').split(' ');
    for (let k = 1; k < names.length; k++) counters.set(`${names[0]}${names[k]}`, Number(values[k]));
  }
  return counters;
}

/** UDP datagrams that programs sent, and those that reached a socket (taken, or dropped for a full buffer). */
export async function readUdp(space: Namespace): Promise<{ sent: number; arrived: number }> {
  const counters = await readSnmp(space);
  return {
    sent: counters.get('Udp:OutDatagrams') ?? 0,
    arrived: (counters.get('Udp:InDatagrams') ?? 0) + (counters.get('Udp:RcvbufErrors') ?? 0),
  };
}

/** IP fragments made so far in these namespaces: has to stay where it is. */
export async function readFragments(spaces: readonly Namespace[]): Promise<number> {
  const counters = await Promise.all(spaces.map(readSnmp));
  return counters.reduce((sum, one) => sum + (one.get('Ip:FragCreates') ?? 0), 0);
}
