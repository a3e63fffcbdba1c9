/** What a tunnel is in the words of a kernel's tools; what they cannot say is refused, or told. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import type { TunnelConfig } from '../../../src/config/types.ts';
import { exportTunnel } from '../../../src/interchange/export-tunnel.ts';
import type { ExportFormat } from '../../../src/interchange/formats.ts';
import type { Json } from '../config/sample.ts';

const [KEY_A, KEY_B] = ['0a1b2c3d4e5f60718293a4b5c6d7e8f9', 'f9e8d7c6b5a4938271605f4e3d2c1b0a'] as const;
const SALT = '0102030405060708090a0b0c';

/** A tunnel with `changes` laid over its parts. */
function changed(changes: Record<string, Json> = {}): TunnelConfig {
  const tunnel: Json = {
    name: 'site2',
    tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11', bridge: 'br0' },
    gre: { local: '1.1.1.1', remote: '2.2.2.2' },
    macsec: {
      replayProtect: false,
      txSa: [{ keyId: '01', key: KEY_A }],
      rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ keyId: '02', key: KEY_B }] }],
    },
  };
  for (const [name, value] of Object.entries(changes))
    tunnel[name] = value === null ? null : { ...tunnel[name], ...value };
  return parseConfig(JSON.stringify({ tunnels: [tunnel] }), '/nowhere/x.json').tunnels[0]!;
}

function textOf(
  tunnel: TunnelConfig,
  format: ExportFormat,
  options: { peer?: boolean; showKeys?: boolean } = {},
): string {
  const { files } = exportTunnel(tunnel, { format, peer: false, showKeys: true, ...options });
  return files.map(({ name, text }) => `# ${name}\n${text}`).join('');
}

describe('iproute2', () => {
  it('this end', () => {
    expect(textOf(changed(), 'iproute2').split('\n').slice(3)).toEqual([
      'set -e',
      'ip link add gretap1 type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64',
      'ip link add link gretap1 name macsec1 address 00:00:00:11:11:11 type macsec cipher gcm-aes-128 icvlen 16 encodingsa 0 protect on encrypt on validate strict replay off send_sci on',
      '# By standard input, so that no key is among the arguments of a process.',
      'ip -batch - <<END',
      `macsec add macsec1 tx sa 0 pn 1 on key 01 ${KEY_A}`,
      'macsec add macsec1 rx sci 0000002222220001 on',
      `macsec add macsec1 rx sci 0000002222220001 sa 0 pn 1 on key 02 ${KEY_B}`,
      'END',
      'ip link set gretap1 up',
      'ip link set macsec1 master br0 up',
      '',
    ]);
  });

  it('the other end: addresses, SCIs and keys change sides', () => {
    const lines = textOf(changed(), 'iproute2', { peer: true }).split('\n');
    expect(lines).toContain('ip link add gretap1 type gretap local 2.2.2.2 remote 1.1.1.1 ttl 64');
    expect(lines).toContain(`macsec add macsec1 tx sa 0 pn 1 on key 02 ${KEY_B}`);
    expect(lines).toContain(`macsec add macsec1 rx sci 0000001111110001 sa 0 pn 1 on key 01 ${KEY_A}`);
  });

  it('without keys it takes them, and the salts of XPN, from its environment', () => {
    const sa = { ssci: 1, salt: SALT };
    const tunnel = changed({
      macsec: {
        cipher: 'gcm-aes-xpn-128',
        txSa: [{ keyId: '01', key: KEY_A, ...sa }],
        rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ keyId: '02', key: KEY_B, ssci: 2, salt: SALT }] }],
      },
    });
    const text = textOf(tunnel, 'iproute2', { showKeys: false });
    expect(text).not.toMatch(new RegExp(`${KEY_A}|${KEY_B}|${SALT}`));
    expect(text).toContain('tx sa 0 xpn 1 salt $TX_0_SALT ssci 1 on key 01 $TX_0_KEY\n');
    for (const name of ['TX_0_KEY', 'TX_0_SALT', 'RX_0_KEY', 'RX_0_SALT'])
      expect(text).toContain(`: "\${${name}:?`);
  });

  it('the port of the bridge', () => {
    const tap = { isolated: true, stp: { cost: 5 }, vlans: [10, { vid: 5, pvid: true, untagged: true }] };
    expect(textOf(changed({ tap }), 'iproute2').split('\n').slice(-5)).toEqual([
      'bridge link set dev macsec1 isolated on cost 5',
      'bridge vlan del dev macsec1 vid 1 2>/dev/null || true',
      'bridge vlan add dev macsec1 vid 10',
      'bridge vlan add dev macsec1 vid 5 pvid untagged',
      '',
    ]);
  });
});

