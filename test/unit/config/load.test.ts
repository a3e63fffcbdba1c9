import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';
import { maskedConfig } from '../../../src/config/masked.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { sciOf } from '../../../src/wire/sci.ts';
import { type Json, KEY_A, KEY_B, load, otherTunnel, refusal, sample } from './sample.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-config-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('loadConfig: a sound file', () => {
  it('fills in every default of the design', () => {
    const [tunnel] = load(sample()).tunnels;
    expect(tunnel!.tap).toEqual({
      ifname: 'macsec1',
      carrier: 'up',
      carrierDelayMs: 1000,
      mac: '00:00:00:11:11:11',
      mtu: 'auto',
      lanMtu: 'auto',
      mssClamp: 'auto',
      bridge: null,
      isolated: false,
      stp: { cost: null, priority: null },
      vlans: null,
      queues: 1,
    });
    expect(tunnel!.gre).toEqual({
      local: '1.1.1.1',
      remote: '2.2.2.2',
      family: 4,
      encap: 'none',
      port: 4754,
      key: null,
      checksum: false,
      ttl: 64,
      sourcePort: 'port',
      tos: 0,
      df: true,
      mtuProbeSeconds: 600,
    });
    expect(tunnel!.macsec).toMatchObject({
      cipher: 'gcm-aes-128',
      protect: true,
      encrypt: true,
      validate: 'strict',
      sendSci: true,
      endStation: false,
      scb: false,
      icvLen: 16,
      port: 1,
      encodingSa: 0,
      replayProtect: true,
      replayWindow: 1024,
      replayBitmap: true,
    });
    expect(load(sample())).toMatchObject({
      crypto: 'auto',
      workers: 'auto',
      stateDir: '/var/lib/l2vpnd/site1',
      controlSocket: '/run/l2vpnd/site1/l2vpnd.sock',
      metrics: null,
      log: { level: 'info' },
    });
  });

  it('makes key objects of hex, and SCIs of MAC and port', () => {
    const { macsec } = load(sample()).tunnels[0]!;
    expect(macsec!.txSa[0]!.sak.export().toString('hex')).toBe(KEY_A);
    expect(macsec!.rxSc[0]).toMatchObject({ sci: '0000002222220001', active: true });
    expect(sciOf('00:00:00:11:11:11', 1)).toBe('0000001111110001');
  });

  it('takes the examples as they are, with key files beside them, as two ends of one tunnel', () => {
    for (const [name, key] of [
      ['site1.key', KEY_A],
      ['site2.key', KEY_B],
    ] as const)
      file(name, `${key}\n`);
    const [a, b] = ['site1.json', 'site2.json'].map((name) => {
      return loadConfig(file(name, readFileSync(`examples/${name}`, 'utf8'), 0o644)).tunnels[0]!;
    });
    for (const end of [a, b]) expect(end!.tap).toMatchObject({ ifname: 'macsec1', bridge: 'br0' });
    expect([a!.gre.local, a!.gre.remote]).toEqual([b!.gre.remote, b!.gre.local]);
    expect(a!.macsec!.rxSc[0]!.sci).toBe(sciOf(b!.tap.mac!, b!.macsec!.port));
    expect(a!.macsec!.txSa[0]!.sak.equals(b!.macsec!.rxSc[0]!.sa[0]!.sak)).toBe(true);
    expect(b!.macsec!.txSa[0]!.sak.equals(a!.macsec!.rxSc[0]!.sa[0]!.sak)).toBe(true);
  });

  it('reads a key file beside the configuration, white space and all', () => {
    file('good.key', ` ${KEY_B.toUpperCase()}\r\n`);
    const value = sample();
    value.tunnels[0].macsec.rxSc[0].sa[0] = { keyId: '02', keyFile: 'good.key' };
    const { macsec } = loadConfig(file('keyfile.json', JSON.stringify(value))).tunnels[0]!;
    expect(macsec!.rxSc[0]!.sa[0]!.sak.export().toString('hex')).toBe(KEY_B);
  });

  it('takes relative state and socket paths as relative to the file', () => {
    const config = load({ ...sample(), stateDir: 'state', controlSocket: './x.sock' }, '/etc/l2vpnd/a.json');
    expect(config).toMatchObject({ stateDir: '/etc/l2vpnd/state', controlSocket: '/etc/l2vpnd/x.sock' });
  });

  it.each([
    ['a number', 2 ** 53 - 1, 2n ** 53n - 1n],
    ['digits', '5', 5n],
    ['digits beyond 2^53', '9007199254740993', 2n ** 53n + 1n],
    ['the last of all', '18446744073709551615', 2n ** 64n - 1n],
  ])('takes the packet number of an XPN as %s, and shows it', (_, pn, expected) => {
    const value = sample();
    const xpn = { ssci: 1, salt: '0c'.repeat(12), pn };
    Object.assign(value.tunnels[0].macsec, { cipher: 'gcm-aes-xpn-128' });
    Object.assign(value.tunnels[0].macsec.txSa[0], xpn);
    Object.assign(value.tunnels[0].macsec.rxSc[0].sa[0], xpn);
    const config = load(value);
    expect(config.tunnels[0]!.macsec!.txSa[0]!.pn).toBe(expected);
    const shown = expected < 2n ** 53n ? `"pn":${expected}` : `"pn":"${expected}"`;
    expect(JSON.stringify(maskedConfig(config))).toContain(shown);
  });

  it('takes XPN with ssci and salt, and IPv6', () => {
    const value = sample();
    const xpn = { ssci: 1, salt: '0c'.repeat(12), pn: 2 ** 40 };
    Object.assign(value.tunnels[0].macsec, { cipher: 'gcm-aes-xpn-128' });
    Object.assign(value.tunnels[0].macsec.txSa[0], xpn);
    Object.assign(value.tunnels[0].macsec.rxSc[0].sa[0], xpn);
    value.tunnels[0].gre = { local: '2001:db8::1', remote: '2001:db8::2' };
    const [tunnel] = load(value).tunnels;
    expect(tunnel!.gre.family).toBe(6);
    expect(tunnel!.macsec!.txSa[0]).toMatchObject({ pn: 2n ** 40n, ssci: 1 });
    expect(tunnel!.macsec!.txSa[0]!.salt).toEqual(Buffer.alloc(12, 0x0c));
  });

  it.each([
    ['1.1.1.1', 'hub.example.net', 4],
    ['2001:db8::1', 'HUB', 6],
    ['auto', 'hub.example.net.', 4],
    ['auto', '2001:db8::2', 6],
    ['auto', '192.0.2.1', 4],
  ])('takes ends that are to be found: from %s to %s', (local, remote, family) => {
    const file = sample();
    Object.assign(file.tunnels[0].gre, { local, remote });
    expect(load(file).tunnels[0]?.gre).toMatchObject({ local, remote, family });
  });

  it('takes two tunnels that share nothing but the local address', () => {
    expect(load({ tunnels: [sample().tunnels[0], otherTunnel()] }).tunnels).toHaveLength(2);
  });

  it('takes a byte order mark', () => {
    expect(parseConfig(`\ufeff${JSON.stringify(sample())}`, 'a.json').tunnels).toHaveLength(1);
  });
});

