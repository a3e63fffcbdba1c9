/** Tables of /proc, and messages of the kernel about links. */
import { endianness } from 'node:os';
import { describe, expect, it } from 'vitest';
import { counterIn } from '../../../src/doctor/checks/strangers.ts';
import { hears, inFull, socketsIn } from '../../../src/doctor/sockets.ts';
import { missingCapabilities } from '../../../src/host/capabilities.ts';
import { linkIn } from '../../../src/host/links.ts';
import { LinkRequest, linkRequest, nested, u8, u32 } from '../../../src/host/rtnetlink.ts';

/** As this machine prints them. */
const word = (big: string): string => (endianness() === 'LE' ? big.match(/../g)!.reverse().join('') : big);
const line = (address: string, port: string): string =>
  `  5: ${address}:${port} 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 12`;

describe('/proc/net/udp and udp6', () => {
  it('have address, port, user, inode and drops', () => {
    const v6 = ['20010db8', '00000000', '00000000', '00000001'].map(word).join('');
    const text = `  sl  local_address …\n${line(word('c0000201'), '1292')}\n${line(v6, '002F')}\n`;
    expect(socketsIn(text)).toEqual([
      { local: '192.0.2.1', port: 4754, uid: 1000, inode: 4711, drops: 12 },
      { local: '2001:db8:0:0:0:0:0:1', port: 47, uid: 1000, inode: 4711, drops: 12 },
    ]);
    expect(socketsIn('')).toEqual([]);
    expect(socketsIn('head\nx\n')).toEqual([]);
  });

  it.each([
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['1.2.3.4', '1.2.3.4'],
  ])('%s is %s there', (address, full) => {
    expect(inFull(address)).toBe(full);
  });

  it('a socket bound to any address hears all', () => {
    expect(hears('0.0.0.0', '1.2.3.4')).toBe(true);
    expect(hears('0:0:0:0:0:0:0:0', inFull('fd00::1'))).toBe(true);
    expect(hears('1.2.3.5', '1.2.3.4')).toBe(false);
  });
});

describe('/proc/net/snmp', () => {
  it('has names on a line and values on the next', () => {
    const text = 'Ip: A InUnknownProtos\nIp: 1 42\nUdp: InDatagrams NoPorts\nUdp: 9 7\n';
    expect([counterIn(text, 'Ip', 'InUnknownProtos'), counterIn(text, 'Udp', 'NoPorts')]).toEqual([42, 7]);
    expect([counterIn(text, 'Ip', 'Other'), counterIn('', 'Ip', 'A')]).toEqual([0, 0]);
  });
});

describe('capabilities of a process', () => {
  it.each([
    ['000001ffffffffff', []],
    ['0000000000001000', ['NET_RAW']],
    ['0000000000000000', ['NET_ADMIN', 'NET_RAW']],
  ])('%s', (digits, missing) => {
    expect(missingCapabilities(`Name:\tx\nCapEff:\t${digits}\n`)).toEqual(missing);
  });

  it('that /proc does not say are not known', () => {
    expect(missingCapabilities('Name:\tx\n')).toBeNull();
  });
});

describe('a link, as RTM_GETLINK tells of it', () => {
  const text = (type: number, value: string) => ({ type, payload: Buffer.from(`${value}\0`) });
  const answer = (...attributes: Parameters<typeof linkRequest>[3][number][]): Buffer =>
    linkRequest(LinkRequest.Get, 0, 7, attributes);

  it('has name, MTU, bridge, carrier and kind', () => {
    const info = nested(18, [text(1, 'veth')]);
    expect(linkIn(7, answer(text(3, 'lan0'), u32(4, 1500), u32(10, 3), u8(33, 1), info))).toEqual({
      ...{
        index: 7,
        ifname: 'lan0',
        kind: 'veth',
        mtu: 1500,
        isUp: false,
        hasCarrier: true,
        master: 3,
        gre: null,
      },
    });
  });

  it('of a gretap has its outer addresses', () => {
    const address = (type: number, ...octets: number[]) => ({ type, payload: Buffer.from(octets) });
    const data = nested(2, [address(6, 1, 1, 1, 1), address(7, 2, 2, 2, 2)]);
    expect(linkIn(7, answer(text(3, 'gt'), nested(18, [text(1, 'gretap'), data]))).gre).toEqual({
      ...{ local: '1.1.1.1', remote: '2.2.2.2' },
    });
  });

  it('of which nothing is said is nothing', () => {
    expect(linkIn(7, Buffer.alloc(0))).toMatchObject({ ifname: '', mtu: 0, isUp: false, hasCarrier: false });
  });
});
