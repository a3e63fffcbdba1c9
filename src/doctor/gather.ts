/** Puts together what the checks look at: the file, and the daemon's figures at two moments. */
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../api/client.ts';
import type { DaemonSnapshot } from '../api/daemon.ts';
import type { Protocol } from '../api/routes.ts';
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import type { Context } from './context.ts';
import { type Host, thisHost } from './host.ts';
import { remembering } from './remember.ts';
import type { TunnelSeen } from './tunnel-seen.ts';

/** A daemon that lives answers within some milliseconds. */
const ANSWER_MS = 700;
/** Between the two looks: what is counted meanwhile happens now. */
const BETWEEN_MS = 500;

export interface Wanted {
  readonly config: string | null;
  /** Where the daemon answers; or why that is not known. */
  readonly socket: string | L2vpnError;
  /** A tunnel or its TAP; null: all. */
  readonly tunnel: string | null;
}

type Figures = readonly [DaemonSnapshot, readonly TunnelSnapshot[], readonly DownSnapshot[]];

/** Throws L2VPN_USAGE where there is no such tunnel. */
export async function gather(
  { config: named, socket, tunnel }: Wanted,
  host: Host = thisHost,
): Promise<Context> {
  const [first, snmpBefore] = await Promise.all([figuresOf(socket), snmpOf(host)]);
  const lookedMs = performance.now();
  const path = named ?? (first instanceof L2vpnError ? null : first[0].config);
  const configPath = path === null ? null : resolve(path);
  const loaded = configPath === null ? null : load(configPath);
  await pause(Math.max(0, BETWEEN_MS - (performance.now() - lookedMs)));
  const second = first instanceof L2vpnError || typeof socket !== 'string' ? first : await figuresOf(socket);
  const config = loaded instanceof L2vpnError ? null : loaded;
  const figures = second instanceof L2vpnError ? null : second;
  const before = first instanceof L2vpnError ? [] : first[1];
  return {
    host: remembering(host),
    config,
    configPath,
    configFault: loaded instanceof L2vpnError ? loaded : null,
    socket: typeof socket === 'string' ? socket : null,
    daemon: figures?.[0] ?? null,
    daemonUid: await uidOf(host, figures?.[0].pid ?? null),
    daemonFault: second instanceof L2vpnError ? second : null,
    tunnels: chosen(tunnelsOf(config, before, figures), tunnel),
    snmp: { before: snmpBefore, now: await snmpOf(host) },
  };
}

/** Of the process, or where none runs of the user that the packages make for it. */
async function uidOf(host: Host, pid: number | null): Promise<number | null> {
  const text = pid === null ? await host.read('/etc/passwd') : await host.read(`/proc/${pid}/status`);
  const found = (pid === null ? /^l2vpnd:[^:]*:(\d+):/m : /^Uid:\s*\d+\s+(\d+)/m).exec(text ?? '');
  return found === null ? null : Number(found[1]);
}

async function snmpOf(host: Host): Promise<string> {
  return (await host.read('/proc/net/snmp')) ?? '';
}

function load(path: string): Config | L2vpnError {
  try {
    return loadConfig(path);
  } catch (error) {
    return errorOf(error);
  }
}

async function figuresOf(socket: Wanted['socket']): Promise<Figures | L2vpnError> {
  if (typeof socket !== 'string') return socket;
  const get = <Name extends 'daemon' | 'tunnels' | 'down'>(name: Name): Promise<Protocol[Name]['answer']> =>
    // No parameters, no body: as the table of routes has it for these.
    (ask as (socket: string, name: Name, params: object) => Promise<Protocol[Name]['answer']>)(
      socket,
      name,
      {},
    );
  const answers = Promise.all([get('daemon'), get('tunnels'), get('down')]);
  const silence = pause(ANSWER_MS, null, { ref: false }).then(() => {
    const text = `the daemon at ${socket} does not answer in ${ANSWER_MS / 1000} s: it may be stopped or blocked`;
    return new L2vpnError('L2VPN_UNAVAILABLE', text);
  });
  return Promise.race([answers, silence]).catch(errorOf);
}

function errorOf(error: unknown): L2vpnError {
  return error instanceof L2vpnError
    ? error
    : new L2vpnError('L2VPN_SYSTEM', messageOf(error), { cause: error });
}

/** Those of the file and those of the daemon, by name. */
function tunnelsOf(
  config: Config | null,
  before: readonly TunnelSnapshot[],
  figures: Figures | null,
): TunnelSeen[] {
  const [, now, down] = figures ?? [null, [], []];
  const names = new Set([...(config?.tunnels ?? []), ...now, ...down].map(({ name }) => name));
  const byName = <T extends { name: string }>(list: readonly T[]): Map<string, T> =>
    new Map(list.map((one) => [one.name, one]));
  const [configs, befores, nows, downs] = [
    byName(config?.tunnels ?? []),
    byName(before),
    byName(now),
    byName(down),
  ];
  return [...names].map((name) => ({
    name,
    config: configs.get(name) ?? null,
    now: nows.get(name) ?? null,
    before: befores.get(name) ?? null,
    down: downs.get(name) ?? null,
  }));
}

function chosen(all: readonly TunnelSeen[], name: string | null): TunnelSeen[] {
  if (name === null) return [...all];
  const found = all.filter((one) => {
    return [one.name, one.config?.tap.ifname, one.now?.ifname, one.down?.ifname].includes(name);
  });
  if (found.length > 0) return found;
  const known = all.map((one) => one.name).join(', ') || 'not known';
  throw new L2vpnError('L2VPN_USAGE', `there is no tunnel "${name}"; tunnels are ${known}`);
}
