/** What the workers are told of a tunnel's lanes. */
import type { TunnelConfig } from '../config/types.ts';
import { type EncapSpec, encapHeadersMax } from '../encap/kinds.ts';
import { laneCountersBytes } from '../frame/lane-counters.ts';
import type { OpenTap } from '../host/tap.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import { secyCountersLen } from '../macsec/counters.ts';
import type { SecySpec } from '../macsec/secy.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import { VLAN_LEN } from '../wire/vlan.ts';
import type { LaneSpec, UncontrolledSpec } from '../worker/messages.ts';
import type { CountedLane } from './totals.ts';

/** What the kernel hands up at most: a reassembled IP packet. */
const LARGEST_PACKET = 65_535;

/** What the lanes of one tunnel share. */
export interface LaneGround {
  readonly config: TunnelConfig;
  readonly tap: OpenTap;
  readonly wireFd: number;
  readonly encap: EncapSpec;
  readonly secy: SecySpec | null;
  /** Octets behind the Ethernet header that the encapsulation carries, and that are left for a packet. */
  readonly lowerMtu: number;
  readonly mtu: number;
  /** What the LAN may send. */
  readonly tapMtu: number;
  readonly uncontrolled: UncontrolledSpec | null;
  readonly strays: SharedArrayBuffer | null;
  /** Of each lane, as `laneCounterMemory` made them. */
  readonly counted: readonly CountedLane[];
}

/** Where the lanes of a tunnel count, for as long as it lives: transmit lanes, one per queue, then the receive lane. */
export function laneCounterMemory(queues: number, hasSecy: boolean): CountedLane[] {
  // A lane that sends counts nothing of receive channels.
  const memory = (rxScCount: number): SharedArrayBuffer =>
    new SharedArrayBuffer(laneCountersBytes(hasSecy ? secyCountersLen(rxScCount) : 0));
  const transmit = Array.from(
    { length: queues },
    (): CountedLane => ({ direction: 'transmit', counters: memory(0) }),
  );
  return [...transmit, { direction: 'receive', counters: memory(MAX_RX_SC) }];
}

/** One transmit lane per TAP queue, and one receive lane: every raw socket more would get its own copy of each packet. */
export function laneSpecs(ground: LaneGround): LaneSpec[] {
  const { config, tap, wireFd, encap, secy, lowerMtu, mtu, tapMtu, uncontrolled, strays, counted } = ground;
  const common = { tunnel: config.name, wireFd, encap, secy, lowerMtu, mssClamp: config.tap.mssClamp };
  // Two VLAN tags more than the MTU promises: the bridge may let them pass. What does not fit is answered or fragmented,
  // for which all of it must be there.
  const clearLen = Math.max(tapMtu + 2 * VLAN_LEN, lowerMtu) + ETHERNET_LEN;
  const frameLen = Math.max(mtu + VLAN_LEN, lowerMtu) + ETHERNET_LEN;
  // In clear, a kernel peer's packets may come merged, up to the largest IP packet there is.
  const packetLen = secy === null ? LARGEST_PACKET : encapHeadersMax(config.gre) + frameLen;
  const transmit = tap.fds.map(
    (tapFd, i): LaneSpec => ({
      ...common,
      direction: 'transmit',
      tapFd,
      maxLen: clearLen,
      counters: counted[i]!.counters,
      uncontrolled: null,
      strays: null,
    }),
  );
  const receive = { ...common, direction: 'receive', tapFd: tap.writeFd, maxLen: packetLen } as const;
  return [...transmit, { ...receive, counters: counted.at(-1)!.counters, uncontrolled, strays }];
}
