/**
 * `gre.tos: "inherit"` between kernels: tcpdump says what stands on the outer header, nftables marks congestion in the WAN,
 * and the hosts' TCP hears of it.
 */
import { expect, it } from 'vitest';
import { startIperfServer } from '../../lab/iperf.ts';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import { knowEachOther, type Lab, labOfTests, pingOnce, pingUntil, suite } from './support.ts';

const EF = 0xb8;
const CE = 3;
/** The ECN-Echo flag of TCP (RFC 3168 §6.1). */
const ECE = 'src host 192.168.1.2 and tcp[13] & 0x40 != 0 and tcp[13] & 2 == 0';

/** The classes of the packets that tcpdump printed, each once. */
function classesOf(text: string): number[] {
  const heads = [...text.matchAll(/\bIP6? \((?:tos|class) 0x([0-9a-f]+)|\bIP6 \((?!class)/g)];
  return [...new Set(heads.map(([, digits]) => Number.parseInt(digits ?? '0', 16)))].sort((a, b) => a - b);
}

/** From now on the WAN does this to each packet from side 1. */
async function onTheWan({ topology }: Lab, rule: string): Promise<void> {
  const { wan, family } = topology;
  const rules = `table inet congestion
delete table inet congestion
table inet congestion {
  chain forward { type filter hook forward priority 0; iifname "wan1" ${rule.replaceAll('IP', family === 4 ? 'ip' : 'ip6')}; }
}
`;
  await wan.must(['nft', '-f', '-'], { input: rules });
}

async function calm({ topology }: Lab): Promise<void> {
  await topology.wan.must(['nft', 'flush', 'ruleset']);
}

async function withEcn({ topology }: Lab): Promise<void> {
  for (const host of [topology.host1, topology.host2])
    await host.must(['sysctl', '-qw', 'net.ipv4.tcp_ecn=1']);
}

const CLEAR: TunnelChanges = { macsec: null };

for (const family of [4, 6] as const) {
  const kinds: [string, TunnelChanges][] = [
    ['GRE', {}],
    ['GRE in clear', CLEAR],
    ['GRE-in-UDP', { gre: { encap: 'udp' } }],
    ['GRE-in-UDP in clear', { ...CLEAR, gre: { encap: 'udp' } }],
    ...(family === 4 ? [['GRE, fragments allowed', { gre: { df: false } }] as [string, TunnelChanges]] : []),
  ];

  suite(`the class of inner packets over IPv${family}`, { programs: ['iperf', 'nft'] }, () => {
    const lab = labOfTests({ prefix: `tos${family}`, family });
    const outer = 'proto gre or ip6 proto gre or udp port 4754';

    async function sites(changes: TunnelChanges, tos: unknown = 'inherit'): Promise<[Site, Site]> {
      await lab.topology.setHostMtu(1380);
      const both = await lab.bothSites({ ...changes, gre: { ...changes.gre, tos } });
      await pingUntil(lab.topology.host1, '192.168.1.2');
      return both;
    }

    it.each(kinds)('%s: stands on the outer header, both ways, and 0 for ARP', async (_, changes) => {
      lab.explainFailure();
      const { host1, wan } = lab.topology;
      await sites(changes);
      await knowEachOther(lab.topology, true);
      for (const tos of [EF, 0x02, 0xff]) {
        const text = await lab.printed(wan, 'wan1', outer, () =>
          host1.must(['ping', '-n', '-Q', String(tos), '-c', '3', '-i', '0.05', '192.168.1.2']),
        );
        expect(classesOf(text)).toEqual([tos]);
      }
      await knowEachOther(lab.topology, false);
      const arp = await lab.printed(wan, 'wan1', outer, () =>
        host1.must(['ping', '-n', '-Q', String(EF), '-c', '1', '192.168.1.2']),
      );
      expect(classesOf(arp)).toEqual([0, EF]);
    });

    it.each(kinds)('%s: a mark of the WAN arrives at the host, whose TCP echoes it', async (_, changes) => {
      lab.explainFailure();
      const { host1, host2 } = lab.topology;
      const [, site2] = await sites(changes);
      await withEcn(lab);
      await onTheWan(lab, 'IP ecn ect0 IP ecn set ce');
      const server = await startIperfServer(host2);
      let echoes = '';
      const marked = await lab
        .printed(host2, 'veth2', 'dst host 192.168.1.2 and tcp', async () => {
          // Not more than tcpdump can take.
          echoes = await lab.printed(host1, 'veth1', ECE, () =>
            host1.must(['iperf', '-c', '192.168.1.2', '-n', '300K']),
          );
        })
        .finally(() => server.stop());
      await calm(lab);
      // SYN and pure acknowledgements are Not-ECT; data came in as ECT(0) and go out as CE, with right checksums.
      expect(classesOf(marked)).toEqual([0, CE]);
      expect(marked).not.toMatch(/bad cksum/);
      expect(echoes.match(/Flags \[[^\]]*E/g)?.length ?? 0).toBeGreaterThan(0);
      expect((await site2.counters()).CeOnNotEct ?? 0).toBe(0);
    });

    it('a mark on what cannot carry it drops the packet, with its reason in the counters and the log', async () => {
      lab.explainFailure();
      const { host1 } = lab.topology;
      const [, site2] = await sites({});
      await onTheWan(lab, 'IP ecn set ce');
      expect(await pingOnce(host1, '192.168.1.2')).toBe(false);
      expect((await site2.countersWhen(({ CeOnNotEct = 0 }) => CeOnNotEct > 0)).CeOnNotEct).toBe(1);
      await site2.waitForLog(/"counter":"CeOnNotEct"/);
      await calm(lab);
      expect(await pingOnce(host1, '192.168.1.2')).toBe(true);
    });

    it('without the setting the outer header says nothing, and a mark of the WAN is not heard', async () => {
      lab.explainFailure();
      const { host1, host2, wan } = lab.topology;
      await sites({}, 0);
      await onTheWan(lab, 'IP ecn set ce');
      let inner = '';
      const text = await lab.printed(wan, 'wan1', outer, async () => {
        inner = await lab.printed(host2, 'veth2', 'icmp', () =>
          host1.must(['ping', '-n', '-Q', String(EF), '-c', '3', '-i', '0.05', '192.168.1.2']),
        );
      });
      await calm(lab);
      expect(classesOf(text)).toEqual([0]);
      expect(classesOf(inner)).toEqual([EF]);
    });
  });
}
