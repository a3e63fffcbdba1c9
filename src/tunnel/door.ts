/**
 * The door of a local UDP port that several tunnels share: a socket that hears whom no tunnel's socket hears, which is
 * whoever is not known yet, or has come to another address.
 *
 *   1. a datagram names a tunnel (`encap/claimed-name.ts`); what names none is dropped
 *   2. MKPDUs and control frames go to who takes those of that tunnel, other frames to its receive lane
 *   3. whoever was authentic there is heard by the tunnel's own socket from then on (`shared-port.ts`)
 *
 * Nothing here believes what a datagram says: forged ones cost the work below, which is bounded, and what they do not
 * let through is at a door that no known peer uses.
 */
import type { Logger } from 'pino';
import { LONGEST_STRAY } from '../datapath/strays.ts';
import { SLOT_FRAME_LEN } from '../datapath/uncontrolled-ring.ts';
import { type Claim, claimedNameOf, claimOf } from '../encap/claimed-name.ts';
import { encapBeside } from '../encap/kinds.ts';
import { type Batch, createBatch, createBatchOf, HEADROOM, resetBatch } from '../frame/batch.ts';
import { Readable } from '../host/readable.ts';
import { createEndpoint, ENDPOINT_LEN } from '../ports/endpoint.ts';
import { type UdpSocketPort, wrapUdpSocket } from '../ports/udp-socket-port.ts';
import { etherTypeAt } from '../wire/ethernet.ts';
import type { AdmittedPacket } from '../worker/messages.ts';
import type { NameTable } from './name-table.ts';
import type { PortGuest } from './port-guest.ts';

/** It looks no more often than this; per look it reads so many times, of up to 16 trains of one sender each … */
const LOOK_MS = 20;
const READS_PER_LOOK = 16;
/** … and hands on so many packets, so many of them to one tunnel. */
export const PACKETS_PER_LOOK = 64;
export const PACKETS_PER_TUNNEL = 8;
/** A line in the log about what names no tunnel, at most this often. */
const QUIET_MS = 10_000;

/** A frame that came to the socket of a tunnel and may be another's. */
export interface StrayFrame {
  readonly frame: Uint8Array;
  /** An endpoint's octets. */
  readonly sender: Uint8Array;
  /** Octets that it had: of those for the station itself not all are kept. */
  readonly cameLen: number;
  /** Of the tunnel that it came to. */
  readonly greKey: number | null;
}

/** What the door needs of its house. */
export interface DoorContext {
  readonly log: Logger;
  /** Local address and port, for the log. */
  readonly place: string;
  readonly guests: NameTable<PortGuest>;
  /** Gives packets to the receive lanes of the tunnels that they name. */
  admit(packets: readonly AdmittedPacket[]): void;
}

/** Frames are read and packed one after the other, so all doors of a thread share them. */
let readBatch: Batch | null = null;
let packBatch: Batch | null = null;

export class Door {
  readonly #context: DoorContext;
  readonly #port: UdpSocketPort;
  readonly #readable: Readable;
  #timer: NodeJS.Timeout | null = null;
  #admitted: AdmittedPacket[] = [];
  /** Of this look. */
  #handedOn = 0;
  readonly #busy = new Set<PortGuest>();
  #refreshedMs = Number.NEGATIVE_INFINITY;
  /** Datagrams that named no tunnel since the last line about them. */
  #strangers = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** Over the socket `fd`, which stays its owner's, who closes it after this. */
  constructor(fd: number, context: DoorContext) {
    this.#context = context;
    this.#port = wrapUdpSocket(fd, createEndpoint(null, 0));
    this.#readable = new Readable(fd, () => this.#look());
    this.#readable.arm();
  }

  /** A frame that came to the socket of `own`, or of a tunnel with a fixed peer; whether it is for others, who have it then. */
  stray({ frame, sender, cameLen, greKey }: StrayFrame, own: PortGuest | null): boolean {
    const octets = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
    const name = claimedNameOf(octets, 0, octets.length);
    // Nearly all that comes is from the peer of the tunnel that it came to.
    if (name === null || (own?.greKey === greKey && own.names.includes(name))) return false;
    this.#refresh();
    const guests = this.#context.guests.find({ name, greKey });
    if (guests.length === 0 || (own !== null && guests.includes(own))) return false;
    for (const guest of guests) {
      if (takes(guest, octets, 0)) guest.parts.uncontrolled?.deliver(frame, sender, cameLen);
      else this.#admitted.push({ tunnel: guest.parts.tunnel, packet: packed(guest, frame), sender });
    }
    this.#flush();
    return true;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#readable.close();
    this.#port.close();
  }

