/**
 * The file of a channel's numbers. Version 1, of earlier releases, had a checksum without a key: it is read, since an
 * update must not repeat numbers, and is written as version 2 with the next number.
 */
import { createHash } from 'node:crypto';
import { pnFromJson, pnToJson } from '../macsec/pn-json.ts';
import { channelId, type PnChannel } from './pn-channel.ts';
import { type Fields, parseObject, seal, unseal } from './sealed.ts';

export type PnKind = 'tx' | 'rx';

export function pnFileName(channel: PnChannel, kind: PnKind): string {
  return `${channelId(channel)}.${kind}.json`;
}

/** `pn`: transmit: the first that was never granted; receive: the lowest that is still acceptable. SCI and key id are for people. */
export function formatPn(channel: PnChannel, kind: PnKind, pn: bigint): string {
  const { sak, sci, keyId } = channel;
  return seal(kind, channelId(channel), { sci, keyId, pn: pnToJson(pn) }, sak);
}

/** The number in `text`, or null for what cannot be believed. `legacy`: version 1 will do. */
export function parsePn(text: string, channel: PnChannel, kind: PnKind, legacy: boolean): bigint | null {
  const sealed = unseal(kind, channelId(channel), text, channel.sak);
  const fields = sealed ?? (legacy ? readVersion1(text, pnFileName(channel, kind)) : null);
  return fields === null ? null : pnFromJson(fields.pn);
}

function readVersion1(text: string, name: string): Fields | null {
  const fields = parseObject(text);
  if (fields === null || fields.version !== 1) return null;
  const checked = JSON.stringify([1, name, fields.sci, fields.keyId, fields.pn]);
  const checksum = createHash('sha256').update(checked).digest('hex').slice(0, 16);
  return fields.checksum === checksum ? fields : null;
}
