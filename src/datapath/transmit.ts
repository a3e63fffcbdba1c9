/**
 * The transmit lane, TAP to wire, a batch at a time:
 *   1. `tap.receive`      as many frames as there are packet numbers for
 *   2. runts are dropped  (nothing below an Ethernet header can be protected)
 *   3. `protect`          SecTAG, PN, AEAD seal; or, in clear, the length check alone
 *   4. `encapsulate`      the GRE header, and the outer IPv4 header where the socket wants it from us
 *   5. `wire.send`        what the socket does not take now waits, and nothing more is read from the TAP
 */
import { type AeadJob, createAeadJob } from '../crypto/aead.ts';
import { type Batch, createBatch, resetBatch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { countIn, countOut, type LaneCounters } from '../frame/lane-counters.ts';
import { viewOf } from '../frame/view.ts';
import { dropTooLong, protect, protectable } from '../macsec/protect.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import { type GreOptions, greHeaderLen, writeGre } from '../wire/gre.ts';
import { IPV4_LEN, writeIpv4 } from '../wire/ipv4.ts';
import { type Lane, type LaneEnds, POLLIN, POLLOUT, prepare } from './lane.ts';

export interface TransmitLaneOptions extends LaneEnds {
  readonly gre: GreOptions;
  /** Octets behind the Ethernet header that the GRE tunnel carries: the MTU that a gretap would have. */
  readonly lowerMtu: number;
  /** The outer IPv4 header to copy, for a socket with IP_HDRINCL; null: the kernel writes it. */
  readonly ipv4: Uint8Array | null;
  /** The longest frame that the TAP may give. */
  readonly maxFrameLen: number;
  readonly counters: LaneCounters;
}

export class TransmitLane implements Lane {
  waitFd: number;
  waitEvents: number = POLLIN;
  /** As in the options; the path may shrink and grow again while the lane runs. */
  lowerMtu: number;
  readonly #options: TransmitLaneOptions;
  readonly #ipv4: DataView | null;
  readonly #batch: Batch;
  readonly #job: AeadJob;
  /** The first frame of the batch that still has to be sent; `batch.count` when none has. */
  #next = 0;
  /** The last read left something, or may have. */
  #more = false;

  constructor(options: TransmitLaneOptions) {
    this.#options = options;
    this.#ipv4 = options.ipv4 === null ? null : viewOf(options.ipv4);
    this.lowerMtu = options.lowerMtu;
    this.#batch = createBatch(options.maxFrameLen);
    this.#job = createAeadJob(this.#batch.arena, this.#batch.at);
    prepare(this.#batch, this.#job, options);
    this.waitFd = options.tap.fd;
  }

  /** HOT PATH: allocates nothing with the `batch` AEAD provider. */
  run(): boolean {
    if (this.#next < this.#batch.count) return this.#send();
    const { tap, secy, counters } = this.#options;
    const batch = this.#batch;
    const most = secy === null ? batch.capacity : Math.min(batch.capacity, protectable(secy));
    if (most === 0) return this.#wait(-1, 0);
    resetBatch(batch);
    const received = tap.receive(batch, most);
    if (received === 0) return this.#wait(tap.fd, POLLIN);
    this.#more = received === most;
    countIn(counters, batch);
    this.#encode();
    this.#next = 0;
    return this.#send();
  }

  close(): void {
    this.#options.tap.close();
    this.#options.wire.close();
    this.#options.secy?.keyring.close();
  }

  #encode(): void {
    const { secy, gre } = this.#options;
    dropRunts(this.#batch, Drop.TapRunt);
    if (secy === null) dropTooLong(this.#batch, this.lowerMtu);
    else protect(secy, this.#batch, this.#job, this.lowerMtu);
    encapsulate(this.#batch, gre, this.#ipv4);
  }

  #send(): boolean {
    const { tap, wire, counters } = this.#options;
    const batch = this.#batch;
    this.#next = wire.send(batch, this.#next);
    if (this.#next < batch.count) return this.#wait(wire.fd, POLLOUT);
    countOut(counters, batch);
    this.#wait(tap.fd, POLLIN);
    return this.#more;
  }

  #wait(fd: number, events: number): false {
    this.waitFd = fd;
    this.waitEvents = events;
    return false;
  }
}

/** Gives frames shorter than an Ethernet header the verdict `reason`. HOT PATH: allocates nothing. */
export function dropRunts(batch: Batch, reason: Drop): void {
  const { count, len, verdict } = batch;
  for (let i = 0; i < count; i++) if (verdict[i] === 0 && len[i]! < ETHERNET_LEN) verdict[i] = reason;
}

/** Puts the GRE header, and the outer IPv4 header where there is a template, before each frame. HOT PATH. */
export function encapsulate(batch: Batch, gre: GreOptions, ipv4: DataView | null): void {
  const { count, at, len, verdict, arena, view } = batch;
  const greLen = greHeaderLen(gre);
  const added = greLen + (ipv4 === null ? 0 : IPV4_LEN);
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== 0) continue;
    const greAt = at[i]! - greLen;
    writeGre(arena, greAt, at[i]! + len[i]!, gre);
    at[i] = at[i]! - added;
    len[i] = len[i]! + added;
    if (ipv4 !== null) writeIpv4(view, at[i]!, len[i]!, ipv4);
  }
}
