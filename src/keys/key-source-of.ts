/** Which key source a tunnel has: chosen once, when the tunnel is opened. */
import type { TunnelConfig } from '../config/types.ts';
import { AgreedKeys } from './agreed.ts';
import type { HandedKeys, KeySource, RunningSas } from './key-source.ts';
import { StaticKeys, type StaticKeysContext } from './static.ts';

/** What the sources of all tunnels share. */
export type KeySourceContext = StaticKeysContext;

/**
 * Null without MACsec. `running`: the SAs that a source before it has left; null: those of the file. `handed`: what one in
 * another process has left.
 */
export function keySourceOf(
  { name, macsec, mka }: TunnelConfig,
  running: RunningSas | null,
  context: KeySourceContext,
  handed: HandedKeys | null = null,
): KeySource | null {
  if (macsec === null) return null;
  if (mka !== null) return new AgreedKeys(name, mka, macsec, context, handed);
  return new StaticKeys(name, running ?? { sas: macsec, filed: null }, context);
}