describe('networkd', () => {
  it('without keys its files name key files', () => {
    const text = textOf(changed(), 'networkd', { showKeys: false });
    expect(text).toContain('KeyFile=/etc/systemd/network/macsec1-tx0.key\n');
    expect(text).toContain('KeyFile=/etc/systemd/network/macsec1-rx0.key\n');
    expect(text).not.toMatch(new RegExp(`${KEY_A}|${KEY_B}`));
  });
});

describe('what cannot be said', () => {
  it.each<[string, Record<string, object>, string[], string]>([
    [
      'dynamic',
      { gre: { remote: 'dynamic', encap: 'udp' }, macsec: { replayProtect: true } },
      ['iproute2'],
      'gre.remote is "dynamic", and a kernel\'s gretap learns no peer; --peer is the other end',
    ],
    [
      'a name',
      { gre: { remote: 'peer.example' } },
      ['iproute2'],
      'gre.remote is the name "peer.example", and a kernel\'s gretap has an address: give it that',
    ],
    [
      'icvLen',
      { macsec: { icvLen: 10 } },
      ['iproute2'],
      'icvLen is 10, which is between two l2vpnd only: Linux refuses every SA',
    ],
    [
      'auto',
      { gre: { local: 'auto' } },
      ['iproute2', '--peer'],
      'its other end cannot be told: its gre.local is "auto", so nobody knows where the peer has to send to: give it an address',
    ],
    [
      'random',
      { tap: { mac: null } },
      ['iproute2', '--peer'],
      'its other end cannot be told: its tap.mac is null, so its SCI is another at each start: set it',
    ],
    [
      'no channel',
      { macsec: { rxSc: [] } },
      ['iproute2', '--peer'],
      'its other end cannot be told: it has 0 rxSc, so nobody knows which the peer is',
    ],
    [
      'validate',
      { macsec: { validate: 'check' } },
      ['networkd'],
      'cannot be said as networkd: validate "check" has no setting there',
    ],
    [
      'checksum',
      { gre: { checksum: true } },
      ['networkd'],
      'cannot be said as networkd: gre.checksum has no setting there',
    ],
    [
      'a random SCI',
      { tap: { mac: null } },
      ['scapy'],
      'cannot be said as scapy: tap.mac is null, so its SCI is another at each start: set it',
    ],
  ])('refused: %s', (_, changes, args, message) => {
    const [format, flag] = args as [ExportFormat, string?];
    const refused = (): unknown =>
      exportTunnel(changed(changes), { format, peer: flag === '--peer', showKeys: true });
    expect(refused).toThrow(message);
    expect(refused).toThrow(/^tunnel "site2"/);
    expect(refused).toThrow(expect.objectContaining({ code: 'L2VPN_CONFIG' }));
  });

  it.each<[Record<string, object>, ExportFormat, string]>([
    [{}, 'iproute2', 'a packet number may never be used twice with a key'],
    [
      {},
      'iproute2',
      'the kernel lowers no TCP MSS and answers nothing that does not fit: the hosts of the LAN need the MTU that "ip link show macsec1" says',
    ],
    [
      { macsec: { replayProtect: true } },
      'iproute2',
      'replayBitmap is left out: the kernel delivers a frame that is repeated within the window',
    ],
    [
      { macsec: { replayProtect: true } },
      'networkd',
      'replayProtect is left out: networkd has no setting for it',
    ],
    [
      { gre: { tos: 'inherit' } },
      'iproute2',
      'gre.tos "inherit" has no effect: below a macsec the kernel sends 0',
    ],
    [{ gre: { tos: 5 } }, 'iproute2', 'gre.tos 5 becomes 4: the lowest bit is "inherit" to a kernel'],
    [{ tap: { mac: null } }, 'iproute2', 'tap.mac is null, so the SCI is another at each start'],
    [
      { keepalive: {} },
      'iproute2',
      'keepalive is left out: it is between two l2vpnd, so remove it at the other end too',
    ],
    [
      { keepalive: {}, tap: { carrier: 'peer' } },
      'iproute2',
      'tap.carrier "peer" is left out: the link has carrier always',
    ],
    [{ tap: { queues: 2 } }, 'iproute2', 'tap.queues is left out'],
    [
      { gre: { local: 'auto' } },
      'iproute2',
      'gre.local is "auto": the kernel\'s gretap has no local address',
    ],
    [
      { gre: { local: '2001:db8::1', remote: '2001:db8::2', df: false } },
      'iproute2',
      'gre.df false is left out: there is no DF in IPv6',
    ],
    [{ gre: { local: 'auto' } }, 'scapy', 'so set LOCAL and REMOTE'],
  ])('told: %j as %s', (changes, format, text) => {
    const { remarks } = exportTunnel(changed(changes), { format, peer: false, showKeys: true });
    expect(remarks.map(({ where }) => where)).toEqual(remarks.map(() => 'site2'));
    expect(remarks.map((one) => one.text).join('\n')).toContain(text);
  });
});
