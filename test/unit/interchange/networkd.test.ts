/** systemd-networkd's files become a configuration; and what a unit's text is. */
import { describe, expect, it } from 'vitest';
import { lastValue, parseUnit } from '../../../src/interchange/unit-text.ts';
import { type Imported, importTexts } from './kit.ts';

const KEY = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const GRETAP = `[NetDev]
Name=gretap1
Kind=gretap
MTUBytes=1432

[Tunnel]
Independent=yes
Local=1.1.1.1
Remote=2.2.2.2
TTL=64
`;
const MACSEC = `# ours
[NetDev]
Name = macsec1
Kind = macsec
MACAddress=02:00:00:00:00:01

[MACsec]
Port=1
Encrypt=yes

[MACsecTransmitAssociation]
PacketNumber=1
KeyId=01
Key=${KEY}
Activate=yes

[MACsecTransmitAssociation]
PacketNumber=9
KeyId=03
KeyFile=/etc/systemd/network/next.key
UseForEncoding=yes

[MACsecReceiveChannel]
Port=1
MACAddress=02:00:00:00:00:02

[MACsecReceiveAssociation]
Port=1
MACAddress=02:00:00:00:00:02
PacketNumber=1
KeyId=02
Key=${KEY.replace('0a', '0b')}
Activate=yes
`;
const BELOW = '[Match]\nName=gretap1\n[Network]\nMACsec=macsec1\n';
const ABOVE =
  '[Match]\nName=macsec1\n[Network]\nBridge=br0\n[Bridge]\nIsolated=yes\n[BridgeVLAN]\nVLAN=10-20\n[BridgeVLAN]\nPVID=5\nEgressUntagged=5\n';

function imported(
  changes: { gretap?: string; macsec?: string; above?: string; below?: string } = {},
): Imported {
  return importTexts([
    { source: '/etc/systemd/network/20-m.network', text: changes.above ?? ABOVE },
    { source: '/etc/systemd/network/10-g.network', text: changes.below ?? BELOW },
    { source: '/etc/systemd/network/20-m.netdev', text: changes.macsec ?? MACSEC },
    { source: '/etc/systemd/network/10-g.netdev', text: changes.gretap ?? GRETAP },
  ]);
}

describe('.netdev and .network', () => {
  it('become a tunnel', () => {
    const { tunnels, said } = imported();
    expect(tunnels).toEqual([
      {
        name: 'macsec1',
        tap: {
          ...{ ifname: 'macsec1', mac: '02:00:00:00:00:01', mtu: 1400, bridge: 'br0', isolated: true },
          vlans: ['10-20', { vid: 5, pvid: true, untagged: true }],
        },
        gre: { local: '1.1.1.1', remote: '2.2.2.2' },
        macsec: {
          ...{ encodingSa: 1, replayProtect: false },
          txSa: [
            { an: 0, keyId: '01', key: KEY },
            { an: 1, pn: 9, keyId: '03', keyFile: '/etc/systemd/network/next.key' },
          ],
          rxSc: [{ mac: '02:00:00:00:00:02', sa: [{ an: 0, keyId: '02', key: KEY.replace('0a', '0b') }] }],
        },
      },
    ]);
    expect(said).toHaveLength(2);
  });

  it('GRE-in-UDP', () => {
    const gretap = `${GRETAP}FooOverUDP=yes\nFOUDestinationPort=5000\nFOUSourcePort=5000\nKey=7\nTOS=32\nDiscoverPathMTU=no\n`;
    expect(imported({ gretap }).tunnels[0].gre).toMatchObject({
      encap: 'udp',
      port: 5000,
      key: 7,
      tos: 32,
      df: false,
    });
  });

  it.each([
    [
      { gretap: `${GRETAP}CopyDSCP=yes` },
      '10-g.netdev:11: "CopyDSCP=" is left out: l2vpnd has no such setting',
    ],
    [{ gretap: `${GRETAP}what` }, '10-g.netdev:11: is no line of a unit, and is left out'],
    [
      { gretap: GRETAP.replace('TTL=64', 'TTL=many') },
      '10-g.netdev:10: TTL="many" is no whole number, and is left out',
    ],
    [
      { macsec: MACSEC.replace(KEY, `${KEY}0`) },
      '20-m.netdev:11: Key= has 33 characters and is not 32 hex digits; it is left out',
    ],
    [
      { macsec: MACSEC.replace('Encrypt=yes', 'Encrypt=maybe') },
      '20-m.netdev: Encrypt="maybe" is neither yes nor no, and is left out',
    ],
    [
      { macsec: MACSEC.replace('Activate=yes\n\n', '\n') },
      'macsec1: SA 0 of tx is off, as the kernel has it where "on" is not said',
    ],
    [
      { macsec: MACSEC.replace(/Port=1\nMACAddress=02:00:00:00:00:02\n\n/, 'Port=1\n\n') },
      '20-m.netdev:23: [MACsecReceiveChannel] is left out: it needs Port= and MACAddress=',
    ],
    [
      { above: ABOVE.replace('Isolated', 'HairPin') },
      '20-m.network:6: "HairPin=" is left out: l2vpnd sets isolated, cost and priority alone',
    ],
    [
      { above: `${ABOVE}[Network]\nDHCP=yes` },
      'macsec1: has IP addresses: l2vpnd gives its TAP none; that is left to who gave them',
    ],
    [
      { below: BELOW.replace('macsec1', 'macsec9') },
      '10-g.network:4: MACsec=macsec9 is left out: no .netdev makes it',
    ],
  ])('%#: what is not carried over is told', (changes, text) => {
    expect(imported(changes).said).toContain(text);
  });

  it('in one text, as export prints them', () => {
    const text = `# 10-g.netdev\n${GRETAP}\n# 20-m.netdev\n${MACSEC}\n# 10-g.network\n${BELOW}\n# 20-m.network\n${ABOVE}`;
    expect(importTexts([{ source: 'standard input', text }]).tunnels).toEqual(imported().tunnels);
  });
});

describe('the text of a unit', () => {
  it('comments, white space, continued lines, repeated sections and values', () => {
    const { sections, strangeLines } = parseUnit(
      'x=1\n; c\n[A]\n a = 1 \\\n# between\n  2\nb=\nb=3\nb=\n\n[A]\na=4\n[]\n',
    );
    expect(sections).toEqual([
      {
        ...{ name: 'A', line: 3 },
        entries: [
          { name: 'a', value: '1 2', line: 4 },
          { name: 'b', value: '', line: 7 },
          { name: 'b', value: '3', line: 8 },
          { name: 'b', value: '', line: 9 },
        ],
      },
      { name: 'A', line: 11, entries: [{ name: 'a', value: '4', line: 12 }] },
      { name: '', line: 13, entries: [] },
    ]);
    expect(strangeLines).toEqual([1]);
    expect([lastValue(sections, 'a'), lastValue(sections, 'b'), lastValue(sections, 'c')]).toEqual([
      '4',
      null,
      null,
    ]);
  });
});
