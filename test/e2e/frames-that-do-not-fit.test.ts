/** Hosts with an MTU of 1500 on both sides of a tunnel that carries less: nobody has to know of it. */
import { expect, it } from 'vitest';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { ethernetFrame, ipv4Packet } from '../unit/datapath/ip-frames.ts';
import { forgetPaths, labOfTests, mtuOf, pingOnce, pingUntil, Sender, suite } from './support.ts';

suite('hosts with an MTU of 1500', { programs: ['ping', 'iperf'], python: true }, () => {
  const lab = labOfTests({ prefix: 'fit', hostMtu: 1500, hostIpv6: true });

  async function sites(changes: TunnelChanges = {}): Promise<[Site, Site]> {
    lab.explainFailure();
    const { host1 } = lab.topology;
    await forgetPaths(lab.topology);
    const both = await lab.bothSites(changes);
    await pingUntil(host1, '192.168.1.2');
    return both;
  }

  const ping = async (from: Namespace, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await from.run(['ping', '-n', '-i', '0.2', '-W', '1', ...args]);
    return stdout + stderr;
  };
  const tooLong = async (site: Site): Promise<number> => (await site.counters()).OutPktsTooLong ?? 0;

  it('are told by ICMP what fits, and the bridge keeps its MTU', async () => {
    const { host1, nsra } = lab.topology;
    const [site1] = await sites();
    expect(await mtuOf(nsra)).toBe(1500);
    expect(await mtuOf(nsra, 'br0')).toBe(1500);
    const said = await ping(host1, '-M', 'do', '-c', '3', '-s', '1472', '192.168.1.2');
    expect(said).toContain('From 192.168.1.2 icmp_seq=1 Frag needed and DF set (mtu = 1430)');
    expect(said).toContain('message too long, mtu=1430');
    // One frame came to the tunnel: the host keeps the others.
    expect(await tooLong(site1)).toBe(1);
    expect(await pingOnce(host1, '192.168.1.2', 1402, 2)).toBe(true);
  });

  it('are told the same over IPv6', async () => {
    const { host1 } = lab.topology;
    await sites();
    const said = await ping(host1, '-6', '-M', 'do', '-c', '3', '-s', '1452', 'fd00:a::2');
    expect(said).toContain('From fd00:a::2 icmp_seq=1 Packet too big: mtu=1430');
    expect(said).toContain('message too long, mtu: 1430');
    expect(await ping(host1, '-6', '-c', '1', '-s', '1382', 'fd00:a::2')).toContain('1 received');
    // In fragments that the host makes: of 1500 octets at first, then of those that fit.
    expect(await ping(host1, '-6', '-c', '3', '-s', '4000', 'fd00:a::2')).toMatch(/[23] received/);
  });

  it('that let the network fragment reach each other with packets of any length', async () => {
    const { host1 } = lab.topology;
    const [site1, site2] = await sites();
    for (const len of ['1403', '1472', '1473', '8000', '65000'])
      expect(await ping(host1, '-M', 'dont', '-c', '3', '-s', len, '192.168.1.2')).toContain('3 received');
    for (const site of [site1, site2]) expect(await tooLong(site)).toBe(0);
  });

  it.each<[string, TunnelChanges]>([
    ['as configured by default', {}],
    ['without the MSS clamp, by ICMP alone', { tap: { mssClamp: false } }],
    ['over GRE in UDP', { gre: { encap: 'udp' } }],
    ['in clear', { macsec: null }],
    ['with two queues', { tap: { queues: 2 } }],
  ])('send each other TCP: %s', async (_, changes) => {
    const { host1, host2 } = lab.topology;
    await sites(changes);
    const server = await startIperfServer(host2);
    // Hundreds of Mbit/s where nothing is lost; a connection that only its first segments get through has none.
    expect((await iperf(host1, '192.168.1.2', { seconds: 2 })).bitsPerSec).toBeGreaterThan(50e6);
    await server.stop();
  });

  it('are not answered for what no error may answer; the frame is counted all the same', async () => {
    const { host1, host2 } = lab.topology;
    const [site1] = await sites();
    const sender = await Sender.link(host1, 'veth1');
    const macs = { dst: '00:00:00:00:00:02', src: '00:00:00:00:00:01' };
    const big = Buffer.alloc(1472, 1);
    const answers = await lab.watchLink(
      host1,
      'veth1',
      `icmp[0] == 3 and ether dst ${macs.src}`,
      async () => {
        await sender.send(
          ethernetFrame('0800', ipv4Packet(big), { ...macs, dst: 'ff:ff:ff:ff:ff:ff' }),
          ethernetFrame(
            '0800',
            ipv4Packet(Buffer.concat([Buffer.from([3, 4, 0, 0]), big.subarray(4)]), { protocol: 1 }),
            macs,
          ),
          ethernetFrame('0800', ipv4Packet(big, { fragment: 0x4001 }), macs),
          ethernetFrame('88b5', big, macs),
        );
        await site1.countersWhen((counters) => (counters.OutPktsTooLong ?? 0) === 4);
        await pingUntil(host2, '192.168.1.1');
      },
    );
    await sender.close();
    expect(answers).toHaveLength(0);
  });

  it('are told what a number in the configuration says, and a TAP of its own MTU has that', async () => {
    const { host1, nsra } = lab.topology;
    await sites({ tap: { mtu: 1300, lanMtu: 1600 } });
    expect(await mtuOf(nsra)).toBe(1600);
    expect(await ping(host1, '-M', 'do', '-c', '1', '-s', '1372', '192.168.1.2')).toContain('(mtu = 1300)');
    expect(await pingOnce(host1, '192.168.1.2', 1272, 2)).toBe(true);
  });
});