describe('loadConfig: the file itself', () => {
  it.each([
    [
      'that does not exist',
      '/nowhere/site1.json',
      'L2VPN_NOINPUT',
      66,
      /\/nowhere\/site1\.json does not exist/,
    ],
    ['that is a directory', '/tmp', 'L2VPN_CONFIG', 78, /not a regular file/],
    ['that is a device', '/dev/zero', 'L2VPN_CONFIG', 78, /not a regular file/],
  ] as const)('a file %s is refused', (_what, path, code, exitStatus, message) => {
    const error = refusal(() => loadConfig(path));
    expect(error).toMatchObject({ code, exitStatus });
    expect(error.message).toMatch(message);
  });

  it.each([
    ['empty', '', /^site1\.json is empty/],
    ['blank', ' \n ', /^site1\.json is empty/],
    ['no JSON', 'tunnels: []', /^site1\.json:1:1: not valid JSON/],
    ['cut off', '{\n  "tunnels": [', /^site1\.json:2:\d+: not valid JSON/],
    ['two commas', '{\n  "tunnels": [],\n,}', /^site1\.json:3:1: not valid JSON/],
    ['a comment', '// {}\n/* */', /^site1\.json is empty/],
    ['a comment without end', '{}\n/* ', /^site1\.json:2:1: not valid JSON: unexpected end of comment/],
    ['a list', '[]', /^site1\.json:1: must be an object with "tunnels", not a list$/],
    ['null', 'null', /must be an object with "tunnels", not null/],
    ['without tunnels', '{}', /^site1\.json:1: tunnels: is required: a list of tunnels$/],
    ['a name twice', '{"crypto":"node",\n"crypto":"auto","tunnels":[]}', /crypto: stands twice/],
    ['nested 100000 deep', '['.repeat(100_000), /^site1\.json:1:33: is nested deeper than 32 levels$/],
    [
      'nested 3000 deep and closed',
      `{"tunnels":\n${'['.repeat(3000)}${']'.repeat(3000)}}`,
      /^site1\.json:2:32: is nested deeper than 32 levels$/,
    ],
    [
      'nested 3000 deep in a field',
      `{"tunnels":[{"name":\n${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}}]}`,
      /^site1\.json:2:146: is nested deeper than 32 levels$/,
    ],
  ])('text that is %s is refused with its place', (_what, text, message) => {
    const error = refusal(() => parseConfig(text, '/etc/site1.json'));
    expect(error).toMatchObject({ code: 'L2VPN_CONFIG', exitStatus: 78 });
    expect(error.message).toMatch(message);
  });

  it('a syntax error does not repeat the text around it, which may be a key', () => {
    const error = refusal(() => parseConfig(`{"key": "${KEY_A}" x`, 'a.json'));
    expect(`${error.stack}${String(error.cause)}`).not.toContain(KEY_A.slice(0, 8));
  });
});

