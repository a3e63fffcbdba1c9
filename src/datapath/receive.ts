/**
 * The receive lane, wire to TAP, a batch at a time:
 *   1. `wire.receive`     packets; on a raw IPv4 socket they begin with their IPv4 header
 *   2. `decapsulate`      outer header and GRE are checked and taken off
 *   3. `validate`         SecTAG, AEAD open, replay; nothing before it is trusted
 *   4. `tap.send`         what the TAP does not take now waits, and nothing more is read from the wire
 */
import { type AeadJob, createAeadJob } from '../crypto/aead.ts';
import { type Batch, createBatch, resetBatch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { countIn, countOut, type LaneCounters } from '../frame/lane-counters.ts';
import { createRxScratch, type RxScratch, validate } from '../macsec/validate.ts';
import { checkGre, GreFault, type GreOptions, greHeaderLenAt } from '../wire/gre.ts';
import { ipv4HeaderLen } from '../wire/ipv4.ts';
import { type Lane, type LaneEnds, POLLIN, POLLOUT, prepare } from './lane.ts';
import { dropRunts } from './transmit.ts';

export interface ReceiveLaneOptions extends LaneEnds {
  readonly gre: GreOptions;
  /** Packets begin with their IPv4 header (raw IPv4 sockets), or with GRE. */
  readonly outerIpv4: boolean;
  /** The longest packet that the wire may give, and how many a batch has room for. */
  readonly maxPacketLen: number;
  readonly batchFrames?: number;
  /**
   * The peer may move (`gre.remote` is dynamic): packets go to where the newest authentic frame came from. A frame
   * sent again, or late, has no say in it, whatever the configuration lets pass.
   */
  readonly learn?: (frame: number) => void;
  readonly counters: LaneCounters;
}

export class ReceiveLane implements Lane {
  waitFd: number;
  waitEvents: number = POLLIN;
  readonly #options: ReceiveLaneOptions;
  readonly #batch: Batch;
  readonly #job: AeadJob;
  readonly #scratch: RxScratch;
  /** The first frame of the batch that still has to be written; `batch.count` when none has. */
  #next = 0;
  /** The last read left something, or may have. */
  #more = false;

  constructor(options: ReceiveLaneOptions) {
    this.#options = options;
    this.#batch = createBatch(options.maxPacketLen, options.batchFrames);
    this.#job = createAeadJob(this.#batch.arena, this.#batch.at);
    this.#scratch = createRxScratch(this.#batch.capacity);
    prepare(this.#batch, this.#job, options);
    this.waitFd = options.wire.fd;
  }

  /** HOT PATH: allocates nothing with the `batch` AEAD provider. */
  run(): boolean {
    if (this.#next < this.#batch.count) return this.#send();
    const { wire, counters } = this.#options;
    const batch = this.#batch;
    resetBatch(batch);
    const received = wire.receive(batch, batch.capacity);
    if (received === 0) return this.#wait(wire.fd, POLLIN);
    this.#more = received >= MANY;
    countIn(counters, batch);
    this.#decode();
    this.#next = 0;
    return this.#send();
  }

  close(): void {
    this.#options.wire.close();
    this.#options.tap.close();
    this.#options.secy?.keyring.close();
  }

  #decode(): void {
    const { gre, outerIpv4, secy } = this.#options;
    decapsulate(this.#batch, gre, outerIpv4);
    dropRunts(this.#batch, Drop.InnerRunt);
    if (secy === null) return;
    validate(secy, this.#batch, this.#job, this.#scratch);
    const { newest } = this.#scratch;
    if (newest >= 0) this.#options.learn?.(newest);
  }

  #send(): boolean {
    const { wire, tap, counters } = this.#options;
    const batch = this.#batch;
    this.#next = tap.send(batch, this.#next);
    if (this.#next < batch.count) return this.#wait(tap.fd, POLLOUT);
    countOut(counters, batch);
    this.#wait(wire.fd, POLLIN);
    return this.#more;
  }

  #wait(fd: number, events: number): false {
    this.waitFd = fd;
    this.waitEvents = events;
    return false;
  }
}

/** After so many packets at once it is likely that more have come meanwhile: worth a read that may find none. */
const MANY = 16;

/** Indexed by `GreFault`. */
const DROP_OF_GRE_FAULT: readonly Drop[] = [
  Drop.None,
  Drop.GreShort,
  Drop.GreFlags,
  Drop.GreProto,
  Drop.GreKey,
  Drop.GreChecksum,
];

/** Takes the outer IPv4 header (where `outerIpv4`) and the GRE header off each packet. HOT PATH: allocates nothing. */
export function decapsulate(batch: Batch, gre: GreOptions, outerIpv4: boolean): void {
  const { count, at, len, verdict, arena } = batch;
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== 0) continue;
    const end = at[i]! + len[i]!;
    const ipLen = outerIpv4 ? ipv4HeaderLen(arena, at[i]!, len[i]!) : 0;
    if (outerIpv4 && ipLen === 0) {
      verdict[i] = Drop.OuterHeader;
      continue;
    }
    const greAt = at[i]! + ipLen;
    const fault = checkGre(arena, greAt, end, gre);
    if (fault !== GreFault.None) {
      verdict[i] = DROP_OF_GRE_FAULT[fault]!;
      continue;
    }
    at[i] = greAt + greHeaderLenAt(arena, greAt);
    len[i] = end - at[i]!;
  }
}
