/** Control frames of a tunnel over its Uncontrolled Port: to whom they go, with which keys, and what they tell. */
import { createSecretKey } from 'node:crypto';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UncontrolledPort } from '../../../src/datapath/uncontrolled-port.ts';
import type { Mark } from '../../../src/datapath/uncontrolled-ring.ts';
import type { PeerState } from '../../../src/keys/key-source.ts';
import { type Keepalive, PeerLink } from '../../../src/keys/peer-link.ts';
import { SakLinkKeys } from '../../../src/keys/sak-link-keys.ts';
import { OFF_KEY_NAME } from '../../../src/link/frame.ts';
import { linkKeyOfCak } from '../../../src/link/keys.ts';
import type { LinkKeys } from '../../../src/link/link-control.ts';
import { macsecConfig } from '../macsec/kit.ts';

const SCIS = ['0000001111110001', '0000002222220001'] as const;
const CAK_KEY = linkKeyOfCak(createSecretKey(Buffer.alloc(16, 7)), '6c32');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  // All clocks share their beats.
  for (const { link } of sites.splice(0)) link.stop();
  vi.useRealTimers();
});

const sites: Site[] = [];

class Port implements UncontrolledPort {
  readonly etherTypes = [];
  received: UncontrolledPort['received'] = () => {};
  peer: Port | null = null;
  marks: readonly Mark[] = [];
  readonly sent: Uint8Array[] = [];
  readonly heardOf: string[] = [];
  from: Uint8Array | null = null;

  want(marks: readonly Mark[]): void {
    this.marks = marks;
  }

  peerIsAt(from: Uint8Array): void {
    this.heardOf.push(`is at ${from[0]}`);
  }

  answerTo(from: Uint8Array): void {
    this.heardOf.push(`answer to ${from[0]}`);
  }

  send(frame: Uint8Array): void {
    this.sent.push(frame);
    const { from } = this;
    queueMicrotask(() => this.peer?.received(frame.subarray(0, 1216), from, frame.length));
  }
}

class Site {
  readonly port = new Port();
  readonly lines: { level: number; msg: string }[] = [];
  readonly link: PeerLink;
  peer: PeerState | null = null;
  keys: LinkKeys = { tx: CAK_KEY, rx: [CAK_KEY] };
  changes = 0;
  #peerChanged = (): void => {};

  constructor(number: 0 | 1, keepalive: Keepalive | null, peer: PeerState | null) {
    this.peer = peer;
    const log = pino({ level: 'debug' }, { write: (line) => void this.lines.push(JSON.parse(line)) });
    const site = this;
    this.link = new PeerLink({
      ...{ tunnel: 'site2', sci: SCIS[number], keepalive, port: this.port, log, pathReport: () => null },
      keys: {
        linkKeys: () => this.keys,
        get peer() {
          return site.peer;
        },
        onPeer: (listener) => {
          this.#peerChanged = listener;
        },
      },
    });
    this.link.onChanged(() => this.changes++);
    sites.push(this);
  }

  mkaSays(peer: Partial<PeerState>): void {
    this.peer = { ...this.peer!, ...peer };
    this.#peerChanged();
  }

  get told(): string[] {
    return this.lines.filter(({ level }) => level >= 30).map(({ msg }) => msg);
  }
}

function pair(keepalive: Keepalive | null, peer: PeerState | null = null): [Site, Site] {
  const [a, b] = [new Site(0, keepalive, peer), new Site(1, keepalive, peer)];
  [a.port.peer, b.port.peer] = [b.port, a.port];
  for (const { link } of [a, b]) link.linkUp();
  return [a, b];
}

const NOBODY: PeerState = { hasLivePeer: false, isSecured: false, takesControlFrames: false };
const OURS: PeerState = { hasLivePeer: true, isSecured: true, takesControlFrames: true };
const KEEPALIVE = { helloMs: 1000, lifeMs: 3500 };

