/** What the codecs say of a header to people, and that they read no octet beside it. */
import { describe, expect, it } from 'vitest';
import { describeEthernet, ETHERNET_LEN, etherTypeName } from '../../../src/wire/ethernet.ts';
import { describeGre, greHeaderLenAt, looksLikeGretap } from '../../../src/wire/gre.ts';
import { ipProtocolName, ipVersionAt } from '../../../src/wire/ip.ts';
import {
  describeIpv4,
  IPV4_LEN,
  ipv4HasDf,
  ipv4HeaderLenAt,
  ipv4ProtocolAt,
  ipv4TotalLenAt,
  isIpv4Fragment,
} from '../../../src/wire/ipv4.ts';
import { describeSecTag, formatSciAt, hasSecTag } from '../../../src/wire/sectag.ts';
import { describeUdp, UDP_LEN, udpDstPortAt, udpSrcPortAt } from '../../../src/wire/udp.ts';
import { describeVlan, isVlan, VLAN_LEN, vlanEtherTypeAt } from '../../../src/wire/vlan.ts';
import { alwaysReadsOnly, fromHex, lines, readsOnly } from './codec.ts';

const MACS = 'ffffffffffff 020000000002';

describe('an Ethernet header (802.3 3.2)', () => {
  it('is its addresses and its EtherType', () => {
    expect(lines(readsOnly(fromHex(`${MACS} 0806`), describeEthernet))).toEqual([
      'destination: ff:ff:ff:ff:ff:ff',
      'source: 02:00:00:00:00:02',
      'EtherType: 0x0806 (ARP)',
    ]);
  });

  it.each([
    [0x0800, 'IPv4'],
    [0x8100, '802.1Q'],
    [0x86dd, 'IPv6'],
    [0x888e, 'EAPOL'],
    [0x88a8, '802.1ad'],
    [0x88cc, 'LLDP'],
    [0x88e5, 'MACsec'],
    [0x05ff, 'length'],
    [0x0600, 'unknown'],
  ])('EtherType %i is %s', (type, name) => expect(etherTypeName(type)).toBe(name));

  it('is read without an octet around it', () =>
    alwaysReadsOnly([ETHERNET_LEN, ETHERNET_LEN], describeEthernet));
});

