/**
 * A TAP in front of which IPv4 packets that do not fit the tunnel, and may be fragmented, are: several frames come out of
 * one, in its place. As long as there is none, `receive` is the TAP's, and a look at each length.
 *
 * Where there is one, it and what came behind it go to a batch beside and come from there, frame by frame: what the caller's
 * batch has no room for stays there for the next `receive`, as the rest of a super-frame stays with the TAP. Slower, but
 * only for those batches.
 */
import { type Batch, resetBatch } from '../frame/batch.ts';
import type { FramePort } from '../ports/frame-port.ts';
import { ETHERNET_LEN, ETHERTYPE_IPV4 } from '../wire/ethernet.ts';
import { fragmentDataLen, ipv4DataLenAt, writeFragment } from '../wire/ipv4-fragment.ts';
import { payloadAt, payloadTypeAt } from '../wire/vlan.ts';
import type { LaneMtu } from './lane-mtu.ts';
import type { Shelf, Workspace } from './workspace.ts';

export class FragmentingPort implements FramePort {
  readonly fd: number;
  readonly #tap: FramePort;
  readonly #mtu: LaneMtu;
  readonly #shelf: Shelf;
  /** What came behind a packet that was to be fragmented; null: nothing did. */
  #beside: Workspace | null = null;
  /** The next frame of it, and how many octets of its data have gone already. */
  #next = 0;
  #gone = 0;

  /** `shelf` has batches like those that `receive` is given. */
  constructor(tap: FramePort, mtu: LaneMtu, shelf: Shelf) {
    this.#tap = tap;
    this.fd = tap.fd;
    this.#mtu = mtu;
    this.#shelf = shelf;
  }

  /** HOT PATH: allocates nothing. */
  receive(batch: Batch, max: number): number {
    const most = Math.min(max, batch.capacity);
    if (this.#beside !== null) return this.#fill(this.#beside, batch, 0, most);
    const count = this.#tap.receive(batch, most);
    const { len } = batch;
    const longest = this.#mtu.longestFrame;
    for (let i = 0; i < count; i++) {
      if (len[i]! > longest && dataLenOf(batch, i, this.#mtu.inner) > 0)
        return this.#setAside(batch, i, most);
    }
    return count;
  }

  send(batch: Batch, from: number): number {
    return this.#tap.send(batch, from);
  }

  rest(): void {
    this.#tap.rest?.();
  }

  close(): void {
    this.#beside = null;
    this.#tap.close();
  }

  /** Frames from `from` on go beside, and come back as they fit. */
  #setAside(batch: Batch, from: number, most: number): number {
    const workspace = this.#shelf.take();
    const beside = workspace.batch;
    this.#empty(beside, batch.room);
    for (let i = from; i < batch.count; i++) copyFrame(batch, i, beside, beside.count++);
    this.#beside = workspace;
    return this.#fill(workspace, batch, from, most);
  }

  /** Fills `batch` from its frame `from` on, by what lies beside and by what the TAP has behind that. */
  #fill(workspace: Workspace, batch: Batch, from: number, most: number): number {
    const beside = workspace.batch;
    batch.count = from;
    while (batch.count < most && this.#hasNext(beside, batch, most)) this.#move(beside, batch, most);
    if (this.#next === beside.count) {
      this.#beside = null;
      this.#shelf.giveBack(workspace);
    }
    return batch.count;
  }

  #hasNext(beside: Batch, batch: Batch, most: number): boolean {
    if (this.#next < beside.count) return true;
    this.#empty(beside, batch.room);
    return this.#tap.receive(beside, most - batch.count) > 0;
  }

  #empty(beside: Batch, room: number): void {
    resetBatch(beside);
    beside.room = room;
    this.#next = 0;
    this.#gone = 0;
  }

  /** The next frame, or as many of its fragments as there is room for. */
  #move(beside: Batch, batch: Batch, most: number): void {
    const dataLen =
      beside.len[this.#next]! > this.#mtu.longestFrame ? dataLenOf(beside, this.#next, this.#mtu.inner) : 0;
    // The path may have changed between two fragments: what is left of the packet is lost then.
    if (dataLen === 0) {
      if (this.#gone === 0) copyFrame(beside, this.#next, batch, batch.count++);
      this.#advance();
      return;
    }
    this.#moveFragments(beside, batch, most, dataLen);
  }

  #moveFragments(beside: Batch, batch: Batch, most: number, dataLen: number): void {
    const at = beside.at[this.#next]!;
    const ipAt = payloadAt(beside.arena, at, at + beside.len[this.#next]!);
    const all = ipv4DataLenAt(beside.arena, ipAt);
    while (this.#gone < all && batch.count < most) {
      const i = batch.count++;
      const to = batch.at[i]!;
      beside.arena.copy(batch.arena, to, at, ipAt);
      const packetAt = to + ipAt - at;
      const len = writeFragment(batch.arena, packetAt, beside.arena, ipAt, this.#gone, dataLen);
      batch.len[i] = packetAt + len - to;
      batch.verdict[i] = 0;
      this.#gone += dataLen;
    }
    if (this.#gone >= all) this.#advance();
  }

  #advance(): void {
    this.#next++;
    this.#gone = 0;
  }
}

/** Octets of data in each fragment of frame `i`; 0: it is none to be fragmented. `mtu`: behind its Ethernet header. */
function dataLenOf({ arena, at, len, verdict, room }: Batch, i: number, mtu: number): number {
  if (verdict[i] !== 0 || len[i]! > room) return 0;
  const start = at[i]!;
  const end = start + len[i]!;
  const ipAt = payloadAt(arena, start, end);
  if (ipAt < 0 || payloadTypeAt(arena, ipAt) !== ETHERTYPE_IPV4) return 0;
  return fragmentDataLen(arena, ipAt, end, mtu - (ipAt - start - ETHERNET_LEN));
}

function copyFrame(from: Batch, i: number, to: Batch, j: number): void {
  const at = from.at[i]!;
  from.arena.copy(to.arena, to.at[j]!, at, at + Math.min(from.len[i]!, from.room));
  to.len[j] = from.len[i]!;
  to.verdict[j] = from.verdict[i]!;
}
