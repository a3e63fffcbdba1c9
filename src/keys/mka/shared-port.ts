/** What the participants of a port, one per CAK, have in common. */
import type { MkaEvent } from './events.ts';
import type { InstalledSak } from './installed-sak.ts';
import type { RandomSource } from './keys.ts';
import type { PortKeys } from './port-keys.ts';
import type { MkaSettings } from './settings.ts';

export interface SharedPort {
  readonly settings: MkaSettings;
  readonly keys: PortKeys;
  readonly random: RandomSource;
  /** When the last SAK was made here; minus infinity: never. */
  lastSakMs: number;
  /** All members transmit with the latest SAK. */
  readonly isSettled: boolean;
  /** Three quarters of the packet numbers that this end has with the latest SAK are used. */
  readonly isPnLow: boolean;
  /** What is told to peers that are l2vpnds: so many milliseconds between two hellos are enough when all is calm. */
  readonly calmHelloMs: number;
  /** The lowest PN to report for a SAK. */
  lowestPn(installed: InstalledSak, nowMs: number): bigint;
  tell(event: MkaEvent): void;
}
