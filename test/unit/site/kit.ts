/**
 * Whole sites without root: real lanes and SecYs between a bridge in memory and a link in memory.
 *
 *     a.bridge ═ TAP ─ lanes of a ─ wire ═══ link ═══ wire ─ lanes of b ─ TAP ═ b.bridge
 */

import type { AeadProvider } from '../../../src/crypto/aead.ts';
import type { FlowSpread } from '../../../src/datapath/flows.ts';
import type { Lane } from '../../../src/datapath/lane.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import type { MssClamp } from '../../../src/datapath/mss-clamp.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import { TransmitLane } from '../../../src/datapath/transmit.ts';
import type { Encap } from '../../../src/encap/encap.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { DROP_TEXTS } from '../../../src/frame/drop.ts';
import {
  type LaneCounters,
  laneCounters,
  laneCountersBytes,
  Traffic,
} from '../../../src/frame/lane-counters.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { createSecy, keySlots } from '../../../src/macsec/configure.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import type { PnGrant } from '../../../src/macsec/packet-number.ts';
import type { SecY } from '../../../src/macsec/secy.ts';
import type { FramePort } from '../../../src/ports/frame-port.ts';
import { type LossyOptions, lossyPort } from '../../../src/ports/lossy-port.ts';
import { type MemoryPort, memoryPortPair } from '../../../src/ports/memory-port.ts';
import type { GreOptions } from '../../../src/wire/gre.ts';
import { ipv4Template, parseIpv4 } from '../../../src/wire/ipv4.ts';
import { BATCH_PROVIDER, macsecConfig, rxScOf, saOf, secySpec } from '../macsec/kit.ts';

export interface EndOptions {
  /** Null: plain GRETAP. */
  readonly macsec: MacsecConfig | null;
  readonly sci: string;
  readonly wire: FramePort;
  readonly tap: FramePort;
  readonly gre?: GreOptions;
  readonly provider?: AeadProvider;
  readonly lowerMtu?: number;
  /** Default: as the configuration's. */
  readonly mssClamp?: MssClamp;
  /** The link gives packets with their IPv4 header, and takes them so. */
  readonly ipv4?: boolean;
  readonly inheritsTos?: boolean;
  readonly flows?: FlowSpread;
  readonly pns?: number;
}

const MAX_LEN = 2000;
const HEADER = ipv4Template(parseIpv4('1.1.1.1'), parseIpv4('2.2.2.2'), 64, 0, true);

/** The lanes of one site, with their counters. */
export class End {
  readonly transmit: Lane;
  readonly receive: Lane;
  readonly tx: LaneCounters;
  readonly rx: LaneCounters;
  /** Parallel to `macsec.txSa`. */
  readonly grants: readonly PnGrant[];
  readonly #macsec: MacsecConfig | null;

  constructor(options: EndOptions) {
    const {
      macsec,
      wire,
      tap,
      gre = { key: null, checksum: false },
      ipv4 = false,
      lowerMtu = 1462,
      mssClamp = 'auto',
      inheritsTos = false,
      flows = null,
    } = options;
    const bytes = laneCountersBytes(secyCountersLen(macsec?.rxSc.length ?? 0));
    this.#macsec = macsec;
    this.tx = laneCounters(new SharedArrayBuffer(bytes));
    this.rx = laneCounters(new SharedArrayBuffer(bytes));
    const { transmit, receive, grants } = secysOf(options, this.tx, this.rx);
    this.grants = grants;
    const common = { wire, tap, mssClamp, inheritsTos };
    const header = ipv4 ? HEADER : null;
    const encap = (): Encap => createGretap({ family: ipv4 ? 4 : 6, gre, header, inheritsTos });
    this.transmit = new TransmitLane({
      ...common,
      secy: transmit,
      mtu: new LaneMtu(transmit, lowerMtu),
      encap: encap(),
      flows,
      maxFrameLen: MAX_LEN,
      counters: this.tx,
    });
    this.receive = new ReceiveLane({
      ...common,
      secy: receive,
      mtu: new LaneMtu(receive, lowerMtu),
      encap: encap(),
      maxPacketLen: MAX_LEN + 200,
      counters: this.rx,
    });
  }

  /** Frames dropped, by reason. */
  get drops(): Record<string, number> {
    const found = DROP_TEXTS.map(({ name }, i) => [name, this.tx.drops[i]! + this.rx.drops[i]!] as const);
    return Object.fromEntries(found.filter(([, value]) => value !== 0));
  }

  get macsec(): MacsecConfig | null {
    return this.#macsec;
  }
}

interface Secys {
  readonly transmit: SecY | null;
  readonly receive: SecY | null;
  readonly grants: readonly PnGrant[];
}

