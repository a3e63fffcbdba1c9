/**
 * Where a UDP peer is: its address and port, in shared memory that every lane of a tunnel sees. Where `gre.remote` is
 * dynamic, the receive lane writes it, by what it has learned of authentic frames, and so does the main thread, by what its
 * key source has learned of the Uncontrolled Port's.
 */
import { loadAddon } from '../native/load.ts';

export const ENDPOINT_LEN: number = loadAddon().constants.ENDPOINT_LEN;

/** Shared memory for a peer's address: `remote`:`port`, or unknown as yet where `remote` is null. */
export function createEndpoint(remote: string | null, port: number): Uint8Array {
  const endpoint = new Uint8Array(new SharedArrayBuffer(ENDPOINT_LEN));
  if (remote !== null) loadAddon().setEndpoint(endpoint, remote, port);
  return endpoint;
}

/** Sends what follows to where `from` says; returns whether that is another place than before. */
export function moveEndpoint(endpoint: Uint8Array, from: Uint8Array): boolean {
  return loadAddon().copyEndpoint(endpoint, from);
}

/** Address and port, or null while the peer is unknown. */
export function endpointAddress(endpoint: Uint8Array): { address: string; port: number } | null {
  const text = endpointText(endpoint);
  if (text === null) return null;
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

/** What an endpoint was last printed as, by its sequence number: thousands of them are looked at once a second. */
interface Printed {
  readonly sequence: Int32Array;
  at: number;
  text: string | null;
}

const printed = new WeakMap<Uint8Array, Printed>();

/** `192.0.2.1:4754`, or null while the peer is unknown. */
export function endpointText(endpoint: Uint8Array): string | null {
  let known = printed.get(endpoint);
  if (known === undefined) {
    known = { sequence: new Int32Array(endpoint.buffer, endpoint.byteOffset, 1), at: -1, text: null };
    printed.set(endpoint, known);
  }
  // Odd while it is written (`native/endpoint.c`).
  const sequence = Atomics.load(known.sequence, 0);
  if (sequence !== known.at) {
    const text = loadAddon().endpointText(endpoint);
    const isSettled = (sequence & 1) === 0 && Atomics.load(known.sequence, 0) === sequence;
    known.at = isSettled ? sequence : -1;
    known.text = text;
  }
  return known.text;
}