  #look(): void {
    this.#timer = setTimeout(() => this.#readable.arm(), LOOK_MS).unref();
    this.#refresh();
    this.#handedOn = 0;
    for (const guest of this.#busy) guest.taken = 0;
    this.#busy.clear();
    readBatch ??= createBatchOf(this.#port.receiveLayout);
    for (let reads = 0; reads < READS_PER_LOOK && this.#handedOn < PACKETS_PER_LOOK; reads++) {
      resetBatch(readBatch);
      if (this.#port.receive(readBatch, readBatch.capacity) === 0) break;
      for (let i = 0; i < readBatch.count; i++) this.#receive(readBatch, i);
    }
    this.#flush();
    this.#tellStrangers();
  }

  /** A tunnel's names may be others; with a thousand tunnels that is not asked for each frame. */
  #refresh(): void {
    const nowMs = performance.now();
    if (nowMs - this.#refreshedMs < LOOK_MS) return;
    this.#refreshedMs = nowMs;
    this.#context.guests.refresh();
  }

  #receive(batch: Batch, i: number): void {
    const [at, end] = [batch.at[i]!, batch.at[i]! + batch.len[i]!];
    const claim = claimOf(batch.arena, at, end);
    const guests = claim === null ? [] : this.#context.guests.find(claim);
    if (guests.length === 0) this.#strangers++;
    for (const guest of guests) {
      if (guest.taken >= PACKETS_PER_TUNNEL) continue;
      guest.taken++;
      this.#busy.add(guest);
      this.#handedOn++;
      this.#handOn(guest, batch, i, claim!);
    }
  }

  #handOn(guest: PortGuest, batch: Batch, i: number, { frameAt }: Claim): void {
    const { arena } = batch;
    const [at, end] = [batch.at[i]!, batch.at[i]! + batch.len[i]!];
    const sender = new Uint8Array(ENDPOINT_LEN);
    this.#port.senderOf(i, sender);
    const { tunnel, uncontrolled } = guest.parts;
    if (takes(guest, arena, frameAt)) {
      const kept = Math.min(end, frameAt + SLOT_FRAME_LEN);
      uncontrolled?.deliver(new Uint8Array(arena.subarray(frameAt, kept)), sender, end - frameAt);
    } else this.#admitted.push({ tunnel, packet: new Uint8Array(arena.subarray(at, end)), sender });
  }

  #flush(): void {
    if (this.#admitted.length === 0) return;
    this.#context.admit(this.#admitted);
    this.#admitted = [];
  }

  #tellStrangers(): void {
    const nowMs = performance.now();
    if (this.#strangers === 0 || nowMs - this.#toldMs < QUIET_MS) return;
    const { log, place } = this.#context;
    log.warn(
      { port: place, datagrams: this.#strangers },
      `datagrams from unknown senders name no tunnel of UDP port ${place}: no rxSc has their SCI, no mka their ckn, or the GRE key is another`,
    );
    this.#toldMs = nowMs;
    this.#strangers = 0;
  }
}

/** Is the frame at `at` one for the station itself, not for the LAN? */
function takes({ parts: { uncontrolled } }: PortGuest, frames: Buffer, at: number): boolean {
  return uncontrolled?.etherTypes.includes(etherTypeAt(frames, at)) ?? false;
}

/** The frame in the encapsulation of `guest`, as its peer would send it. */
function packed({ parts: { spec } }: PortGuest, frame: Uint8Array): Uint8Array {
  packBatch ??= createBatch(LONGEST_STRAY, 1);
  resetBatch(packBatch);
  packBatch.arena.set(frame, HEADROOM);
  packBatch.len[0] = frame.length;
  packBatch.verdict[0] = 0;
  packBatch.count = 1;
  encapBeside(spec, 0).push(packBatch);
  const at = packBatch.at[0]!;
  return new Uint8Array(packBatch.arena.subarray(at, at + packBatch.len[0]!));
}