describe('loadConfig: fields', () => {
  /** [what, path of the field, its value, the line that must be said] */
  const table: [string, string, Json, RegExp][] = [
    [
      'an unknown key',
      'tunnels.0.gre.checksums',
      true,
      /tunnels\[0\]\.gre: unknown key "checksums", did you mean "checksum"\?/,
    ],
    ['an unknown key at the top', 'logs', {}, /:\d+: unknown key "logs", did you mean "log"\?/],
    [
      'an unknown key like nothing',
      'tunnels.0.xyzzy',
      1,
      /tunnels\[0\]: unknown key "xyzzy"; known are name, tap/,
    ],
    ['a swapped key', 'tunnels.0.macsec.recieve', 1, /unknown key "recieve"; known are/],
    [
      'a bad address',
      'tunnels.0.gre.remote',
      '2.2.2',
      /tunnels\[0\]\.gre\.remote: "2\.2\.2" is not an IPv4 or IPv6 address/,
    ],
    [
      'a name for an address',
      'tunnels.0.gre.local',
      'localhost',
      /"localhost" is not an IPv4 or IPv6 address/,
    ],
    [
      'a name with an underscore',
      'tunnels.0.gre.remote',
      'my_hub.example',
      /"my_hub" may have letters, digits/,
    ],
    ['a name with an empty label', 'tunnels.0.gre.remote', 'hub..example', /"" is not a label of 1 to 63/],
    [
      'a name with a long label',
      'tunnels.0.gre.remote',
      `${'a'.repeat(64)}.example`,
      /is not a label of 1 to 63/,
    ],
    ['a label that ends in "-"', 'tunnels.0.gre.remote', 'hub-.example', /"hub-" may have letters/],
    ['a long name', 'tunnels.0.gre.remote', 'a.'.repeat(127), /more than 253 characters/],
    ['a name that ends in a number', 'tunnels.0.gre.remote', 'hub.1', /its last label is a number/],
    ['auto for the peer', 'tunnels.0.gre.remote', 'auto', /"auto" is for gre\.local/],
    ['another spelling of dynamic', 'tunnels.0.gre.remote', 'Dynamic', /is written "dynamic"/],
    ['a URL', 'tunnels.0.gre.remote', 'udp://hub', /is not an IPv4 or IPv6 address/],
    ['a scoped address', 'tunnels.0.gre.local', 'fe80::1%eth0', /is not an IPv4 or IPv6 address/],
    ['any address', 'tunnels.0.gre.local', '0.0.0.0', /is not the address of one host/],
    ['any IPv6 address', 'tunnels.0.gre.local', '::', /is not the address of one host/],
    ['a multicast remote', 'tunnels.0.gre.remote', '239.1.1.1', /multicast, broadcast or reserved/],
    ['a broadcast remote', 'tunnels.0.gre.remote', '255.255.255.255', /multicast, broadcast or reserved/],
    ['a multicast IPv6 remote', 'tunnels.0.gre.remote', 'ff02::1', /multicast, broadcast or reserved/],
    ['two families', 'tunnels.0.gre.remote', '2001:db8::1', /is IPv6 but gre\.local "1\.1\.1\.1" is IPv4/],
    ['a tunnel to itself', 'tunnels.0.gre.remote', '1.1.1.1', /is gre\.local too/],
    ['dynamic without udp', 'tunnels.0.gre.remote', 'dynamic', /"dynamic" needs "encap": "udp"/],
    ['a port without udp', 'tunnels.0.gre.port', 5000, /gre\.port: belongs to encap "udp"/],
    [
      'an encap that is none',
      'tunnels.0.gre.encap',
      'fou',
      /gre\.encap: must be one of "none", "udp", not "fou"/,
    ],
    [
      'a key out of range',
      'tunnels.0.gre.key',
      2 ** 32,
      /gre\.key: must be a whole number from 0 to 4294967295, not 4294967296/,
    ],
    ['a ttl of 0', 'tunnels.0.gre.ttl', 0, /gre\.ttl: must be a whole number from 1 to 255, not 0/],
    [
      'a tos of 256',
      'tunnels.0.gre.tos',
      256,
      /gre\.tos: must be "inherit" or a whole number from 0 to 255, not 256/,
    ],
    ['another word for a tos', 'tunnels.0.gre.tos', 'copy', /gre\.tos: must be "inherit" or .*, not "copy"/],
    [
      'a source port in digits',
      'tunnels.0.gre.sourcePort',
      4754,
      /gre\.sourcePort: must be one of "port", "flow", not 4754/,
    ],
    [
      'source ports by flow without udp',
      'tunnels.0.gre.sourcePort',
      'flow',
      /gre\.sourcePort: "flow" needs "encap": "udp": raw GRE has no ports to spread flows over/,
    ],
    [
      'source ports by flow to a dynamic peer',
      'tunnels.0.gre',
      { local: '1.1.1.1', remote: 'dynamic', encap: 'udp', sourcePort: 'flow' },
      /gre\.sourcePort: "flow" does not go with "remote": "dynamic": a peer behind NAT hears only .*gre\.port; remove one of them/,
    ],
    ['a string for a flag', 'tunnels.0.gre.df', 'yes', /gre\.df: must be true or false, not "yes"/],
    [
      'a number for an object',
      'tunnels.0.gre',
      7,
      /tunnels\[0\]\.gre: must be an object with at least "local" and "remote", not 7/,
    ],
    [
      'a TAP name of 16 octets',
      'tunnels.0.tap.ifname',
      'macsec1234567890',
      /tap\.ifname: "macsec1234567890" has 16 octets/,
    ],
    ['an empty TAP name', 'tunnels.0.tap.ifname', '', /has 0 octets/],
    ['a slash in a TAP name', 'tunnels.0.tap.ifname', 'mac/sec', /tap\.ifname: "mac\/sec" holds "\/"/],
    ['a template for a TAP name', 'tunnels.0.tap.ifname', 'tap%d', /holds "%"/],
    ['a blank in a TAP name', 'tunnels.0.tap.ifname', 'tap 1', /holds " "/],
    ['a dot for a TAP name', 'tunnels.0.tap.ifname', '..', /is not a device name/],
    [
      'a TAP that is its bridge',
      'tunnels.0.tap.bridge',
      'macsec1',
      /tap\.bridge: "macsec1" is the TAP itself/,
    ],
    [
      'a multicast MAC',
      'tunnels.0.tap.mac',
      '01:00:5e:00:00:01',
      /tap\.mac: is a multicast or broadcast MAC/,
    ],
    [
      'a broadcast MAC',
      'tunnels.0.tap.mac',
      'ff:ff:ff:ff:ff:ff',
      /tap\.mac: is a multicast or broadcast MAC/,
    ],
    ['a zero MAC', 'tunnels.0.tap.mac', '00:00:00:00:00:00', /tap\.mac: is no address of a port/],
    ['a short MAC', 'tunnels.0.tap.mac', '00:11:22', /tap\.mac: must be a MAC address/],
    [
      'an mtu of 67',
      'tunnels.0.tap.mtu',
      67,
      /tap\.mtu: must be "auto" or a whole number from 68 to 65535, not 67/,
    ],
    ['an mtu in words', 'tunnels.0.tap.mtu', 'big', /tap\.mtu: must be "auto" or .*, not "big"/],
    [
      'an MSS clamp that is true',
      'tunnels.0.tap.mssClamp',
      true,
      /tap\.mssClamp: must be "auto", false or a whole number from 88 to 65495, not true/,
    ],
    ['no queue', 'tunnels.0.tap.queues', 0, /tap\.queues: must be a whole number from 1 to 16/],
    ['a name with a blank', 'tunnels.0.name', 'site 2', /tunnels\[0\]\.name: must be a name of 1 to 32/],
    [
      'an unknown cipher',
      'tunnels.0.macsec.cipher',
      'gcm-aes-182',
      /macsec\.cipher: must be one of .* \(did you mean "gcm-aes-128"\?\)/,
    ],
    ['an icvLen of 7', 'tunnels.0.macsec.icvLen', 7, /macsec\.icvLen: must be a whole number from 8 to 16/],
    ['a fraction', 'tunnels.0.macsec.replayWindow', 1.5, /macsec\.replayWindow: must be a whole number/],
    [
      'a window too wide for a bitmap',
      'tunnels.0.macsec.replayWindow',
      2 ** 25,
      /needs "replayBitmap": false/,
    ],
    [
      'an encodingSa without SA',
      'tunnels.0.macsec.encodingSa',
      1,
      /macsec\.encodingSa: is 1, but no txSa has that an/,
    ],
    ['no txSa', 'tunnels.0.macsec.txSa', [], /macsec\.encodingSa: is 0, but no txSa has that an/],
    [
      'endStation beside sendSci',
      'tunnels.0.macsec.endStation',
      true,
      /macsec\.endStation: excludes sendSci/,
    ],
    ['scb beside sendSci', 'tunnels.0.macsec.scb', true, /macsec\.scb: excludes sendSci/],
    ['PN 0', 'tunnels.0.macsec.txSa.0.pn', 0, /txSa\[0\]\.pn: must be a whole number from 1 to/],
    [
      'a PN that JSON cannot count',
      'tunnels.0.macsec.txSa.0.pn',
      2 ** 53,
      /txSa\[0\]\.pn: must be a whole number from 1 to 9007199254740991, or a string of decimal digits up to 1844/,
    ],
    ...[
      '18446744073709551616',
      '99999999999999999999',
      '0',
      '01',
      '-1',
      '1.0',
      '1e3',
      'c0ffee',
      ' 1',
      '',
    ].map((pn): [string, string, unknown, RegExp] => [
      `a PN of "${pn}"`,
      'tunnels.0.macsec.txSa.0.pn',
      pn,
      /txSa\[0\]\.pn: must be a whole number from 1 to/,
    ]),
    [
      'a PN of 33 bits in a string',
      'tunnels.0.macsec.txSa.0.pn',
      '4294967296',
      /txSa\[0\]\.pn: is "4294967296"; without xpn at most 4294967295/,
    ],
    [
      'a PN of 33 bits',
      'tunnels.0.macsec.txSa.0.pn',
      2 ** 32,
      /txSa\[0\]\.pn: is 4294967296; without xpn at most 4294967295/,
    ],
    [
      'AN 4',
      'tunnels.0.macsec.rxSc.0.sa.0.an',
      4,
      /rxSc\[0\]\.sa\[0\]\.an: must be a whole number from 0 to 3, not 4/,
    ],
    [
      'a keyId of odd length',
      'tunnels.0.macsec.txSa.0.keyId',
      '1',
      /keyId: must be an even number of hex digits/,
    ],
    [
      'a keyId too long',
      'tunnels.0.macsec.txSa.0.keyId',
      '00'.repeat(17),
      /keyId: must be an even number of hex digits/,
    ],
    ['ssci without xpn', 'tunnels.0.macsec.txSa.0.ssci', 1, /txSa\[0\]\.ssci: is only for xpn ciphers/],
    [
      'salt without xpn',
      'tunnels.0.macsec.txSa.0.salt',
      '00'.repeat(12),
      /txSa\[0\]\.salt: is only for xpn ciphers/,
    ],
    [
      'xpn without ssci and salt',
      'tunnels.0.macsec.cipher',
      'gcm-aes-xpn-128',
      /txSa\[0\]\.ssci: is required with gcm-aes-xpn-128/,
    ],
    [
      'a key for the other cipher',
      'tunnels.0.macsec.cipher',
      'gcm-aes-256',
      /txSa\[0\]\.key: has 32 hex digits; gcm-aes-256 needs 64/,
    ],
    [
      'a key of 30 digits',
      'tunnels.0.macsec.txSa.0.key',
      KEY_A.slice(2),
      /txSa\[0\]\.key: must be 32 or 64 hex digits, not 30 digits/,
    ],
    [
      'a key that is no hex',
      'tunnels.0.macsec.txSa.0.key',
      `${KEY_A.slice(1)}g`,
      /txSa\[0\]\.key: must be 32 or 64 hex digits; character 32 is not/,
    ],
    [
      'a key that is a number',
      'tunnels.0.macsec.txSa.0.key',
      111111111,
      /txSa\[0\]\.key: must be 32 or 64 hex digits, not a number/,
    ],
    [
      'neither key nor keyFile',
      'tunnels.0.macsec.txSa.0',
      { an: 0 },
      /txSa\[0\]\.key: is required: "key" or "keyFile"/,
    ],
    [
      'key and keyFile',
      'tunnels.0.macsec.txSa.0.keyFile',
      'a.key',
      /txSa\[0\]\.keyFile: stands beside "key"/,
    ],
    [
      'hex for a keyFile',
      'tunnels.0.macsec.txSa.0',
      { keyFile: KEY_A },
      /txSa\[0\]\.keyFile: is no file name but hex/,
    ],
    [
      'sci beside mac',
      'tunnels.0.macsec.rxSc.0.sci',
      '0000002222220001',
      /rxSc\[0\]\.sci: stands beside "mac"/,
    ],
    [
      'a channel without SCI',
      'tunnels.0.macsec.rxSc.0',
      { sa: [] },
      /rxSc\[0\]\.mac: is required: "mac" \(and "port"\) or "sci"/,
    ],
    [
      'a short SCI',
      'tunnels.0.macsec.rxSc.0',
      { sci: '00' },
      /rxSc\[0\]\.sci: must be 16 hex digits, not "00"/,
    ],
    ['no tunnel', 'tunnels', [], /tunnels: is empty/],
    [
      'macsec left out',
      'tunnels.0.macsec',
      undefined,
      /tunnels\[0\]\.macsec: is required: an object, or null for plain GRETAP/,
    ],
    ['no name', 'tunnels.0.name', undefined, /tunnels\[0\]\.name: is required/],
    [
      'an unknown provider',
      'crypto',
      'openssl',
      /crypto: must be one of "auto", "node", "batch", not "openssl"/,
    ],
    ['no worker', 'workers', 0, /workers: must be "auto" or a whole number from 1 to 64, not 0/],
    ['metrics without port', 'metrics', { listen: '127.0.0.1' }, /metrics\.listen: must be address and port/],
    ['a metrics port of 70000', 'metrics', { listen: '127.0.0.1:70000' }, /metrics\.listen: has port 70000/],
    ['a level that is none', 'log', { level: 'loud' }, /log\.level: must be one of/],
    [
      'a socket path of 200 octets',
      'controlSocket',
      `/run/${'x'.repeat(200)}`,
      /controlSocket: is longer than the 107 octets/,
    ],
  ];

  it.each(table)('%s is refused', (_what, path, field, message) => {
    const value = sample();
    set(value, path.split('.'), field);
    const error = refusal(() => load(value));
    expect(error).toMatchObject({ code: 'L2VPN_CONFIG', exitStatus: 78 });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^site1\.json:\d+: /);
  });

  it('tells all problems at once, a line each, in the order of the file', () => {
    const value = sample();
    value.tunnels[0].gre.remote = '2.2.2';
    value.tunnels[0].macsec.encodingSa = 3;
    value.workers = 'many';
    const lines = refusal(() => load(value)).message.split('\n');
    expect(lines.map((line) => line.replace(/^site1\.json:\d+: /, '').split(':')[0])).toEqual([
      'tunnels[0].gre.remote',
      'tunnels[0].macsec.encodingSa',
      'workers',
    ]);
  });

  it('names the line of the field', () => {
    const text = '{\n "tunnels": [],\n "workers":\n  "many"\n}';
    expect(refusal(() => parseConfig(text, 'a.json')).message).toContain('a.json:4: workers: ');
  });
});

