/** Opening a TAP device and setting it up; every failure with its remedy and exit status. */
import { type ErrorCode, errnoName, L2vpnError, messageOf } from '../errors.ts';
import { loadAddon } from '../native/load.ts';

export interface TapSettings {
  readonly ifname: string;
  /** `aa:bb:cc:dd:ee:ff`, or null: the kernel's random one. */
  readonly mac: string | null;
  readonly mtu: number;
  readonly bridge: string | null;
  readonly queues: number;
  /** false: it begins without carrier, and has none at any time before `setCarrier`. */
  readonly carrier: boolean;
}

export interface OpenTap {
  /** One descriptor per queue. The interface goes with the last of them. */
  readonly fds: readonly number[];
  /**
   * The descriptor to write to: the only queue; or, where there are several, one beside them that gets no frames.
   * From what is written to a queue the kernel learns which flows belong to it, so that a receive lane that wrote
   * to the first of several would draw every flow there.
   */
  readonly writeFd: number;
  /** The MAC that it has. */
  readonly mac: string;
  readonly ifindex: number;
}

/**
 * Makes the TAP `settings.ifname`, sets MAC and MTU, puts it into the bridge and brings it up. `place` is where
 * the configuration names it (`tunnels[0].tap`); `joined` is called between the bridge and up. Throws `L2vpnError`; nothing is left open then.
 */
export function openTap(
  settings: TapSettings,
  place: string,
  joined: (ifindex: number) => void = () => {},
): OpenTap {
  const addon = loadAddon();
  const opened: number[] = [];
  try {
    refuseNameInUse(settings, place);
    for (let i = 0; i < settings.queues; i++) opened.push(openQueue(settings, place, i === 0));
    const fds = [...opened];
    const writeFd = settings.queues === 1 ? fds[0]! : openQueue(settings, place, false);
    if (settings.queues > 1) {
      opened.push(writeFd);
      addon.detachTapQueue(writeFd);
    }
    if (!settings.carrier) takeCarrier(fds[0]!, place);
    configure(settings, place, joined);
    const { mac, index } = addon.linkInfo(settings.ifname);
    return { fds, writeFd, mac, ifindex: index };
  } catch (error) {
    for (const fd of opened) addon.closeFd(fd);
    throw error instanceof L2vpnError ? error : translate(error, settings, place);
  }
}

/** Gives the TAP of the queue `fd` its carrier, or takes it. Throws SystemError. */
export function setCarrier(fd: number, up: boolean): void {
  loadAddon().setTapCarrier(fd, up);
}

function takeCarrier(fd: number, place: string): void {
  try {
    setCarrier(fd, false);
  } catch (cause) {
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `${place}.carrier: this kernel cannot take the carrier of a TAP (${messageOf(cause)}); Linux 5.0 can; set "up"`,
      { cause },
    );
  }
}

/** TUNSETIFF would attach to a persistent TAP of that name, or say EINVAL for any other interface. */
function refuseNameInUse(settings: TapSettings, place: string): void {
  try {
    loadAddon().linkInfo(settings.ifname);
  } catch (error) {
    if (errnoName(error) === 'ENODEV') return;
    throw error;
  }
  throw nameInUse(settings, place);
}

function nameInUse(settings: TapSettings, place: string, cause?: unknown): L2vpnError {
  return new L2vpnError(
    'L2VPN_CANTCREATE',
    `${place}.ifname: there is an interface "${settings.ifname}" already; stop what made it or take another name`,
    { cause },
  );
}

function openQueue(settings: TapSettings, place: string, isFirst: boolean): number {
  try {
    return loadAddon().openTap(settings.ifname, settings.queues > 1, isFirst);
  } catch (error) {
    throw translate(error, settings, place);
  }
}

function configure(settings: TapSettings, place: string, joined: (ifindex: number) => void): void {
  const addon = loadAddon();
  const { ifname, mac, mtu, bridge } = settings;
  if (mac !== null) addon.setLinkMac(ifname, Buffer.from(mac.replaceAll(':', ''), 'hex'));
  changeTapMtu(ifname, mtu, place);
  if (bridge !== null) {
    joinBridge(bridge, ifname, place);
    joined(addon.linkInfo(ifname).index);
  }
  addon.setLinkUp(ifname, true);
}

