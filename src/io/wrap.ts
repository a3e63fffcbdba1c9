/** Descriptors that the main thread has opened, as ports of the worker that runs their lanes. */
export { wrapGreSocket, wrapGreSocket as wrapUdpSocket } from './gre-socket-port.ts';
export { wrapTap } from './tap-port.ts';
