/** Control frames between two ends: who is live, what moves it, what a recording can do; probes and their answers. */
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LinkKind, writeControlFrame } from '../../../src/link/frame.ts';
import { linkKeyOfSak } from '../../../src/link/keys.ts';
import type { HandedLink } from '../../../src/link/link-control.ts';
import { ANSWER_GAP_MS, MAX_PROBES } from '../../../src/link/settings.ts';
import { type End, ends, linked, SCIS } from './kit.ts';

const NEW_SAK = createSecretKey(Buffer.alloc(16, 0x44));

describe('two ends of a link', () => {
  it('find each other within a round trip or two, whoever is first', () => {
    const [a, b, time] = ends();
    a.control.start();
    time.pass(5000);
    expect(a.control.isLive).toBe(false);
    b.control.start();
    time.pass(250);
    expect(a.control.isLive).toBe(true);
    expect(b.control.isLive).toBe(true);
    expect(a.events).toEqual([{ name: 'live', sci: SCIS[1], again: false }]);
    expect(b.names).toEqual(['live']);
  });

  it('stay live by hellos alone, one per helloMs each', () => {
    const [a, b, time] = linked();
    const hellos = () => a.sent.filter((frame) => frame[19] === LinkKind.Hello).length;
    const before = hellos();
    time.pass(60_000);
    expect(a.names).toEqual(['live']);
    expect(b.names).toEqual(['live']);
    expect(hellos() - before).toBe(60);
  });

  it('lose a peer that is silent within lifeMs, and find it again when it is back', () => {
    const [a, b, time] = linked();
    b.isCut = true;
    time.pass(3500);
    expect(a.control.isLive).toBe(false);
    expect(a.events.at(-1)).toEqual({ name: 'lost', why: 'silent' });
    // The other end hears us still, and that it is not heard.
    time.pass(3500);
    expect(b.control.isLive).toBe(false);
    b.isCut = false;
    time.pass(1200);
    expect(a.names).toEqual(['live', 'lost', 'live']);
    expect(b.names).toEqual(['live', 'lost', 'live']);
  });

  it('are told when the peer goes, and need not wait for it', () => {
    const [a, b, time] = linked();
    b.control.stop(true);
    time.pass(10);
    expect(a.events.at(-1)).toEqual({ name: 'lost', why: 'left' });
    // What it said last brings nobody back.
    a.hear(b.sent.at(-1)!);
    a.hear(b.sent.at(-2)!);
    expect(a.control.isLive).toBe(false);
    expect(a.refusals).toEqual(['Replayed']);
  });

  it('notice a peer that has started anew, without a time in which it is lost', () => {
    const [a, b, time] = linked();
    b.startAnew(0x77);
    b.control.start();
    time.pass(300);
    expect(a.events.at(-1)).toEqual({ name: 'live', sci: SCIS[1], again: true });
    expect(a.names).toEqual(['live', 'live']);
    expect(b.control.isLive).toBe(true);
  });

  it('wait for a peer that says that it sends less often than we', () => {
    const [a, b, time] = linked({ helloMs: 500, lifeMs: 1500 }, { helloMs: 5000, lifeMs: 15_000 });
    time.pass(60_000);
    expect(a.names).toEqual(['live']);
    expect(b.names).toEqual(['live']);
  });

  it('go on through a rotation: receive with the new key, transmit with it, forget the old one', () => {
    const [a, b, time] = linked();
    const [newA, newB] = [linkKeyOfSak(NEW_SAK, SCIS[0]), linkKeyOfSak(NEW_SAK, SCIS[1])];
    b.keys = { ...b.keys, rx: [...b.keys.rx, newA] };
    time.pass(2000);
    a.keys = { tx: newA, rx: [...a.keys.rx, newB] };
    time.pass(2000);
    b.keys = { tx: newB, rx: [newA] };
    time.pass(2000);
    a.keys = { tx: newA, rx: [newB] };
    time.pass(10_000);
    expect(a.names).toEqual(['live']);
    expect(b.names).toEqual(['live']);
  });

  it('say nothing before they are told to, whatever comes', () => {
    const [a, b, time] = ends();
    a.control.start();
    time.pass(5000);
    expect(b.proofs).not.toHaveLength(0);
    expect(b.proofs).not.toContain(true);
    expect(b.sent).toHaveLength(0);
    expect(b.control.isLive).toBe(false);
  });
});

