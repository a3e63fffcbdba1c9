/** Full frames over a path of the same MTU: outer packets in two fragments, put together by the other kernel. */
import { expect, it } from 'vitest';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import { carriedBy, labOfTests, mtuOf, pingOnce, pingUntil, suite } from './support.ts';

const CHANGES = { tap: { mtu: 1500 }, gre: { df: false } };

for (const family of [4, 6] as const) {
  suite(`"gre.df": false and a tunnel that carries 1500 over IPv${family}`, { programs: ['iperf'] }, () => {
    const lab = labOfTests({ prefix: `frag${family}`, family, hostMtu: 1500 });
    // An IPv4 fragment; an IPv6 packet whose next header is a fragment header.
    const fragments = family === 4 ? 'ip[6:2] & 0x3fff != 0' : 'ip6[6] = 44';

    it.each([
      ['GRE', {}],
      ['GRE in UDP', { encap: 'udp' }],
    ])('%s: hosts send 1500 octets, which go in two fragments each way', async (_, gre) => {
      lab.explainFailure();
      const { host1, host2, nsra, wan } = lab.topology;
      const sites = await lab.bothSites({ ...CHANGES, gre: { ...CHANGES.gre, ...gre } });
      await pingUntil(host1, '192.168.1.2');
      expect([await carriedBy(sites[0]), await mtuOf(nsra)]).toEqual([1500, 1500]);
      const seen = await lab.watchLink(wan, 'wan1', fragments, async () => {
        expect(await pingOnce(host1, '192.168.1.2', 1472, 2)).toBe(true);
      });
      expect(seen).toHaveLength(4);
      const server = await startIperfServer(host2);
      expect((await iperf(host1, '192.168.1.2', { seconds: 2 })).bitsPerSec).toBeGreaterThan(50e6);
      await server.stop();
      for (const site of sites) expect((await site.counters()).OutPktsTooLong ?? 0).toBe(0);
    });
  });
}
