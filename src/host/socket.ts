/** Opening the sockets of the underlay; every failure with its remedy and exit status. */
import { randomInt } from 'node:crypto';
import { type ErrorCode, errnoName, L2vpnError, messageOf } from '../errors.ts';
import type { GreSocketOptions } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import { closeFds } from './close.ts';

/** What the configuration says of the underlay. */
export interface SocketSettings {
  readonly local: string;
  readonly remote: string;
  readonly df: boolean;
  readonly ttl: number;
  readonly tos: number;
}

export interface UdpSettings extends SocketSettings {
  readonly port: number;
}

/** Octets that the kernel may hold for us while a worker is busy; raw sockets drop what comes after. */
export const SOCKET_BUFFER: number = 8 << 20;

function optionsOf(settings: SocketSettings, hdrIncl: boolean): GreSocketOptions {
  const { df, ttl, tos } = settings;
  return { df, ttl, tos, hdrIncl, sndBuf: SOCKET_BUFFER, rcvBuf: SOCKET_BUFFER };
}

/**
 * A raw GRE socket, bound to `local` and connected to `remote`. `place` is where the configuration names them
 * (`tunnels[0].gre`). With `hdrIncl` (IPv4) what is sent brings its own outer header.
 */
export function openGreSocket(settings: SocketSettings, place: string, hdrIncl = false): number {
  try {
    return loadAddon().openGreSocket(settings.local, settings.remote, optionsOf(settings, hdrIncl));
  } catch (cause) {
    throw translate(cause, settings, place);
  }
}

/**
 * A UDP socket for GRE-in-UDP (RFC 8086), bound to `local`:`port`. It hears `remote` only, from any of its ports;
 * where `remote` is `dynamic`, everybody.
 */
export function openUdpSocket(settings: UdpSettings, place: string): number {
  const remote = settings.remote === 'dynamic' ? null : settings.remote;
  try {
    return loadAddon().openUdpSocket(settings.local, remote, settings.port, optionsOf(settings, false));
  } catch (cause) {
    throw translate(cause, settings, place);
  }
}

/** A UDP socket that hears whom no other socket at `local`:`port` hears, and admits others there. */
export function openDoorSocket(settings: UdpSettings, place: string): number {
  try {
    return loadAddon().openDoorSocket(settings.local, settings.port, optionsOf(settings, false));
  } catch (cause) {
    throw translate(cause, settings, place);
  }
}

/** Of dynamic ports (RFC 6335 §6), which RFC 8086 §3.1 wants source ports to be taken from. */
const FIRST_DYNAMIC_PORT = 49_152;
const DYNAMIC_PORTS = 16_384;
/** Ports that somebody else may have, before we give up. */
const SENDER_TRIES = 512;
/** Nobody sends to these sockets, and what comes all the same is read by nobody: the kernel keeps the least that it can. */
const SENDER_RCV_BUFFER = 1;

/** Sockets to send by, and the source port of each. */
export interface UdpSenders {
  readonly fds: readonly number[];
  readonly ports: readonly number[];
}

/**
 * As many sockets to `remote`, which is an address, as `openUdpSocket` opens, each bound to a dynamic port of its own that is
 * taken at random: to send by only.
 */
export function openUdpSenders(settings: UdpSettings, count: number, place: string): UdpSenders {
  const { local, remote } = settings;
  const options = { ...optionsOf(settings, false), rcvBuf: SENDER_RCV_BUFFER };
  const tried = new Set([settings.port]);
  const fds: number[] = [];
  const ports: number[] = [];
  try {
    while (fds.length < count) {
      const port = FIRST_DYNAMIC_PORT + randomInt(DYNAMIC_PORTS);
      if (tried.has(port)) continue;
      tried.add(port);
      try {
        fds.push(loadAddon().openUdpSocket(local, remote, port, options));
        ports.push(port);
      } catch (cause) {
        if (errnoName(cause) !== 'EADDRINUSE' || tried.size > SENDER_TRIES) throw cause;
      }
    }
    return { fds, ports };
  } catch (cause) {
    closeFds(fds);
    throw translate(cause, settings, place, 'sourcePort');
  }
}

/** The MTU of the route from `local` to `remote`, in octets. Sends nothing. */
export function pathMtu(local: string, remote: string, place: string): number {
  try {
    return loadAddon().pathMtu(local, remote);
  } catch (cause) {
    throw translate(cause, { local, remote }, place);
  }
}

/** The address that packets to `remote` leave with by the kernel's routes; null: there is no route. Sends nothing. */
export function sourceTo(remote: string): string | null {
  try {
    return loadAddon().sourceTo(remote);
  } catch {
    return null;
  }
}

/** Whether packets can go from `local` to `remote` now. Sends nothing. */
export function hasRoute(local: string, remote: string): boolean {
  try {
    return loadAddon().pathMtu(local, remote) > 0;
  } catch {
    return false;
  }
}

/** Whether this host has `address`; true where the kernel cannot be asked. Sends nothing. */
export function isLocalAddress(address: string): boolean {
  try {
    loadAddon().pathMtu(address, address);
    return true;
  } catch (error) {
    // EINVAL: the interface that its scope names is gone.
    return !['EADDRNOTAVAIL', 'EINVAL'].includes(errnoName(error));
  }
}

interface Ends {
  readonly local: string;
  readonly remote: string;
  readonly port?: number;
}

/** Ports below are the kernel's to give (`man 7 ip`, ip_unprivileged_port_start). */
const FIRST_FREE_PORT = 1024;

/** `portField`: where the configuration names the port. */
function translate(cause: unknown, ends: Ends, place: string, portField = 'port'): L2vpnError {
  const { local, remote, port } = ends;
  const fail = (code: ErrorCode, text: string): L2vpnError => new L2vpnError(code, text, { cause });
  const message = messageOf(cause);
  switch (errnoName(cause)) {
    case 'EPERM':
    case 'EACCES':
      if (port !== undefined && port < FIRST_FREE_PORT) {
        return fail('L2VPN_PERMISSION', `${place}.${portField}: ${privilegedPort(port, message)}`);
      }
      return fail(
        'L2VPN_PERMISSION',
        `${place}: a raw socket needs CAP_NET_RAW; run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW (${message})`,
      );
    case 'EADDRNOTAVAIL':
      return fail(
        'L2VPN_UNAVAILABLE',
        `${place}.local: ${local} is not an address of this host (see "ip addr")`,
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
      return fail('L2VPN_UNAVAILABLE', `${place}.remote: no route to ${remote} (${message}); see "ip route"`);
    case 'EADDRINUSE':
      return fail(
        'L2VPN_UNAVAILABLE',
        `${place}.${portField}: another program holds it at ${local} (${message})`,
      );
    case 'EAFNOSUPPORT':
      return fail('L2VPN_UNAVAILABLE', `${place}: this host has no such address family (${message})`);
    default:
      return fail('L2VPN_SYSTEM', `${place}: ${message}`);
  }
}

/** Why `port` cannot be had, for whoever gave up CAP_NET_BIND_SERVICE. */
export function privilegedPort(port: number, message: string): string {
  return `ports below ${FIRST_FREE_PORT} need CAP_NET_BIND_SERVICE, which l2vpnd gives up (${message}); take a higher one, or run sysctl net.ipv4.ip_unprivileged_port_start=${port}`;
}
