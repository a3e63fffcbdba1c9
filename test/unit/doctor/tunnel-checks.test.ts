/** Checks of what a tunnel stands on: each fault, as the kernel would show it. */
import { describe, expect, it } from 'vitest';
import { TUNNEL_CHECKS } from '../../../src/doctor/checks.ts';
import type { TunnelSeen } from '../../../src/doctor/tunnel-seen.ts';
import { configOf, type Faults, figures, foundBy, LINKS, linksWith, looked, seen, TAP_INDEX } from './kit.ts';

const overUdp = configOf(({ tunnels: [tunnel] }) => Object.assign(tunnel.gre, { encap: 'udp' })).tunnels[0]!;
const udp = seen({ config: overUdp, now: null });
const UDP_TABLE =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
/** 1.1.1.1:4754 in the byte order of this machine. */
const SOCKET = (inode: number, drops = 0): string =>
  `${UDP_TABLE}  9: 01010101:1292 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0 ${drops}\n`;
const RAW = (drops: number): string =>
  `${UDP_TABLE}  9: 01010101:002F 02020202:0000 01 00000000:00000000 00:00000000 00000000     0        0 7 2 0 ${drops}\n`;
const SNMP = (unknown: number): string => `Ip: Forwarding InUnknownProtos\nIp: 1 ${unknown}\n`;
const unheard = seen({ now: figures({ peer: { state: 'lost', since: null, last_authentic: null } }) });
const STRICT = {
  '/proc/sys/net/ipv4/conf/all/rp_filter': '0\n',
  '/proc/sys/net/ipv4/conf/eth1/rp_filter': '1\n',
};

describe('of a tunnel that runs well', () => {
  it.each(TUNNEL_CHECKS.map(({ name }) => name))('%s finds nothing', async (name) => {
    expect(await foundBy(name)).toEqual([]);
  });
});

