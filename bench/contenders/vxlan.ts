/** Kernel VXLAN (RFC 7348), in clear: no daemon, and 64 KB super-packets all the way. The upper bound of a tunnel here. */
import { release } from 'node:os';
import { run } from '../../lab/run.ts';
import type { Topology } from '../../lab/topology.ts';
import { bridgeBoth, type Contender, deleteBoth } from './contender.ts';

const DEVICE = 'vxlan1';
const VNI = 42;

export function createVxlan(): Contender {
  const mtu = 1450;
  let running: Topology | undefined;
  return {
    name: 'vxlan',
    title: 'kernel VXLAN, in clear',
    layer: 2,
    protection: 'none',
    mtu,
    overhead: '20 IP + 8 UDP + 8 VXLAN + 14 Ethernet',
    version: async () => `Linux ${release()}`,
    async available(topology) {
      const { code, stderr } = await run([
        ...[
          'ip',
          '-n',
          topology.nsra.name,
          'link',
          'add',
          DEVICE,
          'type',
          'vxlan',
          'id',
          `${VNI}`,
          'dstport',
          '4789',
        ],
      ]);
      await run(['ip', '-n', topology.nsra.name, 'link', 'del', DEVICE]);
      return code === 0 ? null : `this kernel has no vxlan: ${stderr.trim()}`;
    },
    async start(topology) {
      running = topology;
      const add = (local: string, remote: string): string =>
        `link add ${DEVICE} type vxlan id ${VNI} local ${local} remote ${remote} dstport 4789\n`;
      const { site1, site2 } = topology;
      await topology.nsra.ip(add(site1.underlay, site2.underlay));
      await topology.nsrb.ip(add(site2.underlay, site1.underlay));
      await bridgeBoth(topology, DEVICE, mtu);
    },
    async stop() {
      if (running) await deleteBoth(running, DEVICE);
      running = undefined;
    },
    processes: () => [],
  };
}
