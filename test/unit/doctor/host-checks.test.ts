/** Checks of the host: each fault, as the kernel or the file system would show it. */
import { describe, expect, it } from 'vitest';
import { HOST_CHECKS } from '../../../src/doctor/checks.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { configOf, contextOf, DAEMON, type Faults, foundBy, looked } from './kit.ts';

const KEYLESS = 'CapEff:\t0000000000001000\n';
const mkaOnly = configOf(({ tunnels: [tunnel] }) => {
  tunnel.macsec = { mka: { ckn: '01', cak: 'ab'.repeat(16) } };
});
const fault = (code: ConstructorParameters<typeof L2vpnError>[0], text: string): L2vpnError =>
  new L2vpnError(code, text);
const UNITS = (state: string, times: number): string =>
  `Id=l2vpnd@site1.service\nActiveState=${state}\nResult=exit-code\nNRestarts=${times}\n`;
const systemd = (stdout: string, files: Record<string, string> = {}): Faults => ({
  files: { '/proc/77/cgroup': '0::/system.slice/system-l2vpnd.slice/l2vpnd@site1.service\n', ...files },
  host: { modeOf: async () => 0o040755, run: async () => ({ status: 0, stdout, stderr: '', errno: '' }) },
});

describe('on a host on which nothing is wrong', () => {
  it.each(HOST_CHECKS.map(({ name }) => name))('%s finds nothing', async (name) => {
    const findings = await looked(name);
    expect(findings.map(({ level }) => level)).toEqual(findings.map(() => 'ok'));
  });
});