describe('loadConfig: what must not stand twice', () => {
  function twoTunnels(change: (first: Json, second: Json) => void): Json {
    const [first, second] = [sample().tunnels[0], otherTunnel()];
    change(first, second);
    return { tunnels: [first, second] };
  }

  it.each<[string, (a: Json, b: Json) => void, RegExp]>([
    [
      'tunnel name',
      (a, b) => {
        b.name = a.name;
      },
      /tunnels\[1\]\.name: "site2" is taken by tunnels\[0\]/,
    ],
    [
      'TAP name',
      (a, b) => {
        b.tap.ifname = a.tap.ifname;
      },
      /tunnels\[1\]\.tap\.ifname: "macsec1" is taken/,
    ],
    [
      'pair of ends',
      (a, b) => {
        b.gre = a.gre;
      },
      /tunnels\[1\]\.gre: has the same ends as tunnels\[0\]\.gre; give each a key/,
    ],
    [
      'pair of UDP ends',
      (a, b) => {
        a.gre = { ...a.gre, encap: 'udp', key: 1 };
        b.gre = { ...a.gre, key: 2 };
      },
      /give each a port of its own/,
    ],
    [
      'dynamic UDP port',
      (a, b) => {
        a.gre = { local: '1.1.1.1', remote: 'dynamic', encap: 'udp' };
        b.gre = { ...a.gre };
        b.macsec.rxSc = a.macsec.rxSc;
      },
      /tunnels\[1\]\.macsec\.rxSc\[0\]: is an SCI of tunnels\[0\] too, at the same UDP port/,
    ],
    [
      'sending key and SCI',
      (a, b) => {
        b.tap.mac = a.tap.mac;
        b.macsec.txSa[0].key = KEY_A;
      },
      /tunnels\[1\]\.macsec\.txSa\[0\]\.key: is the key of tunnels\[0\]\.macsec\.txSa\[0\] with the same sci 0000001111110001: packet numbers would repeat/,
    ],
  ])('%s', (_what, change, message) => {
    expect(refusal(() => load(twoTunnels(change))).message).toMatch(message);
  });

  it('the ends of two tunnels are told apart by a GRE key', () => {
    const value = twoTunnels((a, b) => {
      a.gre.key = 1;
      b.gre = { ...a.gre, key: 2 };
    });
    expect(load(value).tunnels).toHaveLength(2);
  });

  it('one spelling of a host name is as good as another', () => {
    const file = { tunnels: [...sample().tunnels, otherTunnel()] };
    const [one, two] = file.tunnels;
    Object.assign(one.gre, { remote: 'hub.example.net' });
    Object.assign(two.gre, { local: one.gre.local, remote: 'HUB.example.net.' });
    expect(refusal(() => load(file)).message).toMatch(/has the same ends as tunnels\[0\]\.gre/);
  });

  it('one spelling of an IPv6 address is as good as another', () => {
    const value = twoTunnels((a, b) => {
      a.gre = { local: '2001:db8::1', remote: '2001:db8::2' };
      b.gre = { local: '2001:DB8:0::1', remote: '2001:db8:0:0::2' };
    });
    expect(refusal(() => load(value)).message).toMatch(/has the same ends/);
  });

  it.each<[string, (macsec: Json) => void, RegExp]>([
    [
      'AN of txSa',
      (m) => {
        m.txSa.push({ an: 0, key: 'ab'.repeat(16) });
      },
      /txSa\[1\]\.an: 0 is taken by txSa\[0\]/,
    ],
    [
      'AN of rxSc',
      (m) => {
        m.rxSc[0].sa.push({ an: 0, key: 'ab'.repeat(16) });
      },
      /rxSc\[0\]\.sa\[1\]\.an: 0 is taken by sa\[0\]/,
    ],
    [
      'SCI',
      (m) => {
        m.rxSc.push({ sci: '0000002222220001', sa: [] });
      },
      /rxSc\[1\]\.sci: "0000002222220001" is taken by rxSc\[0\]/,
    ],
    [
      'key of two ANs',
      (m) => {
        m.txSa.push({ an: 1, key: KEY_A });
      },
      /txSa\[1\]\.key: is the key of .*txSa\[0\] with the same sci/,
    ],
    [
      'key and SCI both ways',
      (m) => {
        m.rxSc[0] = { mac: '00:00:00:11:11:11', sa: [{ key: KEY_A }] };
      },
      /rxSc\[0\]\.sa\[0\]\.key: is the key of tunnels\[0\]\.macsec\.txSa\[0\] with the same sci 0000001111110001: packet numbers would repeat/,
    ],
    [
      'XPN key and SSCI',
      (m) => {
        m.cipher = 'gcm-aes-xpn-128';
        m.txSa[0] = { key: KEY_A, ssci: 1, salt: '00'.repeat(12) };
        m.rxSc[0].sa[0] = { key: KEY_A, ssci: 1, salt: '00'.repeat(12) };
      },
      /is the key of .* with the same ssci 00000001/,
    ],
  ])('%s', (_what, change, message) => {
    const value = sample();
    change(value.tunnels[0].macsec);
    expect(refusal(() => load(value)).message).toMatch(message);
  });

  it('one key for both ways is sound where the SCIs differ', () => {
    const value = sample();
    value.tunnels[0].macsec.rxSc[0].sa[0].key = KEY_A;
    expect(load(value).tunnels).toHaveLength(1);
  });
});

