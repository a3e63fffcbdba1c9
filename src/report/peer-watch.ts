/**
 * Whether the peer is heard. With static keys nothing tells but the traffic itself: a peer is lost when for
 * `peerTimeoutSeconds` no authentic frame came although frames were sent in at least three different seconds of that time.
 * One side that sends a lone frame now and then (LLDP) proves nothing. With key agreement a live peer is heard, whether
 * there is traffic or not; where none is, authentic frames still count, as long as the SAs are kept.
 */
import type { Logger } from 'pino';
import type { PeerSnapshot } from '../api/tunnel.ts';
import { Drop } from '../frame/drop.ts';
import { Traffic } from '../frame/lane-counters.ts';
import type { AgreedLiveness } from '../keys/key-source.ts';
import { countersAt, RxScCounter } from '../macsec/counters.ts';
import type { Silence } from '../tunnel/ends-finder.ts';
import type { TunnelView } from '../tunnel/view.ts';

/** In so many seconds frames must have been sent, or in every one of a shorter timeout. */
const SENDING_SECONDS = 3;
/** In which of the last ones, for a peer whose address may be another. */
const SILENCE_MS = 6000;

/** What is known of a tunnel's peer. Times are monotonic, in ms. */
interface Peer {
  state: 'unknown' | 'alive' | 'lost';
  /** What the last look saw: frames that were authentic, and that were sent. */
  heard: number;
  sent: number;
  /** When an authentic frame last came; before the first one, when the tunnel was first looked at. */
  heardMs: number;
  /** When frames were seen to be sent, the newest last, SENDING_SECONDS at most. */
  readonly sentMs: number[];
  hasBeenHeard: boolean;
  /** On the wall clock, for people. */
  since: Date | null;
  lastAuthentic: Date | null;
}

export class PeerWatch {
  readonly #log: Logger;
  readonly #livenessOf: (tunnel: TunnelView) => AgreedLiveness;
  readonly #peers = new WeakMap<TunnelView, Peer>();

  constructor(log: Logger, livenessOf: (tunnel: TunnelView) => AgreedLiveness = () => null) {
    this.#log = log;
    this.#livenessOf = livenessOf;
  }

  /** Once a second. `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    for (const tunnel of tunnels) this.#look(tunnel, nowMs);
  }

  /** As the last tick saw it. */
  peerOf(tunnel: TunnelView): PeerSnapshot {
    const peer = this.#peers.get(tunnel);
    return {
      state: tunnel.peerTimeoutSeconds === 0 ? 'unwatched' : (peer?.state ?? 'unknown'),
      since: peer?.since?.toISOString() ?? null,
      last_authentic: peer?.lastAuthentic?.toISOString() ?? null,
    };
  }

  /** How long it has been silent, as the last tick saw it, and whether anything was sent that it might have answered. */
  silenceOf(tunnel: TunnelView, nowMs: number): Silence {
    const peer = this.#peers.get(tunnel);
    if (peer === undefined) return { silentMs: 0, isUnanswered: false };
    return { silentMs: nowMs - peer.heardMs, isUnanswered: isSending(peer, nowMs, SILENCE_MS) };
  }

