/** Whom a tunnel believes what its path carries. */
import { describe, expect, it } from 'vitest';
import type { Route } from '../../../src/host/route.ts';
import { PROBE_MS, type SearchClock } from '../../../src/path/search.ts';
import { readTooBigV4 } from '../../../src/path/too-big.ts';
import { type PathContext, type PathNews, type RouteSource, TunnelPath } from '../../../src/tunnel/path.ts';
import { fragNeeded, greFrame } from '../path/kit.ts';
import { GRE } from './kit.ts';

/** A host whose routes are the test's to change. */
class Host implements RouteSource {
  now: Route | null = { mtu: 1500, ofRoute: false, locked: false };
  route(): Route | null {
    return this.now;
  }
  link(): number {
    return 1500;
  }
  carries(mtu: number, more: Partial<Route> = {}): void {
    this.now = { mtu, ofRoute: false, locked: false, ...more };
  }
}

function pathOf(host: Host, more: Partial<PathContext> = {}): TunnelPath {
  const context: PathContext = {
    gre: GRE,
    fixedMtu: null,
    peer: () => ({ address: '2.2.2.2', port: 4754 }),
    sourcePorts: () => [],
    secTags: () => ({ sci: '0000001111110001', isRecent: (_, pn) => pn === 7 }),
    ...more,
  };
  return new TunnelPath(context, 'gre', host);
}

const FRAME = greFrame();
const SHORT = FRAME.subarray(0, 8);
const FORGED = greFrame({ pn: 6 });

function hear(path: TunnelPath, mtu: number, transport: Buffer = FRAME, nowMs = 0): PathNews[] {
  const packet = fragNeeded(mtu, { protocol: 47, transport });
  const tooBig = readTooBigV4(packet, packet.length)!;
  return path.hear({ tooBig, judgement: path.judge(tooBig), from: '1.1.1.254' }, nowMs);
}

describe('the path of a tunnel', () => {
  it('carries what the own link does, and follows it up and down', () => {
    const host = new Host();
    const path = pathOf(host);
    expect(path).toMatchObject({ octets: 1500, limit: 'link', because: 'the MTU of the own link' });
    for (const mtu of [1000, 1500]) {
      host.carries(mtu);
      expect(path.refresh(0)).toEqual([{ kind: 'changed', because: 'the MTU of the own link' }]);
      expect(path.octets).toBe(mtu);
      expect(path.refresh(0)).toEqual([]);
    }
  });

  it('carries no more than its route says', () => {
    const host = new Host();
    host.carries(1300, { ofRoute: true });
    const path = pathOf(host);
    expect(path).toMatchObject({ octets: 1300, limit: 'route' });
  });

  it('stays as it was while there is no route', () => {
    const host = new Host();
    const path = pathOf(host);
    host.now = null;
    expect(path.refresh(0)).toEqual([]);
    expect(path.octets).toBe(1500);
  });

  it('that ICMP proves to be narrower is followed for ten minutes, then tried again', () => {
    const path = pathOf(new Host());
    expect(hear(path, 1400)).toEqual([
      { kind: 'changed', because: 'ICMP of 1.1.1.254: proven by the packet that it quotes' },
    ]);
    expect(path).toMatchObject({ octets: 1400, limit: 'icmp' });
    expect(path.refresh(599_999)).toEqual([]);
    expect(path.refresh(600_000)).toEqual([
      { kind: 'changed', because: 'what was found is old: the path is tried again' },
    ]);
    expect(path).toMatchObject({ octets: 1500, limit: 'link' });
    expect(path.claims).toEqual({ proven: 1, plausible: 0, refused: 0 });
  });

  it('that ICMP only claims to be narrower is followed for two', () => {
    const path = pathOf(new Host());
    const because = 'ICMP of 1.1.1.254: it quotes too little for a proof';
    expect(hear(path, 1400, SHORT)).toEqual([{ kind: 'changed', because }]);
    expect(path.refresh(119_999)).toEqual([]);
    expect(path.refresh(120_000)).toHaveLength(1);
    expect(path.claims.plausible).toBe(1);
  });

  it('does not follow a message that quotes no packet of ours; that is counted, and told once in ten seconds', () => {
    const path = pathOf(new Host());
    const why =
      'not believed, as the packet that 1.1.1.254 quotes has a packet number (6) that was not sent a moment ago';
    expect(hear(path, 1400, FORGED, 0)).toEqual([{ kind: 'ignored', octets: 1400, why, count: 1 }]);
    expect(hear(path, 1400, FORGED, 9_999)).toEqual([]);
    expect(hear(path, 1300, FORGED, 10_000)).toEqual([{ kind: 'ignored', octets: 1300, why, count: 2 }]);
    expect(path).toMatchObject({ octets: 1500, claims: { refused: 3 } });
  });

  it('is not followed below 1280 octets, whatever is proven', () => {
    const path = pathOf(new Host());
    const why = 'not followed below 1280; if it is true, set tap.mtu';
    expect(hear(path, 1279)).toEqual([{ kind: 'ignored', octets: 1279, why, count: 1 }]);
    expect(path.octets).toBe(1500);
    expect(hear(path, 1280)).toHaveLength(1);
    expect(path.octets).toBe(1280);
  });

  it('is not followed where tap.mtu is a number, or the MTU of the route locked', () => {
    const fixed = pathOf(new Host(), { fixedMtu: 1430 });
    expect(hear(fixed, 1400)).toMatchObject([{ why: 'not followed, tap.mtu is set to 1430' }]);
    expect(fixed.octets).toBe(1500);
    const host = new Host();
    host.carries(1450, { ofRoute: true, locked: true });
    const locked = pathOf(host);
    expect(hear(locked, 1400)).toMatchObject([{ why: 'not followed, the MTU of the route is locked' }]);
    expect(locked.octets).toBe(1450);
  });

  it('is of no interest where outer packets may be fragmented', () => {
    const path = pathOf(new Host(), { gre: { ...GRE, df: false } });
    expect(hear(path, 1400)).toEqual([]);
    expect(path.octets).toBe(1500);
  });

  it('to a peer that may be anywhere is looked at as soon as it is known where that is', () => {
    const host = new Host();
    let peer: { address: string; port: number } | null = null;
    const path = pathOf(host, { gre: { ...GRE, encap: 'udp', remote: 'dynamic' }, peer: () => peer });
    host.carries(1400);
    expect(path.refresh(0)).toEqual([]);
    peer = { address: '2.2.2.2', port: 4754 };
    expect(path.refresh(0)).toHaveLength(1);
    expect(path.octets).toBe(1400);
  });
});