/** Throws L2VPN_CONFIG where it does not take it. */
export function changeTapMtu(ifname: string, mtu: number, place: string): void {
  try {
    loadAddon().setLinkMtu(ifname, mtu);
  } catch (cause) {
    throw new L2vpnError(
      'L2VPN_CONFIG',
      `${place}: ${ifname} does not take an MTU of ${mtu} (${messageOf(cause)})`,
      { cause },
    );
  }
}

/** Out of one bridge and into another; null: none. Throws L2vpnError; it is in `from` again then. */
export function moveTap(ifname: string, from: string | null, to: string | null, place: string): void {
  if (from !== null) leaveBridge(from, ifname);
  if (to === null) return;
  try {
    joinBridge(to, ifname, place);
  } catch (error) {
    if (from !== null) joinBridge(from, ifname, place);
    throw error;
  }
}

function leaveBridge(bridge: string, ifname: string): void {
  try {
    loadAddon().takeFromBridge(bridge, ifname);
  } catch {
    // Somebody has taken it out, or the bridge away.
  }
}

/** Throws L2VPN_UNAVAILABLE where `bridge` is not there: it may still come. */
export function requireBridge(bridge: string, place: string): void {
  try {
    loadAddon().linkInfo(bridge);
  } catch (cause) {
    if (errnoName(cause) === 'ENODEV') throw missingBridge(bridge, place, cause);
  }
}

function missingBridge(bridge: string, place: string, cause: unknown): L2vpnError {
  const text = `${place}.bridge: "${bridge}": there is no such interface; make it with "ip link add … type bridge"`;
  return new L2vpnError('L2VPN_UNAVAILABLE', text, { cause, waitsFor: `bridge ${bridge}` });
}

function joinBridge(bridge: string, ifname: string, place: string): void {
  try {
    loadAddon().addToBridge(bridge, ifname);
  } catch (cause) {
    const errno = errnoName(cause);
    if (errno === 'ENODEV') throw missingBridge(bridge, place, cause);
    const noBridge = errno === 'EOPNOTSUPP' || errno === 'EINVAL' ? 'that interface is not a bridge' : '';
    const text = `${place}.bridge: "${bridge}": ${noBridge || messageOf(cause)}`;
    throw new L2vpnError('L2VPN_UNAVAILABLE', text, { cause });
  }
}

const NO_TUN = 'load the module (modprobe tun), or give the container the device (--device /dev/net/tun)';

function translate(cause: unknown, settings: TapSettings, place: string): L2vpnError {
  const { ifname } = settings;
  const fail = (code: ErrorCode, text: string): L2vpnError => new L2vpnError(code, text, { cause });
  const errno = errnoName(cause);
  const message = messageOf(cause);
  const atDevice = message.includes('/dev/net/tun');
  if (atDevice && errno !== 'EPERM' && errno !== 'EACCES') {
    return fail('L2VPN_UNAVAILABLE', `/dev/net/tun cannot be opened (${message}): ${NO_TUN}`);
  }
  if (atDevice) {
    const text = `/dev/net/tun cannot be opened (${message}): run chmod 666 /dev/net/tun, as udev does; the capability is asked for besides`;
    return fail('L2VPN_PERMISSION', text);
  }
  if (errno === 'EPERM' || errno === 'EACCES') {
    return fail(
      'L2VPN_PERMISSION',
      `${place}: making TAP "${ifname}" needs CAP_NET_ADMIN; run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW (${message})`,
    );
  }
  if (errno === 'EBUSY' || errno === 'EEXIST') return nameInUse(settings, place, cause);
  if (errno === 'EINVAL' && message.includes('TUNSETIFF')) {
    return fail(
      'L2VPN_CANTCREATE',
      `${place}.ifname: the kernel refuses a TAP named "${ifname}" (${message})`,
    );
  }
  if (errno === 'EADDRNOTAVAIL') {
    return fail('L2VPN_CONFIG', `${place}.mac: ${settings.mac} is not a unicast MAC address (${message})`);
  }
  return fail('L2VPN_SYSTEM', `${place}: TAP "${ifname}": ${message}`);
}
