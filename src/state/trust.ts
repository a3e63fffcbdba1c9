/**
 * May the state directory be believed? Not where somebody else could exchange a file in it: an old file put back would
 * make packet numbers repeat.
 */
import { resolve } from 'node:path';
import { L2vpnError, messageOf } from '../errors.ts';
import { distrustOf } from '../host/trusted-path.ts';
import type { StateFs } from './disk.ts';

/** Throws L2VPN_STATE where others could exchange what lies in `dir`, or where that cannot be said. */
export async function requireTrusted(fs: StateFs, dir: string): Promise<void> {
  const path = resolve(dir);
  const distrust = await distrustOf(path, fs).catch((cause: unknown) => {
    const text = `stateDir ${path} cannot be looked at: ${messageOf(cause)}`;
    throw new L2vpnError('L2VPN_STATE', text, { cause });
  });
  if (distrust === null) return;
  const { what, remedy } = distrust;
  const text = `stateDir ${path} cannot be trusted: ${what}, so packet numbers in it could be set back; ${remedy}`;
  throw new L2vpnError('L2VPN_STATE', text);
}
