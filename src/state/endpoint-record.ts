/**
 * Where a dynamic peer was last heard, so that a restart can speak first. What cannot be believed counts as nothing: the
 * peer is then learned again from its next authentic frame.
 */
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { messageOf } from '../errors.ts';
import { pnFromJson, pnToJson } from '../macsec/pn-json.ts';
import { notStored } from './faults.ts';
import { type Fields, seal, unseal } from './sealed.ts';
import type { StateDir } from './state-dir.ts';
import { tunnelFileName } from './tunnel-file.ts';

export interface StoredEndpoint {
  /** IPv4 or IPv6. */
  address: string;
  port: number;
  /** Frames below this PN must not move the peer to another address: they may be recorded ones. */
  lowestPn: bigint;
}

/** Durable when it resolves. `sak`: a receive key of the tunnel. Rejects with L2VPN_STATE. */
export async function saveEndpoint(
  dir: StateDir,
  tunnel: string,
  { address, port, lowestPn }: StoredEndpoint,
  sak: KeyObject,
): Promise<void> {
  const file = dir.file(tunnelFileName(tunnel, 'endpoint'));
  try {
    await file.put(seal('endpoint', tunnel, { address, port, lowestPn: pnToJson(lowestPn) }, sak));
  } catch (cause) {
    throw notStored('the endpoint of a peer', file.path, cause);
  }
}

/** What was stored, and with which of the keys. */
export interface LoadedEndpoint extends StoredEndpoint {
  readonly sak: KeyObject;
}

/** Sealed with one of `saks`. Null where none is stored, or none that can be believed (said as an event). */
export async function loadEndpoint(
  dir: StateDir,
  tunnel: string,
  saks: readonly KeyObject[],
): Promise<LoadedEndpoint | null> {
  const name = tunnelFileName(tunnel, 'endpoint');
  try {
    const text = await dir.read(name);
    if (text === null) return null;
    for (const sak of saks) {
      const endpoint = parseEndpoint(unseal('endpoint', tunnel, text, sak));
      if (endpoint === null) continue;
      dir.file(name).found(text);
      return { ...endpoint, sak };
    }
    throw new Error('it is corrupt, or sealed with another key');
  } catch (error) {
    const path = `${dir.path}/${name}`;
    const message = `the stored endpoint in ${path} is not used: ${messageOf(error)}; the peer must speak first`;
    dir.onEvent({ kind: 'ignored', level: 'warn', message, path });
    return null;
  }
}

function parseEndpoint(fields: Fields | null): StoredEndpoint | null {
  const { address, port } = fields ?? {};
  const lowestPn = pnFromJson(fields?.lowestPn);
  if (typeof address !== 'string' || isIP(address) === 0) return null;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 0xffff) return null;
  return lowestPn === null ? null : { address, port, lowestPn };
}
