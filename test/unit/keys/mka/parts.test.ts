/** The small parts of a KaY, each by itself: numbers, requests, history, floors, events. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { electKeyServer } from '../../../../src/keys/mka/election.ts';
import { EventGate } from '../../../../src/keys/mka/event-gate.ts';
import type { MkaEvent } from '../../../../src/keys/mka/events.ts';
import { Identity } from '../../../../src/keys/mka/identity.ts';
import { isAnInUse, nextAn } from '../../../../src/keys/mka/key-server.ts';
import type { BasicSet } from '../../../../src/keys/mka/mkpdu.ts';
import { type Listing, type Peer, Peers } from '../../../../src/keys/mka/peers.ts';
import { PortKeys } from '../../../../src/keys/mka/port-keys.ts';
import { SakHistory } from '../../../../src/keys/mka/sak-history.ts';
import { type SakConditions, type SakReason, SakRequests } from '../../../../src/keys/mka/sak-requests.ts';
import { TransmitFloor } from '../../../../src/keys/mka/transmit-floor.ts';
import { sakNumber } from './session/puppet.ts';

describe('Identity', () => {
  it('numbers messages from 1, and says how old one is', () => {
    const me = new Identity(randomBytes);
    expect([me.takeMn(1000), me.takeMn(1500)]).toEqual([1, 2]);
    expect([me.ageOf(1, 2000), me.ageOf(2, 2000)]).toEqual([1000, 500]);
  });

  it('knows no age of a message that was never sent, or of one too long ago', () => {
    const me = new Identity(randomBytes);
    for (let i = 0; i < 300; i++) me.takeMn(i);
    expect([0, 301, 44, 45].map((mn) => me.ageOf(mn, 300))).toEqual([Infinity, Infinity, Infinity, 256]);
  });

  it('says in time that message numbers, or key numbers, end', () => {
    const [byMn, byKn] = [
      { mn: 0xfffffefe, kn: 0 },
      { mn: 0, kn: 0xfffffefe },
    ].map((last) => new Identity(randomBytes, last));
    const taken = [byMn!, byKn!].map((me) => [
      me.takeMn(0),
      me.takeKn(),
      me.isLow,
      me.takeMn(0),
      me.takeKn(),
      me.isLow,
    ]);
    expect(taken).toEqual([
      [0xfffffeff, 1, false, 0xffffff00, 2, true],
      [1, 0xfffffeff, false, 2, 0xffffff00, true],
    ]);
    byMn!.renew();
    expect([byMn!.isLow, byMn!.takeMn(0)]).toEqual([false, 1]);
  });

  it('begins anew under another identifier', () => {
    const me = new Identity(randomBytes);
    const { mi } = me;
    me.takeMn(0);
    me.takeKn();
    me.renew();
    expect(me.mi).not.toBe(mi);
    expect([me.ageOf(1, 0), me.takeMn(0), me.takeKn()]).toEqual([Infinity, 1, 1]);
  });
});

describe('SakRequests', () => {
  const calm: SakConditions = { lastMs: 10_000, isSomebodyJoining: false, isSettled: true, isAnFree: true };
  it.each<[SakReason, Partial<SakConditions>, number]>([
    ['peer joined', {}, 10_300],
    ['peer joined', { isSettled: false }, 10_300],
    ['peer joined', { isSomebodyJoining: true }, 16_000],
    ['peer left', { isAnFree: false }, 16_000],
    ['ordered', {}, 10_300],
    ['ordered', { isSettled: false }, 16_000],
    ['by time', { isSomebodyJoining: true }, 16_000],
    ['packet numbers run out', {}, 16_000],
    ['a peer lacks the SAK', {}, 16_000],
    ['peer joined', { lastMs: Number.NEGATIVE_INFINITY, isSomebodyJoining: true }, Number.NEGATIVE_INFINITY],
  ])('%s with %o: at %d', (reason, conditions, atMs) => {
    const requests = new SakRequests();
    requests.request(reason);
    expect(requests.dueMs({ ...calm, ...conditions })).toBe(atMs);
  });

  it('keep the most urgent reason until a SAK is made', () => {
    const requests = new SakRequests();
    expect(requests.dueMs(calm)).toBe(Infinity);
    for (const reason of [
      'a peer lacks the SAK',
      'by time',
      'peer left',
      'peer joined',
      'ordered',
    ] as const) {
      requests.request(reason);
    }
    expect(requests.reason).toBe('peer left');
    requests.clear();
    expect(requests.reason).toBeNull();
  });
});

describe('SakHistory', () => {
  it('knows a key again by its octets, and the last 4096 of them', () => {
    const history = new SakHistory();
    for (let n = 0; n < 5000; n++) history.add(sakNumber(n));
    const known = (n: number): boolean => history.has(createSecretKey(sakNumber(n).export()));
    expect([5001, 0, 903].map(known)).toEqual([false, false, false]);
    expect([904, 2000, 4999].map(known)).toEqual([true, true, true]);
  });
});

describe('TransmitFloor', () => {
  it('is the number of two seconds ago, and 1 before that', () => {
    const floor = new TransmitFloor();
    const floors = [0, 500, 1000, 1500, 2000, 2600, 9000].map((ms) => floor.sample(BigInt(1 + ms * 10), ms));
    expect(floors).toEqual([1n, 1n, 1n, 1n, 1n, 5001n, 26_001n]);
  });
});

describe('electKeyServer', () => {
  const peer = (priority: number, sci: string, keyServer = true): Peer =>
    ({ sci, basic: { priority, keyServer } as BasicSet }) as Peer;
  it.each([
    [{ priority: 128, sci: '02' }, [peer(129, '01')], 'self'],
    [{ priority: 128, sci: '02' }, [peer(128, '01')], '01'],
    [{ priority: 128, sci: '02' }, [peer(128, '03')], 'self'],
    [{ priority: 128, sci: '02' }, [peer(0, '01', false)], 'self'],
    [{ priority: 255, sci: '01' }, [peer(255, '02')], '02'],
    [{ priority: 255, sci: '01' }, [peer(3, '02', false)], null],
    [{ priority: 128, sci: '09' }, [peer(7, '03'), peer(7, '02'), peer(8, '01')], '02'],
  ])('%o beside %o: %s', (self, live, elected) => {
    const found = electKeyServer(self, live);
    expect(typeof found === 'object' && found !== null ? found.sci : found).toBe(elected);
  });
});

describe('the AN of the next SAK', () => {
  const using = (...ans: [an: number, tx: boolean][]): Peer => {
    const [latest, old] = [...ans, [0, false] as const].map(([an, tx]) => ({
      ki: { mi: 'x', kn: 1 },
      an,
      tx,
      rx: tx,
    }));
    return { sakUse: { latest, old } } as unknown as Peer;
  };
  const keysAt = (lastAn: number, encodingAn: number | null): PortKeys =>
    Object.assign(new PortKeys(), { lastAn, encoding: encodingAn === null ? null : { an: encodingAn } });

  it.each([
    ['begins at 0', keysAt(-1, null), [], 0],
    ['follows the last one', keysAt(3, 3), [], 0],
    ['follows what a peer uses, after a restart', keysAt(-1, null), [using([2, true])], 3],
    ['passes over what a peer still transmits with', keysAt(0, 0), [using([0, true], [1, true])], 2],
    [
      'is the next one where all are in use',
      keysAt(1, 1),
      [using([2, true], [3, true]), using([0, true])],
      2,
    ],
  ])('%s', (_, keys, live, an) => {
    expect(nextAn(keys, live)).toBe(an);
  });

  it('is said to be in use as long as somebody transmits with it', () => {
    expect(isAnInUse(keysAt(1, 1), [], 1)).toBe(true);
    expect(isAnInUse(keysAt(1, 1), [using([2, true])], 2)).toBe(true);
    expect(isAnInUse(keysAt(1, 1), [using([2, false])], 2)).toBe(false);
  });
});

const listing = (isProved: boolean): Listing => ({ provesLife: () => isProved, isMissed: false });
const [PROVED, UNPROVED] = [listing(true), listing(false)];

describe('Peers', () => {
  const said = (mi: string, mn: number, sci = 'aa') =>
    ({ basic: { mi, mn, sci }, sakUse: null, xpn: null, linkControl: null }) as Parameters<Peers['hear']>[0];
  it('that are full let the one go that was not heard for longest', () => {
    const peers = new Peers();
    for (let i = 0; i < 32; i++) peers.hear(said(`m${i}`, 1, `s${i}`), i, 6000, UNPROVED);
    peers.hear(said('m0', 2, 's0'), 100, 6000, UNPROVED);
    peers.hear(said('new', 1, 'new'), 101, 6000, UNPROVED);
    expect(peers.find('m1')).toBeNull();
    expect([peers.find('m0'), peers.find('new')]).not.toContain(null);
    expect(peers.potential).toHaveLength(32);
  });

  it('count as joining only where nobody of that SCI is live', () => {
    const peers = new Peers();
    peers.hear(said('a', 1), 0, 6000, PROVED);
    peers.hear(said('b', 1), 0, 6000, UNPROVED);
    expect(peers.isSomebodyJoining).toBe(false);
    peers.hear(said('c', 1, 'cc'), 0, 6000, UNPROVED);
    expect(peers.isSomebodyJoining).toBe(true);
  });

  it('that prove to be live take the place of all others of their SCI, whose numbers are remembered', () => {
    const peers = new Peers();
    peers.hear(said('a', 5), 0, 6000, PROVED);
    peers.hear(said('b', 1), 0, 6000, UNPROVED);
    expect(peers.hear(said('c', 1), 0, 6000, PROVED)).toMatchObject({
      change: 'live',
      replaced: [{ mi: 'a' }],
    });
    expect([peers.live.length, peers.potential.length]).toEqual([1, 0]);
    expect(peers.hear(said('a', 5), 1, 6000, PROVED)).toBe('ReplayedMn');
    expect(peers.hear(said('a', 6), 1, 6000, PROVED)).toMatchObject({ change: 'live' });
  });

  it('live as long as they prove it, potential ones as long as they are heard', () => {
    const peers = new Peers();
    peers.hear(said('a', 1), 0, 20_000, PROVED);
    peers.hear(said('b', 1, 'bb'), 0, 20_000, UNPROVED);
    peers.hear(said('a', 2), 10_000, 20_000, UNPROVED);
    peers.hear(said('b', 2, 'bb'), 5000, 20_000, UNPROVED);
    expect(peers.dueMs).toBe(11_000);
    expect(peers.expire(11_000).map(({ mi }) => mi)).toEqual(['b']);
    expect(peers.expire(19_999)).toEqual([]);
    expect(peers.expire(20_000).map(({ mi }) => mi)).toEqual(['a']);
    expect(peers.dueMs).toBe(Infinity);
  });
});

describe('EventGate', () => {
  it('tells a refusal once a minute, and how many there were', () => {
    const told: MkaEvent[] = [];
    const gate = new EventGate((event) => told.push(event));
    const refusal = (text: string): MkaEvent => ({ name: 'refused', level: 'warn', text, ckn: null });
    for (let ms = 0; ms < 60_100; ms += 100) gate.tell(refusal('one'), ms);
    gate.tell(refusal('another'), 100);
    expect(told.map(({ text, unheard }) => [text, unheard])).toEqual([
      ['one', undefined],
      ['one', 599],
      ['another', undefined],
    ]);
  });

  it('lets a burst of anything else through, and bounds it', () => {
    let count = 0;
    const gate = new EventGate(() => count++);
    for (let i = 0; i < 1000; i++)
      gate.tell({ name: 'peer live', level: 'info', text: `${i}`, ckn: null }, i);
    expect(count).toBe(60);
  });
});