/** A peer that answers probes, and a clock that the test moves. */
class AnsweringPeer implements SearchClock {
  readonly probes: number[] = [];
  carries = 1500;
  readonly #path: TunnelPath;
  #nowMs = 0;
  #due: { atMs: number; wake: () => void } | null = null;

  constructor(path: TunnelPath) {
    this.#path = path;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.#due = { atMs, wake };
  }

  cancel(): void {
    this.#due = null;
  }

  start(): void {
    const probe = (octets: number): void => void this.probes.push(octets);
    this.#path.probeBy({ clock: this, probe, isBusy: () => true });
    this.answer();
  }

  /** Answers what has arrived, and what that leads to. */
  answer(): void {
    for (let last = this.probes.at(-1)!; last <= this.carries; ) {
      this.#path.probeAnswered(last);
      if (this.probes.at(-1) === last) return;
      last = this.probes.at(-1)!;
    }
  }

  pass(ms: number): void {
    const until = this.#nowMs + ms;
    while (this.#due !== null && this.#due.atMs <= until) {
      const { atMs, wake } = this.#due;
      this.#due = null;
      this.#nowMs = atMs;
      wake();
      this.answer();
    }
    this.#nowMs = until;
  }
}

function probed(more: Partial<PathContext> = {}) {
  const host = new Host();
  const path = pathOf(host, more);
  const peer = new AnsweringPeer(path);
  const news: PathNews[] = [];
  path.onNews((some) => news.push(...some));
  return { host, path, peer, news };
}

describe('a path whose peer answers probes', () => {
  it('is probed for what it carries', () => {
    const { path, peer, news } = probed();
    peer.carries = 1400;
    peer.start();
    peer.pass(3 * PROBE_MS);
    expect(news[0]).toEqual({
      kind: 'changed',
      because: 'probes of 1500 octets do not arrive, and smaller ones do',
    });
    peer.pass(30 * PROBE_MS);
    expect(path).toMatchObject({ octets: 1400, limit: 'probes', search: 'complete' });
    const because = 'the peer has had a probe of 1400 octets, and no longer one';
    expect(news.at(-1)).toEqual({ kind: 'changed', because });
    expect(news.slice(1, -1).every(({ kind }) => kind === 'grown')).toBe(true);
    peer.carries = 1500;
    peer.pass(800_000);
    expect(path).toMatchObject({ octets: 1500, limit: 'link' });
    expect(news.at(-1)).toMatchObject({ because: 'the peer has had a probe of 1500 octets' });
  });

  it('takes a claim that proves little for a reason to probe, and for no more', () => {
    const { path, peer } = probed();
    peer.start();
    const before = peer.probes.length;
    expect(hear(path, 1300, SHORT)).toEqual([]);
    expect(peer.probes.slice(before)).toEqual([1500]);
    expect(path.octets).toBe(1500);
  });

  it('follows a claim that is proven at once, and searches what it says later', () => {
    const { path, peer } = probed();
    peer.start();
    peer.carries = 1400;
    expect(hear(path, 1400)).toHaveLength(1);
    expect(path).toMatchObject({ octets: 1400, limit: 'icmp' });
    peer.answer();
    peer.pass(60_000);
    expect(path.octets).toBe(1400);
    peer.carries = 1500;
    peer.pass(800_000);
    expect(path.octets).toBe(1500);
  });

  it('keeps what was found for ten minutes when nobody answers any more', () => {
    const { path, peer } = probed();
    peer.carries = 1400;
    peer.start();
    peer.pass(60_000);
    path.stopProbing(0);
    const sent = peer.probes.length;
    peer.pass(60_000);
    expect(peer.probes).toHaveLength(sent);
    expect(path.refresh(599_999)).toEqual([]);
    expect(path).toMatchObject({ octets: 1400, limit: 'probes', search: 'stopped' });
    expect(path.refresh(600_000)).toHaveLength(1);
    expect(path.octets).toBe(1500);
  });

  it('follows its own link', () => {
    const { host, path, peer } = probed();
    peer.start();
    host.carries(1400);
    expect(path.refresh(0)).toHaveLength(1);
    expect(path.octets).toBe(1400);
    host.carries(1500);
    path.refresh(0);
    peer.answer();
    expect(path).toMatchObject({ octets: 1500, limit: 'link' });
  });

  it.each<[string, Partial<PathContext>]>([
    ['gre.mtuProbeSeconds is 0', { gre: { ...GRE, mtuProbeSeconds: 0 } }],
    ['gre.df is false', { gre: { ...GRE, df: false } }],
    ['tap.mtu is a number', { fixedMtu: 1430 }],
  ])('is not probed where %s', (_, more) => {
    const { path, peer } = probed(more);
    path.probeBy({ clock: peer, probe: (octets) => void peer.probes.push(octets), isBusy: () => true });
    expect(peer.probes).toEqual([]);
    expect(path.search).toBe('stopped');
  });
});
