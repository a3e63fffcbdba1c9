/**
 * What a daemon hands on to the one that takes its place, as octets: v8's structured clone, which knows 64-bit integers and
 * maps, with keys as their octets. Those are in memory only (`host/memory-file.ts`), and cleared when they have been read.
 */
import { createSecretKey, KeyObject } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { L2vpnError } from '../errors.ts';
import type { HandedKeys } from '../keys/key-source.ts';
import type { HandedPeerLink } from '../keys/peer-link.ts';
import type { HandedDoors } from '../tunnel/shared-ports.ts';
import type { HandedTunnel } from '../tunnel/tunnel.ts';

/** Of what is below, all of it. Another one is not understood: raise it with any change. */
export const HAND_OVER_VERSION = 1;

/** A tunnel and who decides its SAs. */
export interface HandedWhole {
  readonly tunnel: HandedTunnel;
  readonly keys: HandedKeys | null;
  readonly link: HandedPeerLink | null;
}

/** Descriptors in it are places in the list that goes beside it. */
export interface HandedState {
  readonly version: number;
  readonly tunnels: readonly HandedWhole[];
  readonly doors: HandedDoors;
}

/** Marks the octets of a key. */
const KEY = 'l2vpnd key';

/** Holds keys: the caller clears it. */
export function encodeState(state: HandedState): Buffer {
  const keys: Buffer[] = [];
  try {
    return serialize(
      mapDeep(state, (value) => (value instanceof KeyObject ? marked(value, keys) : undefined)),
    );
  } finally {
    for (const octets of keys) octets.fill(0);
  }
}

/** Clears `octets`. Throws L2VPN_UNAVAILABLE for those of another version. */
export function decodeState(octets: Buffer): HandedState {
  try {
    const state = deserialize(octets) as HandedState;
    if (state.version !== HAND_OVER_VERSION) throw otherVersion(state.version);
    return mapDeep(state, unmarked) as HandedState;
  } finally {
    octets.fill(0);
  }
}

export function otherVersion(version: number): L2vpnError {
  const text = `the other l2vpnd hands over by version ${version}, and this one by ${HAND_OVER_VERSION}: a restart is needed, which interrupts the traffic for a moment`;
  return new L2vpnError('L2VPN_UNAVAILABLE', text);
}

function marked(key: KeyObject, keys: Buffer[]): object {
  const octets = key.export();
  keys.push(octets);
  return { [KEY]: octets };
}

/** A key of its octets; and arrays that lie in the octets that are about to be cleared are copied. */
function unmarked(value: object): KeyObject | ArrayBufferView | undefined {
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice();
  const octets = (value as Record<string, unknown>)[KEY];
  if (!(octets instanceof Uint8Array)) return undefined;
  const key = createSecretKey(octets);
  octets.fill(0);
  return key;
}

/** A copy in which `replaced` takes the place of each object that it gives another one for. */
function mapDeep(value: unknown, replaced: (value: object) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const other = replaced(value);
  if (other !== undefined) return other;
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((one) => mapDeep(one, replaced));
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, mapDeep(one, replaced)]));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapDeep(one, replaced)]));
}
