/**
 * The receive lane, wire to TAP, a batch at a time:
 *   1. `wire.receive`     packets
 *   2. `encap.pull`       the headers of the encapsulation are checked and taken off
 *   3. uncontrolled port  frames for the control plane leave here, untouched and untrusted
 *   4. `validate`         SecTAG, AEAD open, replay; nothing before it is trusted
 *   4a. `takeOverEcn`     only where the configuration wants it: the path's congestion mark goes into the inner packet
 *   5. `clampMss`         the MSS of TCP's SYNs is lowered to what the tunnel carries
 *   6. `tap.send`         what the TAP does not take now waits, and nothing more is read from the wire
 */
import type { Encap } from '../encap/encap.ts';
import { slots } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { type LaneCounters, Traffic } from '../frame/lane-counters.ts';
import type { SecY } from '../macsec/secy.ts';
import { validate } from '../macsec/validate.ts';
import type { FramePort } from '../ports/frame-port.ts';
import { BatchLane } from './lane.ts';
import type { LaneMtu } from './lane-mtu.ts';
import { clampMss, type MssClamp } from './mss-clamp.ts';
import { dropRunts } from './runts.ts';
import type { StrayEntry } from './strays.ts';
import { takeOverEcn } from './traffic-class.ts';
import type { UncontrolledEntry } from './uncontrolled.ts';
import { type Workspace, Workspaces } from './workspace.ts';

export interface ReceiveLaneOptions {
  readonly tap: FramePort;
  readonly wire: FramePort;
  readonly encap: Encap;
  /** Null: plain GRETAP, in clear. */
  readonly secy: SecY | null;
  /** What the tunnel carries the other way, as far as this end knows. */
  readonly mtu: LaneMtu;
  /** What TCP is told of it; absent: nothing. */
  readonly mssClamp?: MssClamp;
  /** The inner packet gets the congestion mark of the outer header; absent: not. */
  readonly inheritsTos?: boolean;
  /** The longest packet that the wire may give. */
  readonly maxPacketLen: number;
  /**
   * The peer may move (`gre.remote` is dynamic): packets go to where the newest authentic frame came from. A frame
   * sent again, or late, has no say in it, whatever the configuration lets pass. Null or absent: it does not move.
   */
  readonly learn?: ((frame: number) => void) | null;
  readonly counters: LaneCounters;
  readonly workspaces?: Workspaces;
  /** Which frames the control plane takes; absent: none. */
  readonly uncontrolled?: UncontrolledEntry;
  /** Where frames go that name another tunnel of the same port; null or absent: nowhere. */
  readonly strays?: StrayEntry | null;
}

/** After so many packets at once it is likely that more have come meanwhile: worth a read that may find none. */
const MANY = 16;

export class ReceiveLane extends BatchLane {
  readonly mtu: LaneMtu;
  readonly #options: ReceiveLaneOptions;
  readonly #mssClamp: MssClamp;
  readonly #inheritsTos: boolean;

  constructor(options: ReceiveLaneOptions) {
    const { tap, wire, counters, maxPacketLen, workspaces = new Workspaces() } = options;
    const layout = wire.receiveLayout ?? slots(maxPacketLen);
    super(wire, tap, { counters, workspaces, layout, maxLen: maxPacketLen });
    this.#options = options;
    this.mtu = options.mtu;
    this.#mssClamp = options.mssClamp ?? false;
    this.#inheritsTos = options.inheritsTos ?? false;
  }

  protected override most(capacity: number): number {
    return capacity;
  }

  protected override mayHaveMore(received: number): boolean {
    return received >= MANY;
  }

  protected override work({ batch, job, rx }: Workspace): void {
    const { encap, secy, uncontrolled, learn, strays, counters } = this.#options;
    const unsummed = encap.pull(batch, secy?.strict === true);
    if (unsummed > 0) counters.traffic[Traffic.greChecksumsLeft]! += unsummed;
    dropRunts(batch, Drop.InnerRunt);
    uncontrolled?.take(batch);
    if (secy !== null) {
      validate(secy, batch, job, rx);
      if (rx.newest >= 0) learn?.(rx.newest);
      strays?.take(secy, batch, rx);
    }
    if (this.#inheritsTos) takeOverEcn(batch);
    clampMss(batch, this.#mssClamp, this.mtu.inner);
  }

  /** Who sent what was dropped is not known, so nobody is answered. */
  protected override sent(): void {}

  override close(): void {
    super.close();
    this.#options.secy?.keyring.close();
  }
}
