/** Which key source a tunnel has: chosen once, when the tunnel is opened. */
import type { TunnelConfig } from '../config/types.ts';
import { L2vpnError } from '../errors.ts';
import { StaticKeys, type StaticKeysContext } from './static.ts';

/** Null without MACsec. */
export function keySourceOf(
  { name, macsec, mka }: TunnelConfig,
  context: StaticKeysContext,
): StaticKeys | null {
  if (macsec === null) return null;
  if (mka !== null) throw new L2vpnError('L2VPN_INTERNAL', `tunnel "${name}": no key source takes "mka"`);
  return new StaticKeys(name, macsec, context);
}
