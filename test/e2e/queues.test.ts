/** Several queues of one TAP, a transmit lane each, in several threads: one SecY on the wire all the same. */
import { expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import type { Namespace } from '../../lab/topology.ts';
import { labOfTests, pingOnce, pingUntil, suite } from './support.ts';

/** The packet numbers that one router sent, in the order of the wire. */
function packetNumbers(packets: readonly GrePacket[], src: string): number[] {
  return packets.flatMap((packet) => (packet.src === src && packet.secTag ? [packet.secTag.pn] : []));
}

/** How far a packet number lies behind the highest one before it, at most. */
function greatestLag(numbers: readonly number[]): number {
  let highest = 0;
  let lag = 0;
  for (const pn of numbers) {
    highest = Math.max(highest, pn);
    lag = Math.max(lag, highest - pn);
  }
  return lag;
}

/** The numbers that iperf has put into its datagrams, by source port, in the order of arrival; without its last, negative ones. */
function sequences(frames: readonly Buffer[]): Map<number, number[]> {
  const flows = new Map<number, number[]>();
  for (const frame of frames) {
    const [port, number] = [frame.readUInt16BE(34), frame.readInt32BE(42)];
    if (!flows.has(port)) flows.set(port, []);
    if (number >= 0) flows.get(port)?.push(number);
  }
  return flows;
}

async function pingWell(from: Namespace, target: string, count: number): Promise<void> {
  const { stdout } = await from.run(['ping', '-n', '-q', '-i', '0.02', '-c', String(count), target]);
  expect(stdout).toMatch(/ 0% packet loss/);
}

/** Frames that the kernel has given to each queue of the TAP: one qdisc per queue. */
async function framesOfQueues(space: Namespace): Promise<number[]> {
  const qdiscs = JSON.parse(await space.must(['tc', '-j', '-s', 'qdisc', 'show', 'dev', 'macsec1'])) as {
    kind: string;
    packets: number;
  }[];
  return qdiscs.filter(({ kind }) => kind !== 'mq').map(({ packets }) => packets);
}

suite('a tunnel with two queues and two workers', { programs: ['iperf'] }, () => {
  const lab = labOfTests({ prefix: 'queue' });
  // Two lanes of which one is held up for a moment: the peer must not take its frames for late ones.
  const changes = { tap: { queues: 2 }, macsec: { replayWindow: 16_384 } };
  const settings = { workers: 2 };

  it('carries ping, UDP and TCP both ways; no packet number twice, none late, no flow out of order', async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    const [site1, site2] = await lab.bothSites(changes, settings);
    await pingUntil(host1, '192.168.1.2');
    const servers = await Promise.all([host1, host2].map((host) => startIperfServer(host, { udp: true })));
    let arrived: Buffer[] = [];
    const packets = await lab.watchWan(async () => {
      // Steady UDP flows on many ports, and beside them a lone ping: the lane with little to do must not lag.
      const load = { seconds: 2, streams: 4, udpBitsPerSec: 4_000_000, udpLen: 1000 };
      arrived = await lab.watchLink(host2, 'veth2', 'dst 192.168.1.2 and udp dst port 5001', async () => {
        await Promise.all([
          iperf(host1, '192.168.1.2', load),
          iperf(host2, '192.168.1.1', load),
          pingWell(host1, '192.168.1.2', 80),
        ]);
      });
    });
    const flows = sequences(arrived);
    expect(flows.size).toBe(4);
    for (const numbers of flows.values()) {
      expect(numbers.length).toBeGreaterThan(500);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
    for (const src of ['1.1.1.1', '2.2.2.2']) {
      const numbers = packetNumbers(packets, src);
      expect(numbers.length).toBeGreaterThan(3000);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(greatestLag(numbers)).toBeLessThan(1024);
    }
    for (const site of [site1, site2]) expect(await site.counters()).toMatchObject({ InPktsLate: 0 });
    await Promise.all(servers.map((server) => server.stop()));

    const tcp = await Promise.all([host1, host2].map((host) => startIperfServer(host)));
    const [up, down] = await Promise.all([
      iperf(host1, '192.168.1.2', { seconds: 2, streams: 3 }),
      iperf(host2, '192.168.1.1', { seconds: 2, streams: 3 }),
    ]);
    expect(up.octets).toBeGreaterThan(1_000_000);
    expect(down.octets).toBeGreaterThan(1_000_000);
    await Promise.all(tcp.map((server) => server.stop()));
    expect(await pingOnce(host1, '192.168.1.2')).toBe(true);
    // At full rate the system may hold one lane up for longer than any window lasts: then, and only then, frames are late.
    for (const site of [site1, site2]) {
      const { InPktsLate = Number.NaN, InPktsOK = 0, InPktsNotValid } = await site.counters();
      expect(InPktsNotValid).toBe(0);
      expect(InPktsLate).toBeLessThan(InPktsOK / 100);
    }
  });

  it('flows spread over the queues and stay there, though all frames that come in have one way', async () => {
    lab.explainFailure();
    const { host1, host2, nsra } = lab.topology;
    await lab.bothSites(changes, settings);
    await pingUntil(host1, '192.168.1.2');
    const server = await startIperfServer(host2);
    const before = await framesOfQueues(nsra);
    expect(before).toHaveLength(2);
    await iperf(host1, '192.168.1.2', { seconds: 2, streams: 12 });
    const after = await framesOfQueues(nsra);
    await server.stop();
    // That all twelve have one queue by chance happens once in two thousand runs.
    for (const [i, frames] of after.entries()) expect(frames - (before[i] ?? 0)).toBeGreaterThan(50);
  });
});
