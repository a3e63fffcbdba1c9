/**
 * The transmit lane, TAP to wire, a batch at a time (3a and 3b only where the configuration wants them):
 *   1. `tap.receive`      as many frames as there are packet numbers for; IPv4 that may be fragmented fits (FragmentingPort)
 *   2. runts are dropped  (nothing below an Ethernet header can be protected)
 *   3. `clampMss`         the MSS of TCP's SYNs is lowered to what the tunnel carries
 *   3a. `flows.spread`    which source port each frame leaves by, and the frames in the order of their ports
 *   3b. `noteTrafficClass`  DSCP and ECN of the inner packet, for the outer header
 *   4. `protect`          SecTAG, PN, AEAD seal; or, in clear, the length check alone
 *   5. `encap.push`       the headers of the encapsulation
 *   6. `wire.send`        what the socket does not take now waits, and nothing more is read from the TAP
 *   7. answers            a dropped frame may be turned into a reply that goes back into the TAP
 */
import type { Encap } from '../encap/encap.ts';
import { slots } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import type { LaneCounters } from '../frame/lane-counters.ts';
import { dropTooLong, protect, protectable } from '../macsec/protect.ts';
import type { SecY } from '../macsec/secy.ts';
import type { FramePort } from '../ports/frame-port.ts';
import type { Answers } from './answers.ts';
import type { FlowSpread } from './flows.ts';
import { BatchLane } from './lane.ts';
import type { LaneMtu } from './lane-mtu.ts';
import { clampMss, type MssClamp } from './mss-clamp.ts';
import { dropRunts } from './runts.ts';
import { noteTrafficClass } from './traffic-class.ts';
import { type Workspace, Workspaces } from './workspace.ts';

export interface TransmitLaneOptions {
  readonly tap: FramePort;
  readonly wire: FramePort;
  readonly encap: Encap;
  /** Null: plain GRETAP, in clear. */
  readonly secy: SecY | null;
  /** What the lane carries. */
  readonly mtu: LaneMtu;
  /** What TCP is told of it; absent: nothing. */
  readonly mssClamp?: MssClamp;
  /** The outer header gets the class of the inner packet; absent: not. */
  readonly inheritsTos?: boolean;
  /** Spreads the flows over source ports; null or absent: nobody does. */
  readonly flows?: FlowSpread | null;
  /** The longest frame that the TAP may give. */
  readonly maxFrameLen: number;
  readonly counters: LaneCounters;
  readonly workspaces?: Workspaces;
  /** Who answers frames that are dropped; absent: nobody. */
  readonly answers?: Answers;
}

export class TransmitLane extends BatchLane {
  readonly mtu: LaneMtu;
  readonly #options: TransmitLaneOptions;
  readonly #mssClamp: MssClamp;
  readonly #inheritsTos: boolean;
  readonly #flows: FlowSpread | null;

  constructor(options: TransmitLaneOptions) {
    const { tap, wire, counters, maxFrameLen, workspaces = new Workspaces() } = options;
    super(tap, wire, { counters, workspaces, layout: slots(maxFrameLen), maxLen: maxFrameLen });
    this.#options = options;
    this.mtu = options.mtu;
    this.#mssClamp = options.mssClamp ?? false;
    this.#inheritsTos = options.inheritsTos ?? false;
    this.#flows = options.flows ?? null;
  }

  protected override most(capacity: number): number {
    const { secy } = this.#options;
    return secy === null ? capacity : Math.min(capacity, protectable(secy));
  }

  /** The rest of a super-frame is at hand without the descriptor saying so: only a batch with room left is the last. */
  protected override mayHaveMore(received: number, most: number): boolean {
    return received === most;
  }

  protected override work({ batch, job }: Workspace): void {
    const { secy, encap } = this.#options;
    dropRunts(batch, Drop.TapRunt);
    clampMss(batch, this.#mssClamp, this.mtu.inner);
    if (this.#flows !== null) this.#flows.spread(batch);
    if (this.#inheritsTos) noteTrafficClass(batch);
    if (secy === null) dropTooLong(batch, this.mtu.lowerMtu);
    else protect(secy, batch, job, this.mtu.lowerMtu);
    encap.push(batch);
  }

  protected override sent({ batch }: Workspace): void {
    this.#options.answers?.to(batch, this.#options.tap);
  }

  override close(): void {
    super.close();
    this.#options.secy?.keyring.close();
  }
}
