/** Descriptors that the main thread has opened, as ports of the worker that runs their lanes. */
export { wrapGreSocket } from './raw-socket-port.ts';
export { type TapOptions, wrapTap } from './tap-port.ts';
export { wrapUdpSocket } from './udp-socket-port.ts';
