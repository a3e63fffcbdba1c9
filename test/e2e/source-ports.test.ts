/** `gre.sourcePort: "flow"` between kernels: tcpdump says which ports flows leave by, and a kernel peer hears them all. */
import { expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import { forgetPaths, knowEachOther, labOfTests, pingOnce, pingUntil, suite } from './support.ts';

const PORT = 4754;

/** Packets per source port, of those that `src` sent. */
function portsOf(packets: readonly GrePacket[], src: string): Map<number, number> {
  const ports = new Map<number, number>();
  for (const { udp, src: from } of packets) {
    if (udp === undefined || from !== src) continue;
    expect(udp.dstPort).toBe(PORT);
    ports.set(udp.srcPort, (ports.get(udp.srcPort) ?? 0) + 1);
  }
  return ports;
}

const DATAGRAM_LEN = 700;

/**
 * The numbers that iperf has put into its datagrams, by source port, in the order of arrival; without its last, negative ones.
 * Several datagrams may have come as one super-frame.
 */
function sequencesOf(frames: readonly Buffer[]): Map<number, number[]> {
  const flows = new Map<number, number[]>();
  for (const frame of frames) {
    const port = frame.readUInt16BE(34);
    if (!flows.has(port)) flows.set(port, []);
    for (let at = 42; at < frame.length; at += DATAGRAM_LEN) {
      const number = frame.readInt32BE(at);
      if (number >= 0) flows.get(port)!.push(number);
    }
  }
  return flows;
}

for (const family of [4, 6] as const) {
  suite(`source ports by flow over IPv${family}`, { programs: ['iperf'] }, () => {
    const lab = labOfTests({ prefix: `sport${family}`, family });
    const [near, far] =
      family === 4 ? ['1.1.1.1', '2.2.2.2'] : [`fd000001${'0'.repeat(23)}1`, `fd000002${'0'.repeat(23)}2`];
    const UDP = { encap: 'udp', sourcePort: 'flow' };

    async function sites(changes: TunnelChanges = {}): Promise<[Site, Site]> {
      await lab.topology.setHostMtu(1380);
      const both = await lab.bothSites({ ...changes, gre: { ...UDP, ...changes.gre } });
      await pingUntil(lab.topology.host1, '192.168.1.2');
      return both;
    }

    it.each<[string, TunnelChanges]>([
      ['with MACsec', {}],
      ['in clear', { macsec: null }],
      ['with the class of the inner packet', { gre: { tos: 'inherit' } }],
    ])(
      '%s: many flows leave by many ports, to the one port of the peer; one flow by one',
      async (_, changes) => {
        lab.explainFailure();
        const { host1, host2 } = lab.topology;
        const [site1, site2] = await sites(changes);
        await knowEachOther(lab.topology, true);
        const server = await startIperfServer(host2, { udp: true });
        const load = { seconds: 2, streams: 24, udpBitsPerSec: 200_000, udpLen: 500 };
        const many = portsOf(await lab.watchWan(() => iperf(host1, '192.168.1.2', load)), near!);
        // That 24 flows have fewer than 6 of 16 ports by chance happens once in ten million runs.
        expect(many.size).toBeGreaterThanOrEqual(6);
        expect(many.size).toBeLessThanOrEqual(16 + 1);
        const up = site1.logs().find(({ msg }) => msg === 'tunnel up') as unknown as {
          sourcePorts: number[];
        };
        expect(up.sourcePorts).toHaveLength(16);
        expect(Math.min(...up.sourcePorts)).toBeGreaterThanOrEqual(49_152);
        for (const port of many.keys()) expect(up.sourcePorts).toContain(port);
        await server.stop();

        const ping = ['ping', '-n', '-c', '20', '-i', '0.02', '192.168.1.2'];
        const one = await lab.watchWan(() => host1.must(ping));
        expect(portsOf(one, near!).size).toBe(1);
        expect(portsOf(one, far!).size).toBe(1);
        for (const site of [site1, site2]) {
          const { InPktsLate = 0, InPktsNotValid = 0 } = await site.counters();
          expect([InPktsLate, InPktsNotValid]).toEqual([0, 0]);
        }
      },
    );

    it('no datagram of a flow is lost or overtaken, however many flows share the batches', async () => {
      lab.explainFailure();
      const { host1, host2 } = lab.topology;
      // Strict order of packet numbers: what left in another order would be late.
      const [, site2] = await sites({ macsec: { replayWindow: 0 } });
      const server = await startIperfServer(host2, { udp: true });
      const load = { seconds: 2, streams: 6, udpBitsPerSec: 3_000_000, udpLen: DATAGRAM_LEN };
      const filter = 'dst 192.168.1.2 and udp dst port 5001';
      const frames = await lab.watchLink(host2, 'veth2', filter, () => iperf(host1, '192.168.1.2', load));
      await server.stop();
      const flows = sequencesOf(frames);
      expect(flows.size).toBe(6);
      for (const numbers of flows.values()) {
        expect(numbers.length).toBeGreaterThan(500);
        expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
      }
      expect((await site2.counters()).InPktsLate).toBe(0);
    });

    it('explain knows the tunnel of a packet from any of them', async () => {
      lab.explainFailure();
      const { host1, wan } = lab.topology;
      const [, site2] = await sites();
      const frames = await lab.watchLink(wan, 'wan1', 'udp', () =>
        host1.must(['ping', '-n', '-c', '1', '192.168.1.2']),
      );
      const sent = frames.find((frame) => frame.readUInt16BE(family === 4 ? 34 : 54) >= 49_152);
      const told = await site2.command('explain', sent!.toString('hex'));
      expect(told.stdout).toMatch(/site1/);
      expect(told.stdout).not.toMatch(/no tunnel/);
    });
  });
}

suite('a peer that is gone, with source ports by flow', {}, () => {
  const lab = labOfTests({ prefix: 'sportx' });

  it('is told by ICMP on whichever socket, and found again', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const changes = { gre: { encap: 'udp', sourcePort: 'flow' } };
    const [site1, site2] = await lab.bothSites(changes);
    await pingUntil(host1, '192.168.1.2');
    await site2.stop();
    const ping = host1.start(['ping', '-n', '-i', '0.1', '192.168.1.2']);
    await site1.waitForLog(/ICMP/);
    await ping.stop('SIGKILL');
    await site2.start();
    await pingUntil(host1, '192.168.1.2');
    expect(site1.exit).toBeUndefined();
  });

  it('a router of the path that carries less is believed about a packet from any of them', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const { host1, wan } = topology;
    const [site1] = await lab.bothSites({ gre: { encap: 'udp', sourcePort: 'flow' } });
    await pingUntil(host1, '192.168.1.2');
    expect(await pingOnce(host1, '192.168.1.2', 1394)).toBe(true);
    await wan.must(['ip', 'link', 'set', 'wan2', 'mtu', '1400']);
    expect(await pingOnce(host1, '192.168.1.2', 1394)).toBe(false);
    await site1.waitForLog(/the path MTU has changed; packets above 1322 octets do not fit/);
    await wan.must(['ip', 'link', 'set', 'wan2', 'mtu', '1500']);
    await forgetPaths(topology);
  });
});
