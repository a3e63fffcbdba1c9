/** What an export is made of: files, and what they do not say. */
import { L2vpnError } from '../errors.ts';
import type { Remark } from './kernel-site.ts';

export interface ExportedFile {
  readonly name: string;
  readonly text: string;
}

export interface Exported {
  /** More than one stand in a directory. */
  readonly files: readonly ExportedFile[];
  readonly remarks: readonly Remark[];
}

/** Why `format` cannot have the tunnel. */
export function cannotSay(name: string, format: string, why: string): L2vpnError {
  return new L2vpnError('L2VPN_CONFIG', `tunnel "${name}" cannot be said as ${format}: ${why}`);
}

/** A word as a POSIX shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