/** Each lane has a SecY of its own, as in a worker; packet numbers are shared. */
function secysOf(options: EndOptions, tx: LaneCounters, rx: LaneCounters): Secys {
  const { macsec, sci, provider = BATCH_PROVIDER, pns } = options;
  if (macsec === null) return { transmit: null, receive: null, grants: [] };
  const { spec, grants } = secySpec(macsec, sci, pns);
  const make = ({ secy }: LaneCounters): SecY =>
    createSecy(spec, provider.openKeyring(keySlots(macsec)), secy);
  return { transmit: make(tx), receive: make(rx), grants };
}

export interface PairOptions {
  readonly macsec?: Partial<MacsecConfig> | null;
  readonly gre?: GreOptions;
  readonly ipv4?: boolean;
  readonly provider?: AeadProvider;
  /** The link from a to b. */
  readonly link?: LossyOptions;
  readonly tapCapacity?: number;
  readonly wireCapacity?: number;
}

export const SCI_A = '0000001111110001';
export const SCI_B = '0000002222220001';
const KEY_A = '11'.repeat(16);
const KEY_B = '22'.repeat(16);

/** What lies behind a TAP. */
export class Host {
  readonly #tap: MemoryPort;
  readonly #bridge: MemoryPort;

  constructor(bridge: MemoryPort, tap: MemoryPort) {
    this.#bridge = bridge;
    this.#tap = tap;
  }

  /** Sends a frame into the TAP; false when its queue is full. */
  send(frame: Uint8Array): boolean {
    return this.#tap.push(frame);
  }

  /** Takes all that has come out of the TAP. */
  received(): Buffer[] {
    return drain(this.#bridge);
  }
}

export interface Pair {
  readonly a: End;
  readonly b: End;
  /** The hosts behind the bridges. */
  readonly hostA: Host;
  readonly hostB: Host;
  /** What a has sent lies here until b receives. */
  readonly wireB: MemoryPort;
  /** Runs all lanes until none moves anything. */
  settle(): void;
}

/** Frames that came in or went out at any lane so far. */
function moved(...ends: readonly End[]): number {
  let frames = 0;
  for (const { tx, rx } of ends) {
    for (const { traffic } of [tx, rx]) frames += traffic[Traffic.inFrames]! + traffic[Traffic.outFrames]!;
  }
  return frames;
}

/** Runs `lane`, one of `end`'s, until it moves nothing. */
export function runOut(end: End, lane: Lane): void {
  for (let before = -1; before !== moved(end); ) {
    before = moved(end);
    lane.run();
  }
}

/** The reference scenario: two sites, a key each, one link. */
export function twoSites(options: PairOptions = {}): Pair {
  const { gre, ipv4, provider, link, tapCapacity = 100_000, wireCapacity = 100_000 } = options;
  const [lanA, tapA] = memoryPortPair({ capacity: tapCapacity });
  const [lanB, tapB] = memoryPortPair({ capacity: tapCapacity });
  const [wireA, wireB] = memoryPortPair({ capacity: wireCapacity });
  const common = { ...(gre && { gre }), ...(ipv4 && { ipv4 }), ...(provider && { provider }) };
  const a = new End({
    ...common,
    macsec: macsecOf(options, KEY_A, SCI_B, KEY_B),
    sci: SCI_A,
    wire: wireA,
    tap: tapA,
  });
  const b = new End({
    ...common,
    macsec: macsecOf(options, KEY_B, SCI_A, KEY_A),
    sci: SCI_B,
    wire: link === undefined ? wireB : lossyPort(wireB, link),
    tap: tapB,
  });
  const lanes = [a.transmit, b.receive, b.transmit, a.receive];
  const settle = (): void => {
    // A port in memory has no descriptor to ask: a lane has nothing left when it runs and moves nothing.
    for (let before = -1; before !== moved(a, b); ) {
      before = moved(a, b);
      for (const lane of lanes) lane.run();
    }
  };
  return { a, b, hostA: new Host(lanA, tapA), hostB: new Host(lanB, tapB), wireB, settle };
}

function macsecOf(options: PairOptions, key: string, peerSci: string, peerKey: string): MacsecConfig | null {
  if (options.macsec === null) return null;
  const salted = (changes: object): object =>
    options.macsec?.cipher?.includes('xpn') ? { ...changes, ssci: 1, salt: Buffer.alloc(12, 7) } : changes;
  return macsecConfig({
    replayWindow: 64,
    txSa: [saOf(salted({}), key)],
    rxSc: [rxScOf([saOf(salted({}), peerKey)], peerSci)],
    ...options.macsec,
  });
}

/** All that waits at `port`. */
export function drain(port: MemoryPort): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = port.shift(); frame !== undefined; frame = port.shift()) frames.push(frame);
  return frames;
}