describe('a recording', () => {
  it('makes nobody live, moves nobody, and gets a bounded number of answers', () => {
    const [a, b, time] = linked();
    time.pass(5000);
    const recorded = [...b.sent];
    // Only one is there, and has started anew since.
    b.control.stop();
    a.startAnew(0x66);
    a.control.start();
    time.pass(200);
    a.proofs.length = 0;
    const before = a.sent.length;
    for (let i = 0; i < 200; i++) {
      for (const frame of recorded) a.hear(frame);
      time.pass(10);
    }
    expect(a.control.isLive).toBe(false);
    expect(a.proofs).not.toContain(true);
    expect(a.sent.length - before).toBeLessThanOrEqual(2000 / ANSWER_GAP_MS + 2);
  });

  it('of the present session is refused: numbers rise', () => {
    const [a, b] = linked();
    for (const frame of b.sent) a.hear(frame);
    expect(new Set(a.refusals)).toEqual(new Set(['Replayed']));
  });

  it('of the member that the peer was cannot bring it back', () => {
    const [a, b, time] = linked();
    const old = b.sent.at(-1)!;
    b.startAnew(0x77);
    b.control.start();
    time.pass(300);
    a.hear(old);
    expect(a.refusals).toEqual(['Replayed']);
    expect(a.names.filter((name) => name === 'live')).toHaveLength(2);
  });
});

describe('what is refused', () => {
  const frame = (key = linkKeyOfSak(NEW_SAK, SCIS[1]), changes: object = {}): Buffer =>
    writeControlFrame(
      {
        ...{ kind: LinkKind.Hello, sci: SCIS[1], mi: '55'.repeat(12), mn: 1, heard: null },
        ...{ body: Buffer.alloc(4), ...changes },
      },
      key,
    );

  it('of another key, reflected, unsent, or too short for its kind is counted by name', () => {
    const [a, b] = linked();
    const key = b.keys.tx!;
    a.hear(frame());
    a.hear(frame({ ...key, icvKey: NEW_SAK }));
    a.hear(frame(key, { sci: SCIS[0] }));
    a.hear(frame(key, { heard: { mi: '01'.repeat(12), mn: 9999 } }));
    a.hear(frame(key, { body: Buffer.alloc(3) }));
    a.hear(frame(key), 200);
    const expected = ['UnknownKey', 'WrongIcv', 'OwnMessage', 'UnsentMessage', 'BodyLength', 'FrameLength'];
    expect(a.refusals).toEqual(expected);
    expect([...a.control.snapshot.refused]).toEqual(expected.map((name) => [name, 1]));
    expect(a.control.isLive).toBe(true);
  });

  it('an unknown kind is a sign of life and nothing else', () => {
    const [a, b, time] = linked();
    b.isCut = true;
    for (let mn = 1000; time.nowMs < 20_000; mn++) {
      const heard = { mi: '01'.repeat(12), mn: a.sent.length };
      a.hear(frame(b.keys.tx!, { kind: 99, mi: '02'.repeat(12), mn, heard, body: Buffer.alloc(0) }));
      time.pass(1000);
    }
    expect(a.control.isLive).toBe(true);
    expect(a.refusals).toEqual([]);
  });
});

