/** A running SecY takes a new configuration: what stays keeps its state, what is new begins, what goes is gone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MacsecConfig, SaConfig } from '../../../src/macsec/config.ts';
import { configureSecy, createSecy, MAX_KEY_SLOTS, MAX_RX_SC } from '../../../src/macsec/configure.ts';
import {
  countersAt,
  RxSaCounter,
  readNextPn,
  secyCountersLen,
  TxSaCounter,
} from '../../../src/macsec/counters.ts';
import { PnGrant } from '../../../src/macsec/packet-number.ts';
import type { SaShare, SecY, SecySpec } from '../../../src/macsec/secy.ts';
import { AN_MASK, pnAt, tciAt } from '../../../src/wire/sectag.ts';
import { BATCH_PROVIDER, frameOf, macsecConfig, rxScOf, SCI, Site, saOf } from './kit.ts';

const OTHER = '0000003333330001';
const KEYS = ['11', '33', '44', '55'].map((octet) => octet.repeat(16));

/** An SA with its number among those of the process, as the main thread tells lanes apart what is old and new. */
interface Numbered {
  readonly sa: SaConfig;
  readonly share: SaShare;
}

let serial = 0;
function txOf(an: number, key: string, start = 1n): Numbered {
  const grant = new PnGrant(start);
  grant.grant(start + 1_000_000n, start + 1_000_000n);
  return { sa: saOf({ an }, key), share: { pn: grant.shared, nextPn: 0n, serial: ++serial } };
}
function rxOf(an: number, key: string, nextPn = 1n): Numbered {
  return { sa: saOf({ an }, key), share: { pn: null, nextPn, serial: ++serial } };
}

interface Layout {
  readonly tx?: readonly Numbered[];
  readonly rx?: readonly {
    readonly sci?: string;
    readonly index?: number;
    readonly active?: boolean;
    readonly sas: readonly Numbered[];
  }[];
  readonly config?: Partial<MacsecConfig>;
}

function specOf({ tx = [], rx = [], config = {} }: Layout): SecySpec {
  return {
    config: macsecConfig({
      replayWindow: 8,
      txSa: tx.map(({ sa }) => sa),
      rxSc: rx.map(({ sci = SCI, sas, active = true }) => ({ sci, active, sa: sas.map(({ sa }) => sa) })),
      ...config,
    }),
    sci: SCI,
    txShare: tx.map(({ share }) => share),
    rxShare: rx.map(({ sas }) => sas.map(({ share }) => share)),
    rxIndex: rx.map(({ index }, i) => index ?? i),
  };
}

/** A SecY with the room that a lane's has, in the clothes of the kit's Site. */
function running(layout: Layout): { site: Site; secy: SecY; counters: Float64Array } {
  const site = new Site(macsecConfig());
  const counters = new Float64Array(secyCountersLen(MAX_RX_SC));
  const secy = createSecy(specOf(layout), BATCH_PROVIDER.openKeyring(MAX_KEY_SLOTS), counters);
  return { site: Object.assign(site, { secy, counters }), secy, counters };
}

const tagOf = (frame: Buffer): [number, number] => [tciAt(frame, 0) & AN_MASK, pnAt(frame, 0)];
const tagsOf = (site: Site, frames: number): [number, number][] =>
  site.protect(Array.from({ length: frames }, () => frameOf(60))).alive.map(tagOf);

