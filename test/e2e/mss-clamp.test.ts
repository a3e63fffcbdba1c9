/** TCP between hosts that have never heard of a tunnel: each SYN announces what the tunnel carries, and no segment is lost. */
import { beforeAll, expect, it } from 'vitest';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import {
  ethernetFrame,
  mssOptions,
  QINQ,
  SYN,
  tcpOverIpv4,
  tcpOverIpv6,
  tcpSegment,
  VLAN,
} from '../unit/datapath/ip-frames.ts';
import { Lab, pingUntil, Sender, suite } from './support.ts';

const TCP_SYN = '(ip and tcp[tcpflags] & tcp-syn != 0) or (ip6 and tcp and ip6[53] & 2 != 0)';

suite('TCP between hosts with an MTU of 1500', { programs: ['iperf'], python: true }, () => {
  const lab = new Lab({ prefix: 'mss', hostMtu: 1500, hostIpv6: true });

  async function sites(changes: TunnelChanges = {}): Promise<[Site, Site]> {
    const both = await lab.bothSites(changes);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    return both;
  }

  /** The SYN as host 2 gets it, and the SYN-ACK as host 1 does; `iperf` sends a little meanwhile. */
  async function handshake(server: string): Promise<{ syn: string; synAck: string }> {
    const { host1, host2 } = lab.topology;
    const listener = await startIperfServer(host2, server.includes(':') ? { ipv6: true } : {});
    let synAck = '';
    const syn = await lab.printed(host2, 'veth2', `dst host ${server} and (${TCP_SYN})`, async () => {
      synAck = await lab.printed(host1, 'veth1', `src host ${server} and (${TCP_SYN})`, () =>
        iperf(host1, server, { seconds: 1 }),
      );
    });
    await listener.stop();
    return { syn, synAck };
  }

  beforeAll(() => lab.topology.setHostMtu(1500));

  it('both ends announce 1390 octets over IPv4 and 1370 over IPv6, with right checksums', async () => {
    lab.explainFailure();
    const [site1, site2] = await sites();
    for (const [server, mss] of [
      ['192.168.1.2', 1390],
      ['fd00:a::2', 1370],
    ] as const) {
      const { syn, synAck } = await handshake(server);
      for (const text of [syn, synAck]) {
        expect(text).toMatch(new RegExp(`\\bmss ${mss}\\b`));
        expect(text).toContain('(correct)');
        expect(text).not.toContain('incorrect');
      }
    }
    for (const site of [site1, site2]) expect((await site.counters()).OutPktsTooLong ?? 0).toBe(0);
    await lab.disposeSites();
  });

  it('with "mssClamp": false they announce what they have; with a number, that', async () => {
    lab.explainFailure();
    await sites({ tap: { mssClamp: 1200 } });
    expect((await handshake('192.168.1.2')).syn).toMatch(/\bmss 1200\b/);
    await lab.disposeSites();
    await sites({ tap: { mssClamp: false } });
    expect((await handshake('192.168.1.2')).syn).toMatch(/\bmss 1460\b/);
    await lab.disposeSites();
  });

  it('in a VLAN, in QinQ and behind IPv6 extension headers too', async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    await sites();
    const sender = await Sender.link(host1, 'veth1');
    const macs = { dst: '000000000002', src: '000000000001' };
    const syn = tcpSegment(SYN, mssOptions(1460));
    const hopByHop = { next: 0, extensions: '0600 050200000100' };
    const frames = [
      ethernetFrame('0800', tcpOverIpv4(syn), { ...macs, tags: VLAN }),
      ethernetFrame('86dd', tcpOverIpv6(syn), { ...macs, tags: QINQ }),
      ethernetFrame('86dd', tcpOverIpv6(syn, hopByHop), macs),
    ];
    // The ping comes last, and has passed when all have.
    const text = await lab.printed(host2, 'veth2', 'ip6 or vlan', async () => {
      await sender.send(...frames);
      await pingUntil(host1, '192.168.1.2');
    });
    await sender.close();
    expect([...text.matchAll(/\bmss (\d+)\b/g)].map(([, mss]) => Number(mss))).toEqual([1386, 1362, 1370]);
    expect(text.match(/\(correct\)/g)).toHaveLength(3);
    await lab.disposeSites();
  });
});
