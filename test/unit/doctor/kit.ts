/** A host on which nothing is wrong, a tunnel that runs well, and what checks make of either. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonSnapshot } from '../../../src/api/daemon.ts';
import type { TunnelSnapshot } from '../../../src/api/tunnel.ts';
import type { Config } from '../../../src/config/types.ts';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import { HOST_CHECKS, TUNNEL_CHECKS } from '../../../src/doctor/checks.ts';
import type { Context } from '../../../src/doctor/context.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import type { Host } from '../../../src/doctor/host.ts';
import type { TunnelSeen } from '../../../src/doctor/tunnel-seen.ts';
import type { LinkSeen } from '../../../src/host/links.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { type Json, load, sample } from '../config/sample.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const WELL: TunnelSnapshot = snapshotOf((await tunnelOf(macsecConfig())).tunnel, 'batch', null);
const SINCE = '2026-01-01T00:00:00.000Z';

/** The figures of a tunnel whose peer is heard, with `changes`. */
export function figures(changes: Partial<TunnelSnapshot> = {}): TunnelSnapshot {
  const peer = { state: 'alive', since: SINCE, last_authentic: SINCE } as const;
  return { ...structuredClone(WELL), peer, ...changes };
}

/** So many frames were taken from the peer, and of the drops so many. */
export function withFrames(ok: number, drops: Record<string, number> = {}): TunnelSnapshot {
  const now = figures();
  now.macsec!.rx_sc[0]!.stats.InPktsOK = ok;
  now.rx.frames_in = ok + Object.values(drops).reduce((sum, one) => sum + one, 0);
  Object.assign(now.drops, drops);
  return now;
}

export function seen(changes: Partial<TunnelSeen> = {}): TunnelSeen {
  return {
    name: 'site2',
    config: configOf().tunnels[0]!,
    now: figures(),
    before: null,
    down: null,
    ...changes,
  };
}

/** The sample configuration with a bridge, `change`d. */
export function configOf(change: (file: Json) => void = () => {}): Config {
  const file = sample();
  file.tunnels[0].tap.bridge = 'br0';
  change(file);
  return load(file, '/etc/l2vpnd/site1.json');
}

const link = (changes: Partial<LinkSeen> & { index: number; ifname: string }): LinkSeen => ({
  ...{ kind: '', mtu: 1500, isUp: true, hasCarrier: true, master: 0, gre: null },
  ...changes,
});

export const TAP_INDEX: number = WELL.ifindex;
/** eth0 to the WAN, br0 with the TAP and lan0. */
export const LINKS: readonly LinkSeen[] = [
  link({ index: 2, ifname: 'eth0' }),
  link({ index: 3, ifname: 'br0', kind: 'bridge' }),
  link({ index: 4, ifname: 'lan0', master: 3 }),
  link({ index: TAP_INDEX, ifname: 'macsec1', kind: 'tun', master: 3 }),
];

/** `LINKS`, with changes to the one of that name, or another one. */
export function linksWith(ifname: string, changes: Partial<LinkSeen>): readonly LinkSeen[] {
  const found = LINKS.some((one) => one.ifname === ifname);
  const all = found ? LINKS : [...LINKS, link({ index: 99, ifname })];
  return all.map((one) => (one.ifname === ifname ? { ...one, ...changes } : one));
}

const CAPABLE = 'Name:\tnode\nCapEff:\t000001ffffffffff\n';

function hostOf(files: Record<string, string>, changes: Partial<Host>): Host {
  const all: Record<string, string> = { '/proc/self/status': CAPABLE, '/proc/77/status': CAPABLE, ...files };
  return {
    euid: 0,
    nowMs: () => Date.UTC(2026, 0, 1),
    read: async (path) => all[path] ?? null,
    readLink: async () => 'net:[1]',
    list: async () => [],
    tryOpen: async () => '',
    modeOf: async (path) => (path === '/dev/net/tun' ? 0o020666 : path.startsWith('/var') ? 0o040700 : null),
    mtimeMs: async () => 0,
    writeFault: async () => '',
    roomOn: async () => ({ octets: 2 ** 32, files: 10_000 }),
    volatileKind: async () => null,
    distrustOf: async () => null,
    run: async () => ({ status: 0, stdout: '{"nftables":[]}', stderr: '', errno: '' }),
    resolve: async () => ['2.2.2.2'],
    links: () => LINKS,
    bridge: () => null,
    bridgePort: () => null,
    linkOf: () => 'eth0',
    route: () => ({ mtu: 1500, ofRoute: false, locked: false }),
    linkTo: () => 2,
    sourceTo: () => '1.1.1.1',
    isLocalAddress: () => true,
    copies: () => ({ take: () => null, close: () => {} }),
    clockIsSynchronised: () => true,
    aead: () => ({ provider: nodeProvider, reason: 'asked for' }),
    ...changes,
  };
}

export interface Faults extends Omit<Partial<Context>, 'host'> {
  readonly host?: Partial<Host>;
  /** Text of files of the host. */
  readonly files?: Record<string, string>;
}

export const DAEMON: DaemonSnapshot = {
  ...{ pid: 77, version: '0.1.0', config: '/etc/l2vpnd/site1.json', config_read: '2026-01-01T00:00:00.000Z' },
  ...{ aead: 'batch', aead_reason: 'self-test passed', node: process.versions.node, openssl: '3' },
  engine: 'OpenSSL 3.0.0',
  started: '2026-11-24T10:00:00.000Z',
  reload: { successful: true, success_time: '2026-11-24T10:00:00.000Z', refused: [], error: null },
};

export function contextOf({ host, files = {}, ...changes }: Faults = {}): Context {
  return {
    ...{ config: configOf(), configPath: '/etc/l2vpnd/site1.json', configFault: null },
    ...{ socket: '/run/l2vpnd/l2vpnd.sock', daemon: DAEMON, daemonUid: null, daemonFault: null, tunnels: [] },
    snmp: { before: '', now: '' },
    ...changes,
    host: hostOf(files, host ?? {}),
  };
}

/** What the check of that name finds, on a well host but for `faults`. */
export async function looked(
  name: string,
  faults: Faults = {},
  tunnel: TunnelSeen = seen(),
): Promise<Finding[]> {
  const context = contextOf(faults);
  const ofHost = HOST_CHECKS.find((one) => one.name === name);
  if (ofHost !== undefined) return ofHost.look(context);
  const ofTunnel = TUNNEL_CHECKS.find((one) => one.name === name);
  if (ofTunnel === undefined) throw new Error(`there is no check ${name}`);
  return ofTunnel.look(tunnel, context);
}

/** Level and name of each finding that is not ok: `fault missing`. */
export async function foundBy(
  name: string,
  faults: Faults = {},
  tunnel: TunnelSeen = seen(),
): Promise<string[]> {
  const findings = await looked(name, faults, tunnel);
  return findings.filter(({ level }) => level !== 'ok').map(({ level, id }) => `${level} ${id}`);
}

export function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}