describe('loadConfig: key files', () => {
  function withKeyFile(keyFile: string): string {
    const value = sample();
    value.tunnels[0].macsec.txSa[0] = { keyId: '01', keyFile };
    return file('site1.json', JSON.stringify(value));
  }

  it.each<[string, () => string, string, number, RegExp]>([
    ['missing', () => 'absent.key', 'L2VPN_KEYFILE', 66, /key file \S+\/absent\.key does not exist/],
    [
      'readable by the group',
      () => file('group.key', KEY_A, 0o640),
      'L2VPN_KEYFILE',
      78,
      /has mode 0640.*chmod 600/,
    ],
    [
      'readable by others',
      () => file('others.key', KEY_A, 0o604),
      'L2VPN_KEYFILE',
      78,
      /has mode 0604.*chmod 600/,
    ],
    ['writable by others', () => file('write.key', KEY_A, 0o602), 'L2VPN_KEYFILE', 78, /has mode 0602/],
    ['empty', () => file('empty.key', '\n'), 'L2VPN_KEYFILE', 78, /is empty/],
    [
      'too short',
      () => file('short.key', KEY_A.slice(2)),
      'L2VPN_KEYFILE',
      78,
      /has 30 hex digits; the cipher needs 32/,
    ],
    [
      'too long',
      () => file('long.key', KEY_A + KEY_A),
      'L2VPN_KEYFILE',
      78,
      /has 64 hex digits; the cipher needs 32/,
    ],
    ['no hex', () => file('words.key', `${KEY_A.slice(1)}x`), 'L2VPN_KEYFILE', 78, /something else than hex/],
    ['a directory', () => '.', 'L2VPN_KEYFILE', 78, /not a regular file/],
    ['endless', () => file('endless.key', 'a'.repeat(10_000)), 'L2VPN_KEYFILE', 78, /has 4097 hex digits/],
  ])('a key file that is %s is refused', (_what, keyFile, code, exitStatus, message) => {
    const error = refusal(() => loadConfig(withKeyFile(keyFile())));
    expect(error).toMatchObject({ code, exitStatus });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/site1\.json:\d+: tunnels\[0\]\.macsec\.txSa\[0\]\.keyFile: /);
    expect(error.message).not.toContain(KEY_A.slice(0, 8));
  });

  it('the mode of the file counts, not that of a link to it', () => {
    symlinkSync(file('target.key', KEY_A, 0o644), join(dir, 'link.key'));
    expect(refusal(() => loadConfig(withKeyFile('link.key'))).message).toMatch(/mode 0644/);
  });
});