  #look(tunnel: TunnelView, nowMs: number): void {
    const heard = authenticFrames(tunnel);
    const sent = sentFrames(tunnel);
    const peer = this.#peers.get(tunnel) ?? this.#meet(tunnel, nowMs);
    const liveness = this.#livenessOf(tunnel);
    // Hellos go out all the time.
    if (sent > peer.sent || liveness !== null) noteSending(peer, nowMs);
    const live = liveness?.heardAgoMs ?? null;
    if (heard > peer.heard) this.#hear(tunnel, peer, nowMs, 0);
    else if (live !== null) this.#hear(tunnel, peer, nowMs, live);
    else this.#miss(tunnel, peer, nowMs);
    // An SA that was replaced takes its counters with it: fewer are no news.
    peer.heard = heard;
    peer.sent = sent;
  }

  #meet(tunnel: TunnelView, nowMs: number): Peer {
    const peer: Peer = {
      state: 'unknown',
      heard: 0,
      sent: 0,
      heardMs: nowMs,
      sentMs: [],
      hasBeenHeard: false,
      since: null,
      lastAuthentic: null,
    };
    this.#peers.set(tunnel, peer);
    return peer;
  }

  /** Heard `agoMs` ago. */
  #hear(tunnel: TunnelView, peer: Peer, nowMs: number, agoMs: number): void {
    const fields = { tunnel: tunnel.name };
    const seconds = Math.round((nowMs - peer.heardMs) / 1000);
    const isFirst = !peer.hasBeenHeard;
    if (peer.state === 'lost') this.#log.info({ ...fields, seconds }, `peer back after ${seconds} s`);
    if (isFirst) this.#log.info(fields, `first${authentic(tunnel)} frame from ${peerName(tunnel)}`);
    peer.heardMs = nowMs - agoMs;
    peer.hasBeenHeard = true;
    peer.lastAuthentic = new Date(Date.now() - agoMs);
    if (peer.state !== 'alive') peer.since = peer.lastAuthentic;
    peer.state = 'alive';
  }

  #miss(tunnel: TunnelView, peer: Peer, nowMs: number): void {
    const timeoutMs = tunnel.peerTimeoutSeconds * 1000;
    // Where it is not known yet nothing is sent, whatever was meant to be.
    if (timeoutMs === 0 || peer.state === 'lost' || (tunnel.ends?.waitsFor ?? null) !== null) return;
    if (nowMs - peer.heardMs < timeoutMs || !isSending(peer, nowMs, timeoutMs)) return;
    peer.state = 'lost';
    peer.since = new Date(Date.now() - (nowMs - peer.heardMs));
    const seconds = Math.round((nowMs - peer.heardMs) / 1000);
    const since = peer.hasBeenHeard ? '' : ', nor before';
    this.#log.warn(
      { tunnel: tunnel.name, seconds },
      `peer lost: nothing${authentic(tunnel)} from ${peerName(tunnel)} for ${seconds} s while sending${since}`,
    );
  }
}

function noteSending(peer: Peer, nowMs: number): void {
  peer.sentMs.push(nowMs);
  if (peer.sentMs.length > SENDING_SECONDS) peer.sentMs.shift();
}

/** Enough seconds of sending lie within the timeout, and after the last frame that came. */
function isSending({ sentMs, heardMs }: Peer, nowMs: number, timeoutMs: number): boolean {
  const enough = Math.min(SENDING_SECONDS, timeoutMs / 1000);
  const from = Math.max(heardMs, nowMs - timeoutMs);
  return sentMs.filter((ms) => ms > from).length >= enough;
}

/** Nothing proves who sent a frame: without MACsec, or with `validate: "disabled"`. Whatever is delivered counts. */
function isClear({ secy }: TunnelView): boolean {
  return secy === null || secy.config.validate === 'disabled';
}

function authentic(tunnel: TunnelView): string {
  return isClear(tunnel) ? '' : ' authentic';
}

/** Frames that only the peer can have sent, and not before: a late or repeated one proves nothing. */
function authenticFrames(tunnel: TunnelView): number {
  const { rx, secy: counters } = tunnel.totals();
  const { secy } = tunnel;
  if (secy === null || isClear(tunnel)) return rx[Traffic.outFrames]!;
  let frames = 0;
  for (const { sci } of secy.config.rxSc) {
    frames += counters[countersAt.rxSc(secy.rxPlace(sci)) + RxScCounter.inPktsOk]!;
  }
  return frames;
}

/** Frames that were meant to go to the peer, even where this host could not send them. */
function sentFrames(tunnel: TunnelView): number {
  const { tx, drops } = tunnel.totals();
  return (
    tx[Traffic.outFrames]! + drops[Drop.WireUnreachable]! + drops[Drop.WireRefused]! + drops[Drop.WireError]!
  );
}

function peerName({ endpoint, gre }: TunnelView): string {
  return endpoint ?? gre.remote;
}
