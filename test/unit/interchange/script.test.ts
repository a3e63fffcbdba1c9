/** A script of `ip` commands becomes a configuration; what that cannot say is told with its line, and nothing is run. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { importScript } from './kit.ts';

const TWO_SITES = readFileSync(new URL('./two-sites.sh', import.meta.url), 'utf8');
const [KEY_A, KEY_B] = ['0a1b2c3d4e5f60718293a4b5c6d7e8f9', 'f9e8d7c6b5a4938271605f4e3d2c1b0a'];

/** A gretap and what `more` says. */
function gretap(more: string): string {
  return `ip link add g0 type gretap local 1.1.1.1 remote 2.2.2.2 ${more}`;
}

/** With a macsec on it. */
function macsec(options: string, ...more: string[]): string {
  return [
    gretap(''),
    `ip link add link g0 name m0 address 02:00:00:00:00:01 type macsec encrypt on replay on window 0 ${options}`,
    `ip macsec add m0 tx sa 0 pn 1 on key 01 ${KEY_A}`,
    ...more,
  ].join('\n');
}

describe('a script with both sites', () => {
  it('becomes the configuration of the one that is chosen', () => {
    const { tunnels } = importScript(TWO_SITES, 'nsra');
    expect(tunnels).toEqual([
      {
        name: 'macsec1',
        tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11', mtu: 1400, bridge: 'br0' },
        gre: { local: '1.1.1.1', remote: '2.2.2.2' },
        macsec: {
          replayProtect: false,
          txSa: [{ an: 0, keyId: '01', key: KEY_A }],
          rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ an: 0, keyId: '02', key: KEY_B }] }],
        },
      },
    ]);
    expect(() => parseConfig(JSON.stringify({ tunnels }), '/nowhere/x.json')).not.toThrow();
  });

  it('and the other one fits it', () => {
    const [[a], [b]] = [importScript(TWO_SITES, 'nsra').tunnels, importScript(TWO_SITES, 'nsrb').tunnels];
    expect(b).toMatchObject({
      tap: { ifname: 'macsec1', mac: a.macsec.rxSc[0].mac, bridge: 'br0' },
      gre: { local: a.gre.remote, remote: a.gre.local },
      macsec: { txSa: a.macsec.rxSc[0].sa, rxSc: [{ mac: a.tap.mac, sa: a.macsec.txSa }] },
    });
  });

  it('without a choice they are listed', () => {
    expect(() => importScript(TWO_SITES)).toThrow(
      'x.sh has several sites: choose one by --netns: nsra (macsec1 from 1.1.1.1 to 2.2.2.2); nsrb (macsec1 from 2.2.2.2 to 1.1.1.1)',
    );
    expect(() => importScript(TWO_SITES, 'nsrc')).toThrow(
      'x.sh has no tunnel in the namespace "nsrc": nsra (',
    );
  });

  it('what is said of it: packet numbers, replay off, links of no tunnel', () => {
    const { said } = importScript(TWO_SITES, 'nsra');
    expect(said).toEqual([
      expect.stringMatching(/^macsec1: has replay off, .*"replayProtect": true/),
      expect.stringMatching(/^macsec1: a packet number may never be used twice with a key: .*genkey --sak/),
      'other links: are no part of a tunnel and stay as they are: vra (veth)',
    ]);
  });
});

describe('the GRE tunnel', () => {
  it.each([
    ['ttl 32 tos 0x10 key 7 csum nopmtudisc', { ttl: 32, tos: 16, key: 7, checksum: true, df: false }, []],
    ['key 0.0.1.1', { key: 257 }, []],
    ['ttl 64 tos inherit', { tos: 'inherit' }, []],
    ['encap fou encap-sport 4754 encap-dport 4754', { encap: 'udp' }, []],
    ['encap fou encap-sport auto encap-dport 5000', { encap: 'udp', port: 5000, sourcePort: 'flow' }, []],
    [
      'encap fou encap-sport 99 encap-dport 4754',
      { encap: 'udp' },
      ['g0: encap-sport 99 is left out: l2vpnd sends from the port that it hears, 4754'],
    ],
    ['ttl inherit', {}, ['g0: ttl inherit is left out: outer packets have a TTL of 64']],
    [
      'ttl 64 seq',
      {},
      [
        'line 1: seq is left out: l2vpnd sends no sequence numbers, and a peer that demands them drops everything',
      ],
    ],
    ['ttl 64 ikey 1 okey 2', { key: 2 }, [expect.stringContaining('has another GRE key for each direction')]],
    ['ttl 64 icsum', {}, [expect.stringContaining('has the GRE checksum in one direction')]],
    ['ttl 64 dev eth0', {}, ['line 1: dev "eth0" is left out: l2vpnd has no such setting']],
    ['ttl 64 ignore-df', {}, ['line 1: ignore-df is left out: l2vpnd has no such setting']],
    ['ttl 64 bogus', {}, ['line 1: "bogus" of the GRE tunnel is not known, and left out']],
    ['ttl 500', {}, ['line 1: ttl "500" is no number from 0 to 255, and is left out', expect.any(String)]],
  ])('%s', (options, gre, said) => {
    const imported = importScript(gretap(/ttl|tos/.test(options) ? options : `ttl 64 ${options}`));
    expect(imported.tunnels).toEqual([
      {
        name: 'g0',
        tap: { ifname: 'g0' },
        gre: { local: '1.1.1.1', remote: '2.2.2.2', ...gre },
        macsec: null,
      },
    ]);
    expect(imported.said).toEqual(said);
  });

  it('IPv6', () => {
    const { tunnels, said } = importScript(
      'ip link add g0 type ip6gretap local 2001:db8::1 remote 2001:db8::2 hoplimit 64 tclass 0x20 encaplimit none',
    );
    expect(tunnels[0]).toMatchObject({ gre: { local: '2001:db8::1', remote: '2001:db8::2', tos: 32 } });
    expect(said).toEqual([]);
  });

  it.each([
    ['ip link add g0 type gretap local 1.1.1.1', 'is left out: it has no remote address'],
    [
      gretap('encap gue encap-dport 5'),
      'is left out: l2vpnd has "encap fou" with a port, which is RFC 8086, and not "gue"',
    ],
  ])('what l2vpnd cannot have: %s', (script, why) => {
    expect(importScript(script)).toMatchObject({ tunnels: [], said: [`g0: ${why}`] });
  });

  it('a port that is heard and another that is sent to', () => {
    const script = `ip fou add port 5001 ipproto 47\n${gretap('ttl 64 encap fou encap-sport auto encap-dport 5000')}`;
    expect(importScript(script).said).toEqual([
      'g0: sends to port 5000 and hears port 5001: l2vpnd has one port for both, which is now 5000',
    ]);
  });
});