describe('configWarnings', () => {
  it.each<[string, (tunnel: Json) => void, RegExp]>([
    [
      'plain GRETAP',
      (t) => {
        t.macsec = null;
      },
      /tunnel "site2": macsec is null: frames cross the WAN in clear/,
    ],
    [
      'protect off',
      (t) => {
        t.macsec.protect = false;
      },
      /in clear/,
    ],
    [
      'integrity only',
      (t) => {
        t.macsec.encrypt = false;
      },
      /authenticated but readable/,
    ],
    [
      'validate check',
      (t) => {
        t.macsec.validate = 'check';
      },
      /nobody authenticated/,
    ],
    [
      'a random MAC',
      (t) => {
        delete t.tap.mac;
      },
      /own SCI is too/,
    ],
    [
      'a short ICV',
      (t) => {
        t.macsec.icvLen = 8;
      },
      /icvLen is 8/,
    ],
    [
      'a narrow replay window where classes overtake each other',
      (t) => {
        t.gre.tos = 'inherit';
        t.macsec.replayWindow = 0;
      },
      /replayWindow is 0: with gre\.tos "inherit" packets overtake each other on the way, and those that fall behind are dropped as late/,
    ],
    [
      'a narrow replay window where flows overtake each other',
      (t) => {
        Object.assign(t.gre, { encap: 'udp', sourcePort: 'flow' });
        t.macsec.replayWindow = 64;
      },
      /replayWindow is 64: with gre\.sourcePort "flow" packets overtake/,
    ],
  ])('%s is worth a warning', (_what, change, message) => {
    const value = sample();
    change(value.tunnels[0]);
    const path = file('warn.json', JSON.stringify(value));
    expect(configWarnings(loadConfig(path), path).join('\n')).toMatch(message);
  });

  it('one explicit keyId for different keys is worth a warning, once an identifier', () => {
    const value = sample();
    value.tunnels[0].macsec.txSa.push({ an: 1, keyId: 'AB', key: '3c'.repeat(16) });
    value.tunnels[0].macsec.rxSc[0].sa.push({ an: 1, keyId: 'ab', key: '4d'.repeat(16) });
    value.tunnels[0].macsec.rxSc[0].sa.push({ an: 2, keyId: 'ab', key: '5e'.repeat(16) });
    expect(configWarnings(load(value), 'a.json')).toEqual([
      'keyId ab names different keys: tunnels[0].macsec.txSa[1] and tunnels[0].macsec.rxSc[0].sa[1]; give each its own',
    ]);
  });

  it('a sound private file is worth none', () => {
    const path = file('sound.json', JSON.stringify(sample()));
    expect(configWarnings(loadConfig(path), path)).toEqual([]);
  });
});

