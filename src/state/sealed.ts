/**
 * How a record becomes a file: JSON for people, with the name of what it is about and an HMAC-SHA256 keyed by the SAK,
 * so that a torn, edited or exchanged file is refused, and nobody without the key can make one. It holds no key. What
 * is stored for a tunnel without MACsec has a plain SHA-256 in its place: proof against accident only.
 */
import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

export const SEAL_VERSION = 2;

export type Fields = Readonly<Record<string, unknown>>;

/** The text of the file for `fields`; `kind` and `name` are what it is about. */
export function seal(kind: string, name: string, fields: Fields, sak: KeyObject | null): string {
  const body = { version: SEAL_VERSION, kind, name, ...fields };
  return `${JSON.stringify({ ...body, mac: macOf(body, sak) })}\n`;
}

/** The fields in `text`, or null unless they are about `kind` and `name` and were sealed with `sak`. */
export function unseal(kind: string, name: string, text: string, sak: KeyObject | null): Fields | null {
  const parsed = parseObject(text);
  if (parsed === null) return null;
  const { mac, ...body } = parsed;
  if (body.version !== SEAL_VERSION || body.kind !== kind || body.name !== name) return null;
  return isMac(mac, macOf(body, sak)) ? fieldsOf(body) : null;
}

/** What a sealed file says, without what `seal` adds. To find the key that it is sealed with; believe nothing before `unseal`. */
export function fieldsOf(sealed: Fields): Fields {
  const { version: _version, kind: _kind, name: _name, mac: _mac, ...fields } = sealed;
  return fields;
}

/** What `text` says before its seal is looked at, or null for what is no JSON object. */
export function parseObject(text: string): Fields | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Fields)
      : null;
  } catch {
    return null;
  }
}

function macOf(body: Fields, sak: KeyObject | null): string {
  const text = JSON.stringify(body);
  if (sak === null) return createHash('sha256').update('l2vpnd state ').update(text).digest('hex');
  return createHmac('sha256', sak).update('l2vpnd state ').update(text).digest('hex');
}

function isMac(mac: unknown, right: string): boolean {
  if (typeof mac !== 'string' || mac.length !== right.length) return false;
  const [a, b] = [Buffer.from(mac, 'latin1'), Buffer.from(right, 'latin1')];
  return a.length === b.length && timingSafeEqual(a, b);
}