describe('control frames of a tunnel with key agreement', () => {
  it('are not sent to a peer that has not said that it takes them, as a kernel never does', async () => {
    const [a] = pair(null, NOBODY);
    a.mkaSays({ hasLivePeer: true, isSecured: true });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(a.port.sent).toHaveLength(0);
    expect(a.link.isPeerThere).toBe(true);
    expect(a.link.probe(1400)).toBe(false);
  });

  it('begin when a live peer says so, and end when MKA has lost it', async () => {
    const [a, b] = pair(null, NOBODY);
    for (const site of [a, b]) site.mkaSays(OURS);
    await vi.advanceTimersByTimeAsync(500);
    expect(a.link.isLive && b.link.isLive).toBe(true);
    a.mkaSays(NOBODY);
    expect(a.link.isLive).toBe(false);
    expect(a.link.isPeerThere).toBe(false);
    expect(a.link.absence).toBe('mka: no peer is live');
    const before = a.port.sent.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(a.port.sent).toHaveLength(before);
  });

  it('probe the path, and tell what came through', async () => {
    const [a, b] = pair(null, NOBODY);
    for (const site of [a, b]) site.mkaSays(OURS);
    await vi.advanceTimersByTimeAsync(500);
    const answered: number[] = [];
    a.link.onAnswered((frameLen) => answered.push(frameLen));
    expect(a.link.probe(9000)).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(answered).toEqual([9000]);
  });

  it('tell that the peer stops, before MKA can notice, and that it is back', async () => {
    const [a, b] = pair(null, NOBODY);
    for (const site of [a, b]) site.mkaSays(OURS);
    await vi.advanceTimersByTimeAsync(500);
    const { changes } = a;
    b.link.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(a.link.isPeerThere).toBe(false);
    expect(a.link.absence).toBe('the peer says that it stops');
    expect(a.changes).toBeGreaterThan(changes);
    b.link.linkUp();
    await vi.advanceTimersByTimeAsync(1500);
    expect(a.link.isPeerThere).toBe(true);
  });

  it('do not hold the carrier down for a peer that came in its place and takes none', async () => {
    const [a, b] = pair(null, NOBODY);
    for (const site of [a, b]) site.mkaSays(OURS);
    await vi.advanceTimersByTimeAsync(500);
    b.link.stop();
    await vi.advanceTimersByTimeAsync(0);
    a.mkaSays({ takesControlFrames: false });
    expect(a.link.isPeerThere).toBe(true);
  });

  it('tell of each change of what the carrier follows', () => {
    const [a] = pair(null, NOBODY);
    a.mkaSays({ hasLivePeer: true });
    expect(a.changes).toBe(0);
    expect(a.link.absence).toBe('no SAK is in use');
    a.mkaSays({ isSecured: true });
    a.mkaSays({});
    a.mkaSays(NOBODY);
    expect(a.changes).toBe(2);
  });
});

describe('a keepalive', () => {
  it('finds the peer, loses it and says so', async () => {
    const [a, b] = pair(KEEPALIVE);
    await vi.advanceTimersByTimeAsync(500);
    expect(a.told).toEqual(['keepalive: peer live: it hears us']);
    expect(a.link.isPeerThere).toBe(true);
    b.port.peer = null;
    await vi.advanceTimersByTimeAsync(4000);
    expect(a.told.at(-1)).toBe('keepalive: peer lost: not heard, or does not hear us, for 3500 ms');
    expect(a.link.isPeerThere).toBe(false);
    expect(a.link.absence).toBe('keepalive: the peer was not heard, or did not hear us, for 3500 ms');
    expect(a.link.heardAgoMs).toBeNull();
  });

  it('is told by a peer that stops', async () => {
    const [a, b] = pair(KEEPALIVE);
    await vi.advanceTimersByTimeAsync(500);
    b.link.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(a.told.at(-1)).toBe('keepalive: peer lost: it says that it stops');
    expect(a.link.absence).toBe('the peer says that it stops');
  });

  it('follows a peer that moves, and a recording of it does not move it', async () => {
    const [hub, spoke] = pair(KEEPALIVE);
    spoke.port.from = Uint8Array.of(1);
    await vi.advanceTimersByTimeAsync(1500);
    expect(hub.port.heardOf.at(-1)).toBe('is at 1');
    spoke.port.from = Uint8Array.of(2);
    await vi.advanceTimersByTimeAsync(1200);
    expect(hub.port.heardOf.at(-1)).toBe('is at 2');
    const before = hub.port.heardOf.length;
    for (const frame of spoke.port.sent) hub.port.received(frame, Uint8Array.of(3), frame.length);
    expect(hub.port.heardOf).toHaveLength(before);
    expect(hub.told.filter((text) => text.includes('refused'))).toHaveLength(1);
  });

  it('wants the frames of its peer’s keys in any flood, and those of new keys when there are such', async () => {
    const [a] = pair(KEEPALIVE);
    expect(a.port.marks).toEqual([{ at: OFF_KEY_NAME, octets: Buffer.from(CAK_KEY.name, 'hex') }]);
    const other = linkKeyOfCak(createSecretKey(Buffer.alloc(16, 8)), '6c32');
    a.keys = { tx: other, rx: [CAK_KEY, other] };
    await vi.advanceTimersByTimeAsync(1500);
    expect(a.port.marks).toHaveLength(2);
  });
});

describe('keys of control frames with static keys', () => {
  it('are those of the SAs as they are: at one end to send, at the other to take', () => {
    const config = macsecConfig();
    const sent = new SakLinkKeys().of({ sci: SCIS[0], sas: config });
    const peer = { ...config, rxSc: [{ sci: SCIS[0], active: true, sa: config.txSa }] };
    const taken = new SakLinkKeys().of({ sci: SCIS[1], sas: peer });
    expect(taken.rx.map(({ name }) => name)).toEqual([sent.tx!.name]);
  });

  it('are made anew only where the SAs are others', () => {
    const [keys, config] = [new SakLinkKeys(), macsecConfig()];
    const first = keys.of({ sci: SCIS[0], sas: config });
    expect(keys.of({ sci: SCIS[0], sas: { ...config } })).toBe(first);
    const off = config.txSa.map((sa) => ({ ...sa, active: false }));
    expect(keys.of({ sci: SCIS[0], sas: { ...config, txSa: off } }).tx).toBeNull();
  });
});
