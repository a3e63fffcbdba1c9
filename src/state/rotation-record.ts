/**
 * What the last rotation of a tunnel has installed, so that a restart goes on with it and not with the keys that it
 * replaced. It names key files, never keys; each SA also has the identifier of its channel (`channelId`), which no other
 * key has, so that a key file whose content was exchanged is noticed. Sealed with the key of the encoding SA.
 */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { L2vpnError } from '../errors.ts';
import { notRead, notStored } from './faults.ts';
import { channelId } from './pn-channel.ts';
import { type Fields, fieldsOf, parseObject, seal, unseal } from './sealed.ts';
import type { StateDir } from './state-dir.ts';
import { tunnelFileName } from './tunnel-file.ts';

const WHAT = 'a rotation';

export interface RotatedSa {
  an: number;
  keyId: string;
  /** Absolute; null: the key stands in the configuration. */
  keyFile: string | null;
  /** XPN only; `salt` as 24 hex digits. */
  ssci: number | null;
  salt: string | null;
  /** `channelId` of key and SCI. */
  channel: string;
}

/** A rotation that has not ended. */
export interface PendingRotation {
  /** Of the new SAs. */
  an: number;
  /** The RxSC whose key changes: 16 hex digits. */
  sci: string;
  /** Transmit has moved to the new SA. */
  moved: boolean;
  graceMs: number;
  /** How long transmit may be ahead of the peer; 0: for ever. */
  backMs: number;
  /** The AN that transmit goes back to. */
  before: number;
}

export interface RotationRecord {
  /** The own one, 16 hex digits. */
  sci: string;
  encodingSa: number;
  txSa: RotatedSa[];
  rxSc: { sci: string; sa: RotatedSa[] }[];
  /** `channelId` of each SA of the configuration that this stands in for: for another configuration it is nothing. */
  replaces: string[];
  /** Null: it has ended. */
  pending: PendingRotation | null;
}

/** Reads the key file of an SA; throws L2vpnError. */
export type ReadKey = (sa: RotatedSa) => KeyObject;

const hex = (digits: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const SA: z.ZodType<RotatedSa> = z.strictObject({
  an: z.int().min(0).max(3),
  keyId: z.string().regex(/^([0-9a-f]{2}){1,16}$/),
  keyFile: z.string().startsWith('/').max(4096).nullable(),
  ssci: z.int().min(0).max(0xffffffff).nullable(),
  salt: hex(24).nullable(),
  channel: hex(32),
});
const SAS: z.ZodType<RotatedSa[]> = z
  .array(SA)
  .max(4)
  .refine((list) => new Set(list.map(({ an }) => an)).size === list.length);
const AN = z.int().min(0).max(3);
const PENDING: z.ZodType<PendingRotation> = z.strictObject({
  an: AN,
  sci: hex(16),
  moved: z.boolean(),
  graceMs: z.number().min(0),
  backMs: z.number().min(0),
  before: AN,
});
const RECORD: z.ZodType<RotationRecord> = z
  .strictObject({
    sci: hex(16),
    encodingSa: z.int().min(0).max(3),
    txSa: SAS,
    rxSc: z.array(z.strictObject({ sci: hex(16), sa: SAS })),
    replaces: z.array(hex(32)),
    pending: PENDING.nullable(),
  })
  .refine(({ encodingSa, txSa }) => txSa.some(({ an }) => an === encodingSa));

/** Durable when it resolves. `readKey` gives the key to seal with. Rejects with L2VPN_STATE. */
export async function saveRotation(
  dir: StateDir,
  tunnel: string,
  record: RotationRecord,
  readKey: ReadKey,
): Promise<void> {
  const fields = RECORD.parse(record);
  const file = dir.file(tunnelFileName(tunnel, 'rotation'));
  try {
    await file.put(seal('rotation', tunnel, { ...fields }, readKey(encoding(fields))));
  } catch (cause) {
    throw notStored(WHAT, file.path, cause);
  }
}

/**
 * The record of `tunnel`, or null where there is none. Throws L2VPN_STATE for what cannot be believed, and where a key
 * file has another key than it had; what `readKey` throws passes.
 */
export async function loadRotation(
  dir: StateDir,
  tunnel: string,
  readKey: ReadKey,
): Promise<RotationRecord | null> {
  const name = tunnelFileName(tunnel, 'rotation');
  const path = `${dir.path}/${name}`;
  const text = await dir.read(name).catch((cause) => {
    throw notRead(WHAT, path, cause);
  });
  if (text === null) return null;
  const record = parseRecord(parseObject(text));
  if (record === null) throw corrupt(tunnel, path);
  for (const { sa, sci } of sasOf(record)) requireSameKey(sa, sci, readKey(sa), path);
  if (unseal('rotation', tunnel, text, readKey(encoding(record))) === null) throw corrupt(tunnel, path);
  dir.file(name).found(text);
  return record;
}

export async function clearRotation(dir: StateDir, tunnel: string): Promise<void> {
  const file = dir.file(tunnelFileName(tunnel, 'rotation'));
  try {
    await file.remove();
  } catch (cause) {
    throw notStored('the end of a rotation', file.path, cause);
  }
}

function parseRecord(sealed: Fields | null): RotationRecord | null {
  if (sealed === null) return null;
  const parsed = RECORD.safeParse(fieldsOf(sealed));
  return parsed.success ? parsed.data : null;
}

function encoding({ txSa, encodingSa }: RotationRecord): RotatedSa {
  return txSa.find(({ an }) => an === encodingSa)!;
}

function sasOf({ sci, txSa, rxSc }: RotationRecord): { sa: RotatedSa; sci: string }[] {
  return [
    ...txSa.map((sa) => ({ sa, sci })),
    ...rxSc.flatMap((sc) => sc.sa.map((sa) => ({ sa, sci: sc.sci }))),
  ];
}

function requireSameKey(
  { channel, ssci, keyId, keyFile }: RotatedSa,
  sci: string,
  sak: KeyObject,
  path: string,
): void {
  if (channelId({ sak, sci, ssci, keyId }) === channel) return;
  const text =
    `${keyFile === null ? 'the configuration' : `key file ${keyFile}`} holds another key than the key ${keyId} that a rotation installed (${path}): put that key ` +
    'back, or write the keys to use into the configuration and delete the record';
  throw new L2vpnError('L2VPN_STATE', text);
}

function corrupt(tunnel: string, path: string): L2vpnError {
  const text =
    `the record of the last rotation of tunnel "${tunnel}" in ${path} is corrupt: write the keys in use at both ends ` +
    'into the configuration and delete it; the keys that it replaced must not be used again';
  return new L2vpnError('L2VPN_STATE', text);
}