describe('a new configuration for a SecY that sends', () => {
  it('an SA that stays goes on with its numbers, and with its counters', () => {
    const old = txOf(0, KEYS[0]!);
    const { site, secy, counters } = running({ tx: [old] });
    expect(tagsOf(site, 2)).toEqual([
      [0, 1],
      [0, 2],
    ]);
    configureSecy(secy, specOf({ tx: [old, txOf(1, KEYS[1]!)], config: { replayWindow: 99 } }));
    expect(tagsOf(site, 1)).toEqual([[0, 3]]);
    expect(counters[countersAt.txSa(0) + TxSaCounter.outPktsEncrypted]).toBe(3);
  });

  it('transmit moves to another AN with the first frame after it, and back', () => {
    const tx = [txOf(0, KEYS[0]!), txOf(1, KEYS[1]!)];
    const { site, secy } = running({ tx });
    expect(tagsOf(site, 1)).toEqual([[0, 1]]);
    configureSecy(secy, specOf({ tx, config: { encodingSa: 1 } }));
    expect(tagsOf(site, 1)).toEqual([[1, 1]]);
    configureSecy(secy, specOf({ tx, config: { encodingSa: 0 } }));
    expect(tagsOf(site, 1)).toEqual([[0, 2]]);
  });

  it('a new SA in the place of an old one has its own key, numbers and counters', () => {
    const { site, secy, counters } = running({ tx: [txOf(0, KEYS[0]!)] });
    tagsOf(site, 3);
    configureSecy(secy, specOf({ tx: [txOf(0, KEYS[1]!, 500n)] }));
    expect(counters[countersAt.txSa(0) + TxSaCounter.outPktsEncrypted]).toBe(0);
    const sealed = site.protect([frameOf(60)]).alive[0]!;
    expect(tagOf(sealed)).toEqual([0, 500]);
    const receiver = new Site(macsecConfig({ rxSc: [rxScOf([saOf({}, KEYS[1])])] }));
    expect(receiver.validate([sealed]).alive).toEqual([frameOf(60)]);
  });

  it('an SA that is gone, or switched off, sends nothing: never in clear', () => {
    const old = txOf(0, KEYS[0]!);
    const { site, secy } = running({ tx: [old] });
    configureSecy(secy, specOf({ tx: [{ ...old, sa: { ...old.sa, active: false } }] }));
    expect(site.protect([frameOf(60)]).frames).toEqual(['NoTxSa']);
    configureSecy(secy, specOf({ tx: [] }));
    expect(site.protect([frameOf(60)]).frames).toEqual(['NoTxSa']);
    configureSecy(secy, specOf({ tx: [old] }));
    expect(tagsOf(site, 1)).toHaveLength(1);
  });

  it.each<[string, Partial<MacsecConfig>, number]>([
    ['encrypt off', { encrypt: false }, 0x20],
    ['send_sci off', { sendSci: false }, 0x0c],
    ['end_station on', { sendSci: false, endStation: true }, 0x4c],
    ['scb on', { sendSci: false, scb: true }, 0x1c],
    ['back', {}, 0x2c],
  ])('%s shows in the next TCI', (_, config, tci) => {
    const tx = [txOf(0, KEYS[0]!)];
    const { site, secy } = running({ tx });
    tagsOf(site, 1);
    configureSecy(secy, specOf({ tx, config }));
    const sealed = site.protect([frameOf(100)]).alive[0]!;
    expect([tciAt(sealed, 0), pnAt(sealed, 0)]).toEqual([tci, 2]);
    expect(sealed.length).toBe(100 + 16 + (tci & 0x20 ? 16 : 8));
  });

  it('protect off and on again', () => {
    const tx = [txOf(0, KEYS[0]!)];
    const { site, secy } = running({ tx });
    configureSecy(secy, specOf({ tx, config: { protect: false } }));
    expect(site.protect([frameOf(60)]).alive).toEqual([frameOf(60)]);
    configureSecy(secy, specOf({ tx }));
    expect(tagsOf(site, 1)).toEqual([[0, 1]]);
  });

  it('cipher, ICV length and SCI are what they were at its birth', () => {
    const { secy } = running({ tx: [txOf(0, KEYS[0]!)] });
    configureSecy(secy, { ...specOf({ config: { cipher: 'gcm-aes-xpn-128', icvLen: 8 } }), sci: OTHER });
    expect([secy.xpn, secy.icvLen, secy.sciHigh, secy.sciLow]).toEqual([
      false,
      16,
      Number.parseInt(SCI.slice(0, 8), 16),
      Number.parseInt(SCI.slice(8), 16),
    ]);
  });

  it('no number comes twice under a key, whatever is installed, encoded with, removed and sent', () => {
    const step = fc.record({
      /** By AN: which of three keys. */
      layout: fc.dictionary(fc.constantFrom('0', '1', '2', '3'), fc.nat(2)),
      encodingSa: fc.nat(3),
      frames: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const known = new Map<string, Numbered>();
        const { site, secy } = running({});
        const used = new Map<string, Set<number>>();
        for (const { layout, encodingSa, frames } of steps) {
          const tx = Object.entries(layout).map(([an, key]) => {
            const name = `${an} ${key}`;
            if (!known.has(name)) known.set(name, txOf(Number(an), `${an}${key}`.repeat(16)));
            return known.get(name)!;
          });
          configureSecy(secy, specOf({ tx, config: { encodingSa } }));
          const outcome = site.protect(Array.from({ length: frames }, () => frameOf(60)));
          const key = layout[String(encodingSa)];
          if (key === undefined) {
            expect(outcome.frames).toEqual(Array(frames).fill('NoTxSa'));
            continue;
          }
          const name = `${encodingSa} ${key}`;
          if (!used.has(name)) used.set(name, new Set());
          expect(outcome.alive).toHaveLength(frames);
          for (const [an, pn] of outcome.alive.map(tagOf)) {
            expect(an).toBe(encodingSa);
            expect(used.get(name)!.has(pn)).toBe(false);
            used.get(name)!.add(pn);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** Frames 1, 2, 3, … of a peer with this key. */
const peerFrames = (key: string, count: number, an = 0): Buffer[] =>
  new Site(macsecConfig({ txSa: [saOf({ an }, key)], encodingSa: an })).protect(
    Array.from({ length: count }, (_, i) => frameOf(60, i)),
  ).alive;

describe('a new configuration for a SecY that receives', () => {
  it('an SA that stays knows what it has seen', () => {
    const sas = [rxOf(0, KEYS[0]!)];
    const { site, secy } = running({ rx: [{ sas }] });
    const [one, two] = peerFrames(KEYS[0]!, 2);
    expect(site.validate([one!]).alive).toHaveLength(1);
    configureSecy(secy, specOf({ rx: [{ sas: [...sas, rxOf(1, KEYS[1]!)] }], config: { encrypt: false } }));
    expect(site.validate([one!, two!]).frames).toEqual(['InPktsLate', frameOf(60, 1)]);
  });

  it.each<[string, Partial<MacsecConfig>]>([
    ['a smaller window', { replayWindow: 2 }],
    ['a larger window', { replayWindow: 4096 }],
    ['protection switched off and on', {}],
  ])('%s lets nothing in that was seen before', (_, config) => {
    const rx = [{ sas: [rxOf(0, KEYS[0]!)] }];
    const { site, secy } = running({ rx });
    const frames = peerFrames(KEYS[0]!, 6);
    site.validate(frames.slice(0, 5));
    configureSecy(secy, specOf({ rx, config: { replayProtect: false } }));
    configureSecy(secy, specOf({ rx, config }));
    expect(site.validate(frames).frames).toEqual([...Array(5).fill('InPktsLate'), frameOf(60, 5)]);
  });

  it('a larger window keeps the place of an XPN beyond 2^53', () => {
    const pn = 2n ** 60n + 7n;
    const config = { cipher: 'gcm-aes-xpn-128', replayWindow: 4 } as const;
    const extended = saOf({ pn, ssci: 1, salt: Buffer.alloc(12, 7) });
    const sas = [{ sa: extended, share: { pn: null, nextPn: pn, serial: ++serial } }];
    const { site, secy, counters } = running({ rx: [{ sas }], config });
    const frames = new Site(macsecConfig({ ...config, txSa: [extended], rxSc: [] })).protect(
      Array(3).fill(frameOf(60)),
    ).alive;
    site.validate(frames.slice(0, 2));
    configureSecy(secy, specOf({ rx: [{ sas }], config: { ...config, replayWindow: 64 } }));
    expect(site.validate(frames).frames).toEqual(['InPktsLate', 'InPktsLate', frameOf(60)]);
    expect(readNextPn(counters, countersAt.rxSa(0, 0) + RxSaCounter.nextPn)).toBe(pn + 3n);
  });

  it('a new SA in the place of an old one has its own key, replay window and counters', () => {
    const { site, secy, counters } = running({ rx: [{ sas: [rxOf(0, KEYS[0]!)] }] });
    const [old, more] = peerFrames(KEYS[0]!, 2);
    site.validate([old!]);
    configureSecy(secy, specOf({ rx: [{ sas: [rxOf(0, KEYS[1]!, 3n)] }] }));
    const at = countersAt.rxSa(0, 0);
    expect([counters[at + RxSaCounter.inPktsOk], counters[at + RxSaCounter.nextPn]]).toEqual([0, 3]);
    const fresh = peerFrames(KEYS[1]!, 3);
    expect(site.validate([more!, ...fresh]).frames).toEqual([...Array(3).fill('InPktsLate'), frameOf(60, 2)]);
  });

  it('an SA that is gone, or switched off, receives nothing', () => {
    const sa = rxOf(0, KEYS[0]!);
    const { site, secy } = running({ rx: [{ sas: [sa] }] });
    const [one, two, three] = peerFrames(KEYS[0]!, 3);
    configureSecy(secy, specOf({ rx: [{ sas: [{ ...sa, sa: { ...sa.sa, active: false } }] }] }));
    expect(site.validate([one!]).frames).toEqual(['InPktsNotUsingSA']);
    configureSecy(secy, specOf({ rx: [{ sas: [] }] }));
    expect(site.validate([two!]).frames).toEqual(['InPktsNotUsingSA']);
    configureSecy(secy, specOf({ rx: [] }));
    // This SecY has the SCI of its sender.
    expect(site.validate([three!]).frames).toEqual(['OwnSci']);
  });

  it('a channel that is switched off receives nothing, and goes on where it was when it is on again', () => {
    const sas = [rxOf(0, KEYS[0]!)];
    const { site, secy } = running({ rx: [{ sas }] });
    const [one, two, three] = peerFrames(KEYS[0]!, 3);
    site.validate([one!]);
    configureSecy(secy, specOf({ rx: [{ sas, active: false }] }));
    expect(site.validate([two!]).frames).toEqual(['InPktsNotUsingSA']);
    configureSecy(secy, specOf({ rx: [{ sas }] }));
    expect(site.validate([one!, three!]).frames).toEqual(['InPktsLate', frameOf(60, 2)]);
  });

  it('a channel keeps its counters when the one before it goes', () => {
    const mine = { index: 1, sas: [rxOf(0, KEYS[0]!)] };
    const { site, secy, counters } = running({ rx: [{ sci: OTHER, index: 0, sas: [] }, mine] });
    const [one, two] = peerFrames(KEYS[0]!, 2);
    site.validate([one!]);
    configureSecy(secy, specOf({ rx: [mine] }));
    expect(site.validate([one!, two!]).frames).toEqual(['InPktsLate', frameOf(60, 1)]);
    expect(counters[countersAt.rxSa(1, 0) + RxSaCounter.inPktsOk]).toBe(2);
  });

  it.each<[MacsecConfig['validate'], (string | Buffer)[]]>([
    ['strict', ['InPktsNoTag']],
    ['check', [frameOf(60)]],
    ['disabled', [frameOf(60)]],
  ])('validate %s holds for the next frame', (validate, frames) => {
    const { site, secy } = running({ config: { validate: validate === 'strict' ? 'check' : 'strict' } });
    configureSecy(secy, specOf({ config: { validate } }));
    expect(site.validate([frameOf(60)]).frames).toEqual(frames);
  });
});

describe('a SecY that takes the place of one that has counted', () => {
  /** Built over the counters of another one. */
  function successor(before: { counters: Float64Array }, layout: Layout, counted: readonly number[]): Site {
    const spec = { ...specOf(layout), counted };
    const secy = createSecy(spec, BATCH_PROVIDER.openKeyring(MAX_KEY_SLOTS), before.counters);
    return Object.assign(new Site(macsecConfig()), { secy, counters: before.counters });
  }

  it('counts on for the same SAs, and publishes no lower packet number', () => {
    const [tx, rx] = [txOf(0, KEYS[0]!), rxOf(0, KEYS[1]!)];
    const old = running({ tx: [tx], rx: [{ sas: [rx] }] });
    tagsOf(old.site, 3);
    const frames = peerFrames(KEYS[1]!, 3);
    old.site.validate(frames.slice(0, 2));
    const goesOn = { sa: rx.sa, share: { ...rx.share, nextPn: 3n } };
    const serials = [tx.share.serial!, rx.share.serial!];
    const site = successor(old, { tx: [tx], rx: [{ sas: [goesOn] }] }, serials);
    const txAt = countersAt.txSa(0) + TxSaCounter.nextPn;
    expect(readNextPn(old.counters, txAt)).toBe(4n);
    expect(site.validate(frames).frames).toEqual(['InPktsLate', 'InPktsLate', frameOf(60, 2)]);
    expect(old.counters[countersAt.rxSa(0, 0) + RxSaCounter.inPktsOk]).toBe(3);
    tagsOf(site, 1);
    expect(readNextPn(old.counters, txAt)).toBeGreaterThan(4n);
  });

  it('begins at 0 for an SA that is another', () => {
    const [tx, rx] = [txOf(0, KEYS[0]!), rxOf(0, KEYS[1]!)];
    const old = running({ tx: [tx], rx: [{ sas: [rx] }] });
    tagsOf(old.site, 3);
    old.site.validate(peerFrames(KEYS[1]!, 2));
    successor(old, { tx: [txOf(0, KEYS[2]!)], rx: [{ sas: [rxOf(0, KEYS[3]!, 7n)] }] }, [
      tx.share.serial!,
      rx.share.serial!,
    ]);
    expect(readNextPn(old.counters, countersAt.txSa(0) + TxSaCounter.nextPn)).toBe(0n);
    expect(old.counters[countersAt.rxSa(0, 0) + RxSaCounter.inPktsOk]).toBe(0);
    expect(readNextPn(old.counters, countersAt.rxSa(0, 0) + RxSaCounter.nextPn)).toBe(7n);
  });
});