describe('a fault of what a tunnel stands on', () => {
  it.each<[what: string, check: string, faults: Faults, tunnel: TunnelSeen, found: string[]]>([
    [
      'an address that is gone',
      'route',
      { host: { isLocalAddress: () => false } },
      seen(),
      ['fault notLocal'],
    ],
    ['no route', 'route', { host: { linkTo: () => null } }, seen(), ['fault noRoute']],
    [
      'a route into the bridge of the TAP',
      'route',
      { host: { linkTo: () => 3 } },
      seen(),
      ['fault throughItself'],
    ],
    ['a route into the TAP', 'route', { host: { linkTo: () => TAP_INDEX } }, seen(), ['fault throughItself']],
    [
      'another source address',
      'route',
      { host: { sourceTo: () => '9.9.9.9', linkOf: () => 'eth1' } },
      seen(),
      ['warning otherSource'],
    ],
    ['a second address of the same link', 'route', { host: { sourceTo: () => '9.9.9.9' } }, seen(), []],
    [
      'a name without an address',
      'route',
      { host: { resolve: () => Promise.reject(new Error('ENOTFOUND')) } },
      seen({
        config: configOf(({ tunnels: [t] }) => Object.assign(t.gre, { remote: 'hub.example' })).tunnels[0]!,
        now: null,
      }),
      ['fault unresolved'],
    ],
    [
      'a strict reverse path filter',
      'rp-filter',
      { files: STRICT, host: { linkOf: () => 'eth1' } },
      seen(),
      ['warning strict'],
    ],
    [
      'one on the way of the route',
      'rp-filter',
      { files: STRICT, host: { linkOf: () => 'eth0' } },
      seen(),
      [],
    ],
    [
      'a kernel gretap between the same ends',
      'kernel-gre',
      {
        host: {
          links: () => linksWith('gt0', { kind: 'gretap', gre: { local: '1.1.1.1', remote: '2.2.2.2' } }),
        },
      },
      seen(),
      ['fault twin'],
    ],
    [
      'the module ip_gre',
      'kernel-gre',
      {
        host: {
          links: () => linksWith('gretap0', { kind: 'gretap', gre: { local: '0.0.0.0', remote: '0.0.0.0' } }),
        },
      },
      seen(),
      ['warning answers'],
    ],
    [
      'the module beside a tunnel over UDP',
      'kernel-gre',
      { host: { modeOf: async () => 0o040755 } },
      udp,
      [],
    ],
    ['a port that another has', 'socket', { files: { '/proc/net/udp': SOCKET(4711) } }, udp, ['fault taken']],
    [
      'a port that nobody has',
      'socket',
      { files: { '/proc/net/udp': SOCKET(4711).replace('1292', '1293') } },
      udp,
      [],
    ],
    [
      'a full receive buffer',
      'socket',
      { files: { '/proc/net/raw': RAW(4000) } },
      seen(),
      ['warning overflow'],
    ],
    [
      'small buffers without CAP_NET_ADMIN',
      'socket',
      { files: { '/proc/77/status': 'CapEff:\t2000\n', '/proc/sys/net/core/rmem_max': '212992\n' } },
      seen(),
      ['warning small'],
    ],
    [
      'a TAP that is down',
      'tap',
      { host: { links: () => linksWith('macsec1', { isUp: false }) } },
      seen(),
      ['fault down'],
    ],
    ['a TAP that was moved', 'tap', { host: { links: () => LINKS.slice(0, 3) } }, seen(), ['fault gone']],
    ['a name that is taken', 'tap', {}, seen({ now: null }), ['fault nameTaken']],
    [
      'no bridge',
      'bridge',
      { host: { links: () => LINKS.filter(({ ifname }) => ifname !== 'br0') } },
      seen(),
      ['fault missing'],
    ],
    [
      'a link that is no bridge',
      'bridge',
      { host: { links: () => linksWith('br0', { kind: '' }) } },
      seen(),
      ['fault noBridge'],
    ],
    [
      'a bridge that is down',
      'bridge',
      { host: { links: () => linksWith('br0', { isUp: false }) } },
      seen(),
      ['fault down'],
    ],
    [
      'a bridge without a LAN',
      'bridge',
      { host: { links: () => linksWith('lan0', { master: 0 }) } },
      seen(),
      ['warning empty'],
    ],
    [
      'a LAN without carrier',
      'bridge',
      { host: { links: () => linksWith('lan0', { hasCarrier: false }) } },
      seen(),
      ['warning noCarrier'],
    ],
    [
      'a LAN port of another MTU',
      'mtu',
      { host: { links: () => linksWith('lan0', { mtu: 9000 }) } },
      seen(),
      ['warning portDiffers'],
    ],
    [
      'an MSS that is not clamped',
      'mtu',
      {},
      seen({ config: configOf(({ tunnels: [t] }) => Object.assign(t.tap, { mssClamp: false })).tunnels[0]! }),
      ['warning notClamped'],
    ],
    [
      'a small underlay',
      'mtu',
      {},
      seen({ now: figures({ path_mtu: 1400, mtu: 1330 }) }),
      ['warning smallUnderlay'],
    ],
    [
      'packets from another address',
      'strangers',
      { snmp: { before: SNMP(10), now: SNMP(13) } },
      unheard,
      ['warning otherAddress'],
    ],
    [
      'packets for nobody, beside a peer that is heard',
      'strangers',
      { snmp: { before: SNMP(10), now: SNMP(13) } },
      seen(),
      [],
    ],
  ])('%s: %s says so', async (_, check, faults, tunnel, found) => {
    expect(await foundBy(check, faults, tunnel)).toEqual(found);
  });

  it('names who has the port', async () => {
    const host = {
      list: async (path: string) =>
        path === '/proc' ? ['1', '55', 'net'] : path === '/proc/55/fd' ? ['3'] : [],
      readLink: async () => 'socket:[4711]',
    };
    const files = { '/proc/net/udp': SOCKET(4711), '/proc/55/comm': 'openvpn\n' };
    const [one] = await looked('socket', { host, files }, udp);
    expect(one?.says).toBe('UDP port 4754 at 1.1.1.1 is taken by openvpn (pid 55)');
    const [kernel] = await looked('socket', { files: { '/proc/net/udp': SOCKET(0) } }, udp);
    expect(kernel?.says).toContain('the kernel itself (fou');
  });

  it('says of the MTU what was done about it', async () => {
    const [one] = await looked('mtu');
    expect(one?.says).toMatch(/^the LAN has 1500, the tunnel carries 14\d\d: TCP is told of it at its SYN/);
  });
});