describe('a fault of the host', () => {
  it.each<[what: string, check: string, faults: Faults, found: string[]]>([
    ['no /dev/net/tun', 'tun', { host: { modeOf: async () => null } }, ['fault missing']],
    ['a file in its place', 'tun', { host: { modeOf: async () => 0o100600 } }, ['fault noDevice']],
    ['a kernel without TUN', 'tun', { host: { tryOpen: async () => 'ENODEV' } }, ['fault refused']],
    ['a device that root may not open', 'tun', { host: { tryOpen: async () => 'EPERM' } }, ['fault refused']],
    ['who is not root', 'tun', { host: { tryOpen: async () => 'EACCES', euid: 1000 } }, ['skipped null']],
    [
      'a daemon without CAP_NET_RAW',
      'capabilities',
      { files: { '/proc/77/status': KEYLESS } },
      ['fault daemonLacks'],
    ],
    [
      'root without CAP_NET_RAW',
      'capabilities',
      { daemon: null, files: { '/proc/self/status': KEYLESS } },
      ['fault lacks'],
    ],
    ['static keys on tmpfs', 'state', { host: { volatileKind: async () => 'tmpfs' } }, ['fault forgets']],
    ['agreed keys on tmpfs', 'state', { config: mkaOnly, host: { volatileKind: async () => 'tmpfs' } }, []],
    [
      'a directory that others may write',
      'state',
      { host: { distrustOf: async () => ({ what: 'others may write /var', remedy: 'chmod go-w /var' }) } },
      ['fault untrusted'],
    ],
    ['a full disk', 'disk', { host: { roomOn: async () => ({ octets: 100, files: 1000 }) } }, ['fault full']],
    [
      'no inode left',
      'disk',
      { host: { roomOn: async () => ({ octets: 2 ** 40, files: 0 }) } },
      ['fault full'],
    ],
    [
      'little room',
      'disk',
      { host: { roomOn: async () => ({ octets: 2 ** 20, files: 1000 }) } },
      ['warning low'],
    ],
    ['a read-only file system', 'disk', { host: { writeFault: async () => 'EROFS' } }, ['fault unwritable']],
    ['a clock that was never set', 'clock', { host: { nowMs: () => 0 } }, ['warning wrong']],
    ['no NTP', 'clock', { host: { clockIsSynchronised: () => false } }, ['warning unsynchronised']],
    ['a kernel that does not say', 'clock', { host: { clockIsSynchronised: () => null } }, ['skipped null']],
    [
      'an AEAD that fails',
      'crypto',
      { host: { aead: () => raise(fault('L2VPN_UNAVAILABLE', 'ICV')) } },
      ['fault failed'],
    ],
    ['the slow provider', 'crypto', { daemon: { ...DAEMON, aead: 'node' } }, ['warning slow']],
    ['a daemon of an old node', 'node', { daemon: { ...DAEMON, node: '18.20.4' } }, ['fault old']],
    ['a daemon of another node', 'node', { daemon: { ...DAEMON, node: '99.0.0' } }, ['warning other']],
    [
      'a daemon of another version',
      'daemon',
      { daemon: { ...DAEMON, version: '0.0.9' } },
      ['warning otherVersion'],
    ],
    [
      'another network namespace',
      'daemon',
      { host: { readLink: async (path) => path } },
      ['warning otherNamespace'],
    ],
    [
      'no daemon',
      'daemon',
      { daemon: null, daemonFault: fault('L2VPN_UNAVAILABLE', 'nobody') },
      ['skipped none'],
    ],
    [
      'a daemon that is stopped',
      'daemon',
      { daemon: null, daemonFault: fault('L2VPN_UNAVAILABLE', 'the daemon at x does not answer in 0.7 s') },
      ['fault silent'],
    ],
    [
      'a daemon of root',
      'daemon',
      { daemon: null, daemonFault: fault('L2VPN_PERMISSION', 'no') },
      ['skipped denied'],
    ],
    ['a unit that failed', 'service', { ...systemd(UNITS('failed', 0)), daemon: null }, ['fault failed']],
    ['a unit that restarts', 'service', systemd(UNITS('active', 3)), ['warning restarts']],
    [
      'a unit of another daemon',
      'service',
      systemd(UNITS('failed', 0), { '/proc/77/cgroup': '0::/init.scope\n' }),
      [],
    ],
    ['no configuration', 'config', { config: null, configPath: null }, ['skipped none']],
    [
      'one that is wrong',
      'config',
      { config: null, configFault: fault('L2VPN_CONFIG', 'no') },
      ['fault unsound'],
    ],
    [
      'one that is not ours to read',
      'config',
      { config: null, configFault: fault('L2VPN_PERMISSION', 'no') },
      ['skipped denied'],
    ],
    [
      'one that was edited',
      'config',
      { host: { mtimeMs: async () => Date.UTC(2026, 0, 2) } },
      ['warning stale'],
    ],
    [
      'one that sends in clear',
      'config',
      { config: configOf(({ tunnels: [tunnel] }) => Object.assign(tunnel, { macsec: null })) },
      ['warning doubtful'],
    ],
    [
      'a directory where keys can be exchanged',
      'keys',
      { host: { distrustOf: async () => ({ what: 'others may write /etc', remedy: 'chmod go-w /etc' }) } },
      ['warning exchangeable'],
    ],
  ])('%s: %s says so', async (_, check, faults, found) => {
    expect(await foundBy(check, faults)).toEqual(found);
  });

  it('of a key file has the remedy that the file needs', async () => {
    const configFault = fault(
      'L2VPN_KEYFILE',
      'key file k has mode 0644: others have access; run chmod 600 k',
    );
    const [one] = await looked('keys', { config: null, configFault });
    expect(one).toMatchObject({
      level: 'fault',
      says: 'key file k has mode 0644: others have access',
      remedy: 'run chmod 600 k',
    });
    expect(await looked('config', { config: null, configFault })).toEqual([]);
  });

  it('is told where the state directory is still to be made: of the one above it', async () => {
    const roomOn = async (path: string) => ({ octets: path === '/var' ? 0 : 2 ** 40, files: 1000 });
    const modeOf = async (path: string) => (path === '/var' || path === '/' ? 0o040755 : null);
    expect(await foundBy('disk', contextOf({ host: { roomOn, modeOf } }))).toEqual(['fault full']);
  });
});

function raise(error: Error): never {
  throw error;
}