describe('no key material leaves', () => {
  it('the effective configuration shows lengths instead of keys', () => {
    const shown = JSON.stringify(maskedConfig(load(sample())));
    expect(shown).toContain('"key":"(hidden, 16 octets)"');
    expect(shown).not.toMatch(/1a1a|2b2b/);
  });

  it('a key in any place of the file is repeated by no error', () => {
    const secret = `${'c0ffee'.repeat(5)}aa`;
    const paths = fc.constantFrom(...fieldPaths(sample()));
    fc.assert(
      fc.property(paths, fc.boolean(), (path, asName) => {
        const value = sample();
        if (asName) set(value, [...path.slice(0, -1), secret], 1);
        else set(value, path, secret);
        try {
          load(value);
        } catch (error) {
          expect(error).toBeInstanceOf(L2vpnError);
          expect(`${(error as Error).stack}`).not.toContain('c0ffeec0ffee');
        }
      }),
    );
  });
});

describe('parseConfig, whatever it is given', () => {
  it('throws nothing but L2vpnError for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        throwsOnlyL2vpnError(() => parseConfig(text, 'a.json')),
      ),
    );
  });

  it('throws nothing but L2vpnError for any JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => throwsOnlyL2vpnError(() => parseConfig(text, 'a.json'))));
  });

  it('throws nothing but L2vpnError for a sound file with one field exchanged', () => {
    const paths = fc.constantFrom(...fieldPaths(sample()));
    fc.assert(
      fc.property(paths, fc.jsonValue(), (path, field) => {
        const value = sample();
        set(value, path, field);
        throwsOnlyL2vpnError(() => load(value));
      }),
      { numRuns: 300 },
    );
  });
});

function throwsOnlyL2vpnError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof L2vpnError)) throw error;
    expect(error.message).not.toBe('');
  }
}

function set(value: Json, path: readonly string[], field: Json): void {
  const last = path.at(-1)!;
  let parent = value;
  for (const part of path.slice(0, -1)) parent = parent[part];
  if (field === undefined) delete parent[last];
  else parent[last] = field;
}

/** Every path of an object and a list in `value`, each as a list of names. */
function fieldPaths(value: Json): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((name) => [
    [name],
    ...fieldPaths(value[name]).map((rest) => [name, ...rest]),
  ]);
}