describe('the macsec link', () => {
  it.each([
    ['', {}],
    ['cipher gcm-aes-256 icvlen 12', { cipher: 'gcm-aes-256', icvLen: 12 }],
    ['validate check send_sci off end_station on', { validate: 'check', sendSci: false, endStation: true }],
    ['protect off scb on encodingsa 2', { protect: false, scb: true, encodingSa: 2 }],
    ['window 64 port 5', { replayWindow: 64, port: 5 }],
  ])('%s', (options, settings) => {
    const [tunnel] = importScript(macsec(options)).tunnels;
    expect(tunnel.macsec).toEqual({
      replayWindow: 0,
      txSa: [{ an: 0, keyId: '01', key: KEY_A }],
      rxSc: [],
      ...settings,
    });
  });

  it('its SCI is that of the address that it has when it is made, whatever comes later', () => {
    const { tunnels, said } = importScript(macsec('', 'ip link set m0 address 02:00:00:00:00:99'));
    expect(tunnels[0].tap.mac).toBe('02:00:00:00:00:01');
    expect(said).toContain(
      'm0: has the address 02:00:00:00:00:99, but the SCI of 02:00:00:00:00:01: the TAP has that of the SCI',
    );
  });

  it('of an address that is random the other site tells, or nobody', () => {
    const script = TWO_SITES.replaceAll(/address \$\{?MAC_[AB]\}? (up|\\)/g, '$1');
    expect(importScript(script, 'nsra').tunnels[0].tap.mac).toBe('00:00:00:11:11:11');
    const alone = importScript(script.replaceAll(/^ip -n nsrb.*$/gm, ''), 'nsra');
    expect(alone.tunnels[0].tap).toEqual({ ifname: 'macsec1', mtu: 1400, bridge: 'br0' });
    expect(alone.said.join()).toContain('macsec1: has a random MAC address: set "tap.mac"');
  });

  it('SAs: several, off, with XPN, deleted again', () => {
    const more = [
      `ip macsec add m0 tx sa 1 xpn 5000000000 salt 0102030405060708090a0b0c ssci 2 on key 0a0b ${KEY_B}`,
      `ip macsec add m0 tx sa 2 pn 9 key 03 ${KEY_B}`,
      `ip macsec add m0 tx sa 3 pn 9 key 03 ${KEY_B}`,
      'ip macsec set m0 tx sa 3 off',
      'ip macsec del m0 tx sa 3',
    ];
    const { tunnels, said } = importScript(macsec('', ...more));
    expect(tunnels[0].macsec.txSa).toEqual([
      { an: 0, keyId: '01', key: KEY_A },
      { an: 1, pn: 5000000000, keyId: '0a0b', key: KEY_B, ssci: 2, salt: '0102030405060708090a0b0c' },
      { an: 2, pn: 9, keyId: '03', key: KEY_B, active: false },
    ]);
    expect(said).toContain('m0: SA 2 of tx is off, as the kernel has it where "on" is not said');
  });

  it('encrypt is off in a kernel where nothing is said', () => {
    const { tunnels, said } = importScript(macsec('').replace('encrypt on ', ''));
    expect(tunnels[0].macsec.encrypt).toBe(false);
    expect(said.join()).toContain('m0: has encrypt off, as the kernel does where nothing is said');
  });

  it.each([
    ['offload mac', 'line 2: offload "mac" is left out: l2vpnd works in software'],
    ['cipher des', 'line 2: cipher "des" is not known, and left out'],
    ['nonsense', 'line 2: "nonsense" of the macsec link is not known, and left out'],
  ])('%s is told', (options, text) => {
    expect(importScript(macsec(options)).said).toContain(text);
  });

  it.each([
    [
      `ip macsec add m0 tx sa 1 pn 1 on key 01 ${KEY_A}0`,
      'the key has 33 characters and is not 32 or 64 hex digits; it is left out',
    ],
    [
      `ip macsec add m0 tx sa 1 pn 1 on key ${KEY_A} 01`,
      'the key has 2 characters and is not 32 or 64 hex digits; it is left out',
    ],
    [
      `ip macsec add m7 tx sa 1 pn 1 on key 01 ${KEY_A}`,
      'no macsec link "m7" is made before this line, so it is left out',
    ],
    [
      `ip macsec add m0 rx sci 1 sa 0 pn 1 on key 01 ${KEY_A}`,
      'no receive channel 0000000000000001 is made before this line, so its SA is left out',
    ],
    [
      'ip macsec add m0 rx port 1',
      'names no receive channel by "sci", or by "port" and "address", and is left out',
    ],
    [
      `ip macsec add m0 tx sa 1 pn 1 on key 01 $SECRET`,
      'left out, as only a shell knows what "$SECRET" is: set the variable in the script, or write the value',
    ],
    [
      'tc qdisc add dev m0 root tbf rate 1mbit',
      'not understood, and left out: "tc qdisc add dev m0 root tbf rate 1mbit"',
    ],
    [
      'for x in a b; do ip link set m0 up; done',
      '"for" is not followed: what depends on its variable is left out',
    ],
  ])('%s', (line, text) => {
    const { said } = importScript(macsec('', line));
    expect(said).toContain(`line 4: ${text}`);
    expect(said.join()).not.toMatch(new RegExp(`${KEY_A.slice(0, 17)}|${KEY_B.slice(0, 17)}`));
  });
});