describe('a VLAN tag (802.1Q 9.3)', () => {
  it('is VID, priority, drop eligibility, and the EtherType behind it', () => {
    expect(lines(readsOnly(fromHex('b064 88e5'), describeVlan))).toEqual([
      'VLAN: 100',
      'priority: 5',
      'drop eligible: yes',
      'EtherType: 0x88e5 (MACsec)',
    ]);
    expect(lines(describeVlan(fromHex('0fff 0800'), 0))).toContain('drop eligible: no');
    expect(lines(describeVlan(fromHex('0fff 0800'), 0))).toContain('VLAN: 4095');
    expect([0x8100, 0x88a8, 0x0800].map(isVlan)).toEqual([true, true, false]);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly([VLAN_LEN, VLAN_LEN], (buf, at) => [describeVlan(buf, at), vlanEtherTypeAt(buf, at)]));
});

describe('an IPv4 header (RFC 791 §3.1)', () => {
  const header = '45b8 0062 0001 4000 402f 3467 02020202 01010101';

  it('is all its fields but checksum and options', () => {
    expect(lines(readsOnly(fromHex(header), describeIpv4))).toEqual([
      'source: 2.2.2.2',
      'destination: 1.1.1.1',
      'protocol: 47 (GRE)',
      'total length: 98',
      'TTL: 64',
      'TOS: 0xb8',
      'identification: 0x0001',
      "flags: 0x2 (don't fragment)",
    ]);
  });

  it.each([
    ['4000', true, false],
    ['0000', false, false],
    ['2000', false, true],
    ['0001', false, true],
    ['1fff', false, true],
    ['6000', true, true],
    ['8000', false, false],
  ])('flags and offset %s: DF %s, a fragment %s', (flags, df, fragment) => {
    const octets = fromHex(header);
    fromHex(flags).copy(octets, 6);
    expect([ipv4HasDf(octets, 0), isIpv4Fragment(octets, 0)]).toEqual([df, fragment]);
  });

  it('counts itself, never less than 20', () => {
    expect([0x45, 0x4f, 0x44, 0x40].map((first) => ipv4HeaderLenAt(Buffer.of(first), 0))).toEqual([
      20, 60, 20, 20,
    ]);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly([IPV4_LEN, IPV4_LEN], (buf, at) => [
      describeIpv4(buf, at),
      ipv4HeaderLenAt(buf, at),
      ipv4TotalLenAt(buf, at),
      ipv4ProtocolAt(buf, at),
    ]));
});

describe('IP', () => {
  it('has its version in front, and none where no octet is', () => {
    expect(ipVersionAt(fromHex('60'), 0, 1)).toBe(6);
    expect(ipVersionAt(fromHex('60'), 0, 0)).toBe(0);
    expect([1, 6, 17, 47, 58, 99].map(ipProtocolName)).toEqual([
      'ICMP',
      'TCP',
      'UDP',
      'GRE',
      'ICMPv6',
      'protocol 99',
    ]);
  });
});

describe('a UDP header (RFC 768)', () => {
  it('is ports, length and checksum', () => {
    expect(lines(readsOnly(fromHex('c001 1292 0056 0a0b'), describeUdp))).toEqual([
      'source port: 49153',
      'destination port: 4754',
      'length: 86',
      'checksum: 0x0a0b',
    ]);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly([UDP_LEN, UDP_LEN], (buf, at) => [
      describeUdp(buf, at),
      udpSrcPortAt(buf, at),
      udpDstPortAt(buf, at),
    ]));
});

describe('a GRE header, described (RFC 2784, RFC 2890)', () => {
  it.each([
    ['0000 6558', ['flags: 0x0000 (no options)', 'protocol: 0x6558 (transparent Ethernet bridging)']],
    ['4001 0800', ['flags: 0x4001 (routing; version 1)', 'protocol: 0x0800 (not a gretap)']],
    [
      'b000 6558 1234 0000 fffffff1 00000009',
      [
        'flags: 0xb000 (checksum, key, sequence number)',
        'protocol: 0x6558 (transparent Ethernet bridging)',
        'checksum: 0x1234',
        'key: 4294967281',
        'sequence number: 9',
      ],
    ],
  ])('%s', (octets, fields) => expect(lines(readsOnly(fromHex(octets), describeGre))).toEqual(fields));

  it('is taken for a gretap by its protocol, with version and reserved bits clear', () => {
    const like = (text: string): boolean =>
      readsOnly(fromHex(text), (buf, at, end) => looksLikeGretap(buf, at, end));
    expect(
      ['0000 6558', 'b080 6558', '0001 6558', '0040 6558', '0000 0800', '0000 65', ''].map(like),
    ).toEqual([true, true, false, false, false, false, false]);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly([4, 20], (buf, at, end) =>
      at + greHeaderLenAt(buf, at) <= end ? describeGre(buf, at) : null,
    ));
});

describe('a SecTAG, described (802.1AE clause 9)', () => {
  it.each([
    [
      '88e5 2c1e 00000005 0000002222220001 0000',
      [
        'TCI: 0x2c (SC (SCI follows), E (encrypted), C (changed text): confidentiality and integrity)',
        'AN: 0',
        'SL: 30 (30 octets of user data)',
        'PN: 5',
        'SCI: 0000002222220001 (MAC 00:00:00:22:22:22, port 1)',
      ],
    ],
    [
      '88e5 0130 ffffffff 0000',
      ['TCI: 0x00 (no bit: integrity only)', 'AN: 1', 'SL: 48 (not below 48)', 'PN: 4294967295'],
    ],
    [
      '88e5 4b40 00000001 0000',
      [
        'TCI: 0x48 (ES (end station), E (encrypted): not data for a SecY (E without C))',
        'AN: 3',
        'SL: 64 (bits 7 and 8 must be 0)',
        'PN: 1',
      ],
    ],
  ])('%s', (tag, fields) => {
    expect(lines(readsOnly(fromHex(`${MACS} ${tag}`), describeSecTag))).toEqual(fields);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly(
      [14, 40],
      (buf, at, end) =>
        hasSecTag(buf, at, end - at) ? [describeSecTag(buf, at), formatSciAt(buf, at)] : null,
      [`${MACS} 88e52c1e`, `${MACS} 88e50c1e`],
    ));
});
