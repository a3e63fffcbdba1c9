/**
 * The namespace that l2vpnd runs in, opposite the guest:
 *
 *            wan0 (TAP of QEMU, 192.0.2.1, 2001:db8::1) ── hub ── eth0 of the guest (192.0.2.2, 2001:db8::2)
 *   br0 ─┬── lan0 (TAP of QEMU) ── hub ── this process, a host on l2vpnd's LAN
 *        └── l2vpnd's TAP
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLedger, must } from '../../lab/run.ts';
import { Namespace } from '../../lab/topology.ts';
import type { Endpoint } from './craft.ts';

const PREFIX = 'l2vpnd-kernel-';

export const HOST_WAN: Endpoint = { mac: '02:00:00:00:01:01', ip: '192.0.2.1' };
export const HOST_WAN6 = '2001:db8::1';
/** The host's own address on the LAN: what iperf in the guest talks to. */
export const HOST_LAN_IP = '10.9.0.1';
/** The largest frame on the LAN is the tunnel's matter, not that of its neighbours. */
const LAN_MTU = 9000;

/** Makes the namespace; removes first those of runs that are dead. */
export async function createLabNamespace(): Promise<Namespace> {
  await removeDead();
  const space = new Namespace(`${PREFIX}${process.pid}`, ledgerOf(process.pid));
  await must(['ip', 'netns', 'add', space.name]);
  await space.must(['sh', '-c', QUIET]);
  await space.ip(`
    link set lo up
    tuntap add wan0 mode tap
    link set wan0 address ${HOST_WAN.mac} mtu 1500 up
    address add ${HOST_WAN.ip}/24 dev wan0
    tuntap add lan0 mode tap
    link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    link set lan0 mtu ${LAN_MTU} master br0 up
    link set br0 up
    address add ${HOST_LAN_IP}/24 dev br0
  `);
  await space.must(['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/wan0/disable_ipv6']);
  await space.ip(`address add ${HOST_WAN6}/64 dev wan0 nodad\n`);
  return space;
}

export async function removeLabNamespace(space: Namespace): Promise<void> {
  endLedger(ledgerOf(process.pid));
  await must(['ip', 'netns', 'del', space.name]);
}

/** Nothing is sent that nobody asked for: no router solicitations, no MLD, no duplicate address detection. */
const QUIET = `
  for knob in all default; do
    echo 1 >/proc/sys/net/ipv6/conf/$knob/disable_ipv6
    echo 0 >/proc/sys/net/ipv6/conf/$knob/accept_ra
    echo 0 >/proc/sys/net/ipv6/conf/$knob/router_solicitations
  done
`;

async function removeDead(): Promise<void> {
  const running = new Set(readdirSync('/proc'));
  for (const line of (await must(['ip', 'netns', 'list'])).split('\n')) {
    const pid = line.match(/^l2vpnd-kernel-(\d+)/)?.[1];
    if (pid === undefined || running.has(pid)) continue;
    endLedger(ledgerOf(Number(pid)));
    await must(['ip', 'netns', 'del', `${PREFIX}${pid}`]);
  }
}

function ledgerOf(pid: number): string {
  return join(tmpdir(), 'l2vpnd-lab', `${PREFIX}${pid}.pids`);
}