describe('the port of the bridge', () => {
  it('isolation, STP and VLANs', () => {
    const { tunnels } = importScript(
      [
        ...[gretap('ttl 64'), 'ip link add br0 type bridge vlan_filtering 1', 'ip link set g0 master br0'],
        ...['bridge link set dev g0 isolated on cost 5', 'ip link set g0 type bridge_slave priority 8'],
        ...[
          'bridge vlan add dev g0 vid 10-20',
          'bridge vlan del dev g0 vid 15',
          'bridge vlan add dev g0 vid 5 pvid untagged',
        ],
      ].join('\n'),
    );
    expect(tunnels[0].tap).toEqual({
      ...{ ifname: 'g0', bridge: 'br0', isolated: true, stp: { cost: 5, priority: 8 } },
      vlans: ['10-14', '16-20', { vid: 5, pvid: true, untagged: true }],
    });
  });

  it.each([
    [
      'bridge link set dev g0 hairpin on',
      'line 2: "hairpin" of the bridge\'s port is left out: l2vpnd sets isolated, cost and priority alone',
    ],
    [
      'ip addr add 10.0.0.1/24 dev g0',
      'g0: has IP addresses: l2vpnd gives its TAP none; that is left to who gave them',
    ],
    ['ip link set g0 promisc on', 'line 2: "ip link set g0": "promisc" is left out'],
  ])('%s', (line, text) => {
    expect(importScript(`${gretap('ttl 64')}\n${line}`).said).toContain(text);
  });
});

describe('how commands are written', () => {
  it.each([
    ['sudo -n /usr/sbin/ip link add g0 type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64'],
    ["bash -ec 'ip link add g0 type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64'"],
    ['ip -batch - <<END\nlink add g0 type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64\nEND'],
    ['if true; then ip li add name g0 type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64; fi'],
    ['ip link add x type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64\nip link set x name g0'],
    ['ip link add g0 netns n type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64'],
    ['ip link add g0 type gretap local 1.1.1.1 remote 2.2.2.2 ttl 64\nip link set g0 netns n'],
    ['setup() {\n  ip link add g0 type gretap local "1.1.1.1" remote 2.2.2.2 ttl 64\n}\nsetup'],
  ])('%s', (script) => {
    expect(importScript(script)).toMatchObject({
      tunnels: [{ name: 'g0', gre: { local: '1.1.1.1' } }],
      said: [],
    });
  });

  it('nothing of it is run', () => {
    const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-script-'));
    const mark = join(dir, 'ran');
    importScript(`touch ${mark}\n$(touch ${mark})\n\`touch ${mark}\`\n: > ${mark}\n${gretap('ttl 64')}`);
    expect(existsSync(mark)).toBe(false);
    rmSync(dir, { recursive: true });
  });

  it.each([['echo hello'], [''], ['{ not json'], ['ip link add br0 type bridge']])(
    '%j: no tunnel',
    (script) => {
      expect(() => importScript(script)).toThrow(
        'x.sh: no tunnel is in it: no link of type gretap or ip6gretap',
      );
    },
  );
});
