/** Who decides the SAs of a tunnel: the file, with the rotations ordered by hand (`static.ts`); a key agreement protocol. */
import type { MkaConfig } from '../config/types.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import type { SaSet } from '../tunnel/sa-set.ts';

export interface KeySource {
  /** What its peers send it by the Uncontrolled Port; empty: nothing. */
  readonly etherTypes: readonly number[];
  /**
   * Called once, before the tunnel has TAP and lanes. SAs may be installed now or at any time later; when this resolves
   * the tunnel is opened. `port` carries frames between the key sources of both ends; null where the tunnel has none.
   * Throws L2vpnError; the tunnel is not opened then.
   */
  start(sas: SaControl, port: UncontrolledPort | null): Promise<void>;
  /**
   * The file has changed, in the caller's turn: `file` are the SAs that it names, `mka` its key agreement. Throws
   * L2vpnError, with everything as it was.
   */
  reload(file: SaSet, mka: MkaConfig | null): Promise<void>;
  /** Orders nothing more from now on; SAs stay as they are. */
  stop(): void;
}
