/**
 * Several UDP sockets on one local address and port. The kernel gives a datagram to the socket that is connected to its
 * sender, and only if none is, to one that is connected to nobody.
 */
import { loadAddon } from '../native/load.ts';
import { openUdpSocket, type UdpSettings } from './socket.ts';

/**
 * A socket that others may share its address and port with, and that hears its own address alone: nothing comes from there by
 * a network. Where the port has sockets already, all of them must admit others.
 */
export function openDeafUdpSocket(settings: UdpSettings, place: string): number {
  return openUdpSocket({ ...settings, remote: settings.local }, place);
}

/** Whether other sockets of this user may be bound to the address and port of `fd` while they admit others too. */
export function admitOthers(fd: number, on: boolean): void {
  loadAddon().setReusePort(fd, on);
}

/** The socket hears the peer in `endpoint` (`ports/endpoint.ts`) alone from now on. There is no way back to everybody. */
export function hearOnly(fd: number, endpoint: Uint8Array): void {
  loadAddon().connectUdp(fd, endpoint);
}