describe('a probe', () => {
  it('is answered by the other end, and tells how long a frame has come through', () => {
    const [a, b, time] = linked();
    expect(a.control.probe(1400)).toBe(true);
    expect(a.sent.at(-1)).toHaveLength(1400);
    time.pass(10);
    expect(a.events.at(-1)).toEqual({ name: 'answered', frameLen: 1400, roundTripMs: 10 });
    expect(b.sent.at(-1)!.length).toBeLessThan(120);
  });

  it('that is lost is not answered, and does not trouble the next', () => {
    const [a, , time] = linked();
    a.isCut = true;
    a.control.probe(9000);
    time.pass(100);
    a.isCut = false;
    a.control.probe(1500);
    time.pass(100);
    expect(a.events.slice(1)).toEqual([{ name: 'answered', frameLen: 1500, roundTripMs: 10 }]);
  });

  it('is not sent while no peer is live', () => {
    const [a] = ends();
    a.control.start();
    expect(a.control.probe(1400)).toBe(false);
    expect(a.sent).toHaveLength(1);
  });

  it('that came shorter than it was sent gets no answer', () => {
    const [a, b, time] = linked();
    const before = b.sent.length;
    a.isCut = true;
    a.control.probe(1400);
    b.hear(a.sent.at(-1)!.subarray(0, 1024), 1300);
    time.pass(50);
    expect(b.refusals).toEqual(['FrameLength']);
    expect(b.sent).toHaveLength(before);
  });

  it('waits among a bounded number of others', () => {
    const [a, , time] = linked();
    for (let i = 0; i < MAX_PROBES + 4; i++) a.control.probe(200 + i);
    time.pass(50);
    const answered = a.events.filter(({ name }) => name === 'answered');
    expect(answered).toHaveLength(MAX_PROBES);
  });
});

describe('an end without a key to send with', () => {
  it('begins when it has one', () => {
    const [a, b, time] = ends();
    const { tx } = a.keys;
    a.keys = { ...a.keys, tx: null };
    for (const end of [a, b] as End[]) end.control.start();
    time.pass(3000);
    expect(a.sent).toHaveLength(0);
    a.keys = { ...a.keys, tx };
    time.pass(1500);
    expect(a.control.isLive && b.control.isLive).toBe(true);
  });
});

describe('a hello', () => {
  const figures = (lost: number) => ({ expected: 1000, lost, reordered: 3 });

  it('tells what came of what the peer sent, until the peer is lost', () => {
    const [a, b, time] = linked();
    expect(a.control.snapshot.peerReport).toBeNull();
    b.pathReport = { total: figures(7), minute: figures(1) };
    time.pass(1500);
    expect(a.control.snapshot.peerReport).toEqual(b.pathReport);
    b.isCut = true;
    time.pass(4000);
    expect(a.control.snapshot.peerReport).toBeNull();
  });

  it('is followed by a probe that measures the round trip, once in ten seconds', () => {
    const [a, b, time] = linked();
    time.pass(100);
    expect(a.control.snapshot).toMatchObject({ roundTripMs: 10, leastRoundTripMs: 10 });
    const probes = () => a.sent.filter((frame) => frame[19] === LinkKind.Probe).length;
    const before = probes();
    time.pass(60_000);
    expect(probes() - before).toBe(6);
    expect(a.names).toEqual(['live']);
    b.isCut = true;
    time.pass(4000);
    expect(a.control.snapshot.roundTripMs).toBeNull();
  });
});
describe('an end that another process goes on with', () => {
  it('is the same to its peer, and knows it still', () => {
    const [a, b, time] = linked();
    time.pass(2000);
    a.control.rest();
    const handed = structuredClone(a.control.handed);
    const before = [a.sent.length, b.events.length, a.events.length];
    time.pass(300);
    expect(a.sent.length).toBe(before[0]);
    a.startAnew(77);
    a.control.goOn(handed, 0);
    expect(a.control.isLive).toBe(true);
    a.control.wake();
    time.pass(60_000);
    expect([a.control.isLive, b.control.isLive]).toEqual([true, true]);
    expect([b.events.length, a.events.length]).toEqual(before.slice(1));
    expect([...a.refusals, ...b.refusals]).toEqual([]);
  });

  it('goes by its own clock', () => {
    const [a, b, time] = linked();
    a.control.rest();
    const handed = structuredClone(a.control.handed);
    a.startAnew(77);
    // As if the other process had been started a minute later.
    a.control.goOn({ ...handed, ...shifted(handed, 60_000) }, -60_000);
    a.control.wake();
    time.pass(10_000);
    expect([...a.names, ...b.names]).toEqual(['live', 'live']);
  });
});

function shifted({ own, peer, lastSentMs }: HandedLink, byMs: number): Partial<HandedLink> {
  return {
    own: { ...own, sentMs: own.sentMs.map((ms) => ms + byMs) },
    peer: {
      ...peer,
      heardMs: peer.heardMs + byMs,
      sinceMs: peer.sinceMs + byMs,
      expiresMs: peer.expiresMs + byMs,
    },
    lastSentMs: lastSentMs + byMs,
  };
}
