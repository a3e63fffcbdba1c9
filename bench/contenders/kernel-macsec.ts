/** What l2vpnd replaces: the kernel's own `macsec` over `gretap`, with the reference keys. */
import { release } from 'node:os';
import { run } from '../../lab/run.ts';
import type { Topology } from '../../lab/topology.ts';
import { bridgeBoth, type Contender, deleteBoth } from './contender.ts';
import { KEY_FROM_SITE1, KEY_FROM_SITE2 } from './keys.ts';

export function createKernelMacsec(): Contender {
  const mtu = 1430;
  let running: Topology | undefined;
  return {
    name: 'kernel-macsec',
    title: 'kernel gretap + macsec',
    layer: 2,
    protection: 'MACsec GCM-AES-128',
    mtu,
    overhead: '20 IP + 4 GRE + 14 Ethernet + 16 SecTAG + 16 ICV',
    version: async () => `Linux ${release()}`,
    async available(topology) {
      const { nsra } = topology;
      for (const kind of ['gretap local 1.1.1.1 remote 2.2.2.2', 'macsec']) {
        const link = kind === 'macsec' ? ['link', 'veth11'] : [];
        const { code, stderr } = await run([
          ...['ip', '-n', nsra.name, 'link', 'add', ...link, 'probe1', 'type', ...kind.split(' ')],
        ]);
        await run(['ip', '-n', nsra.name, 'link', 'del', 'probe1']);
        // EBUSY: the type is there, but a bridge port cannot carry a macsec.
        if (code !== 0 && !/busy/i.test(stderr)) {
          return `this kernel has no ${kind.split(' ')[0]}: ${stderr.trim().split('\n')[0]}`;
        }
      }
      return null;
    },
    async start(topology) {
      running = topology;
      const { nsra, nsrb, site1, site2 } = topology;
      const sides = [
        { space: nsra, own: site1, peer: site2, txKey: KEY_FROM_SITE1, rxKey: KEY_FROM_SITE2 },
        { space: nsrb, own: site2, peer: site1, txKey: KEY_FROM_SITE2, rxKey: KEY_FROM_SITE1 },
      ];
      for (const { space, own, peer, txKey, rxKey } of sides) {
        await space.ip(`
          link add gretap1 address ${own.tapMac} type gretap local ${own.underlay} remote ${peer.underlay}
          link set gretap1 up
          link add link gretap1 macsec1 type macsec encrypt on replay on window 1024
          macsec add macsec1 tx sa 0 pn 1 on key 01 ${txKey}
          macsec add macsec1 rx address ${peer.tapMac} port 1
          macsec add macsec1 rx address ${peer.tapMac} port 1 sa 0 pn 1 on key 02 ${rxKey}
        `);
      }
      await bridgeBoth(topology, 'macsec1', mtu);
    },
    async stop() {
      if (running) await deleteBoth(running, 'gretap1');
      running = undefined;
    },
    processes: () => [],
  };
}
