/** What a SecY lets through: nothing whose ICV was not right, except where the configuration says so. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAeadJob } from '../../../src/crypto/aead.ts';
import { Drop } from '../../../src/frame/drop.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { countersAt, RxSaCounter, readNextPn } from '../../../src/macsec/counters.ts';
import { createRxScratch, validate } from '../../../src/macsec/validate.ts';
import { pnAt } from '../../../src/wire/sectag.ts';
import { batchOf, frameOf, hex, macsecConfig, outcomeOf, PROVIDERS, rxScOf, SCI, Site, saOf } from './kit.ts';

const OTHER_SCI = '0000003333330001';
const OTHER_KEY = '33'.repeat(16);
const CLEAR = frameOf(62);
const MODES = ['strict', 'check', 'disabled'] as const;

/** What the peer sends: `count` frames from PN `pn` on, all with the same octets in clear. */
function sent(changes: Partial<MacsecConfig> = {}, count = 1, clear = CLEAR, sci = SCI): Buffer[] {
  return new Site(macsecConfig(changes), { sci }).protect(Array(count).fill(clear)).alive;
}

function fromPn(pn: number, changes: Partial<MacsecConfig> = {}): Buffer {
  return sent({ txSa: [saOf({ pn: BigInt(pn) })], ...changes })[0]!;
}

function altered(frame: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(frame);
  copy[at < 0 ? copy.length + at : at]! ^= bits;
  return copy;
}

/** The counters of `ip -s macsec show` that are about receiving, but for the next PN. */
function received(site: Site): Record<string, number> {
  return Object.fromEntries(Object.entries(site.counted).filter(([name]) => !/^Tx|\.pn$/.test(name)));
}

const sc = (counter: string, value = 1): Record<string, number> => ({ [`RxSc.${SCI}.${counter}`]: value });
const sa = (counter: string, value = 1): Record<string, number> => ({ [`RxSa.${SCI}.0.${counter}`]: value });
const both = (counter: string, value = 1): Record<string, number> => ({
  ...sc(counter, value),
  ...sa(counter, value),
});
const secy = (counter: string): Record<string, number> => ({ [`SecY.${counter}`]: 1 });

interface Row {
  readonly name: string;
  readonly frames: () => Buffer[];
  readonly changes?: Partial<MacsecConfig>;
  /** What is expected: by mode, or in all three. Delivered frames are `PASS`. */
  readonly expected: Record<
    (typeof MODES)[number],
    readonly [outcome: string[], counters: Record<string, number>]
  >;
}

const PASS = CLEAR.toString('hex');
const INTEGRITY = { encrypt: false } as const;
const octets = CLEAR.length - 12;
const decrypted = (frames = 1): Record<string, number> => sc('InOctetsDecrypted', frames * octets);
const validated = (frames = 1): Record<string, number> => sc('InOctetsValidated', frames * octets);

function always(
  outcome: string[],
  strictAndCheck: Record<string, number>,
  disabled = strictAndCheck,
): Row['expected'] {
  return {
    strict: [outcome, strictAndCheck],
    check: [outcome, strictAndCheck],
    disabled: [outcome, disabled],
  };
}

/** What Linux makes of a frame, row by row; C=1 is an encrypted frame, C=0 one with integrity only. */
const TABLE: Row[] = [
  {
    name: 'no SecTAG',
    frames: () => [CLEAR],
    expected: {
      strict: [['InPktsNoTag'], secy('InPktsNoTag')],
      check: [[PASS], secy('InPktsUntagged')],
      disabled: [[PASS], secy('InPktsUntagged')],
    },
  },
  {
    name: 'E=1, C=0',
    frames: () => [altered(sent()[0]!, 14, 0x04)],
    expected: always(['NotForMacsec'], {}),
  },
  {
    name: 'unknown SCI, C=1',
    frames: () => sent({}, 1, CLEAR, OTHER_SCI),
    expected: always(['InPktsNoSCI'], secy('InPktsNoSCI')),
  },
  {
    name: 'unknown SCI, C=0',
    frames: () => sent(INTEGRITY, 1, CLEAR, OTHER_SCI),
    expected: {
      strict: [['InPktsNoSCI'], secy('InPktsNoSCI')],
      check: [[PASS], secy('InPktsUnknownSCI')],
      disabled: [[PASS], secy('InPktsUnknownSCI')],
    },
  },
  {
    name: 'known SCI, no SA with this AN, C=1',
    frames: () => [altered(sent()[0]!, 14, 0x01)],
    expected: always(['InPktsNotUsingSA'], sc('InPktsNotUsingSA')),
  },
  {
    name: 'known SCI, no SA with this AN, C=0',
    frames: () => [altered(sent(INTEGRITY)[0]!, 14, 0x01)],
    expected: {
      strict: [['InPktsNotUsingSA'], sc('InPktsNotUsingSA')],
      check: [[PASS], sc('InPktsUnusedSA')],
      disabled: [[PASS], sc('InPktsUnusedSA')],
    },
  },
  {
    name: 'the SA is off, C=1',
    frames: () => sent(),
    changes: { rxSc: [rxScOf([saOf({ active: false })])] },
    expected: always(['InPktsNotUsingSA'], sc('InPktsNotUsingSA')),
  },
  {
    name: 'the RxSC is off, its SA on, C=1',
    frames: () => sent(),
    changes: { rxSc: [rxScOf([saOf()], SCI, false)] },
    expected: always(['InPktsNotUsingSA'], sc('InPktsNotUsingSA')),
  },
  {
    name: 'the RxSC is off, its SA on, C=0',
    frames: () => sent(INTEGRITY),
    changes: { rxSc: [rxScOf([saOf()], SCI, false)] },
    expected: {
      strict: [['InPktsNotUsingSA'], sc('InPktsNotUsingSA')],
      check: [[PASS], sc('InPktsUnusedSA')],
      disabled: [[PASS], sc('InPktsUnusedSA')],
    },
  },
  {
    name: 'bad tag: padding behind the frame',
    frames: () => [Buffer.concat([sent({}, 1, frameOf(42))[0]!, Buffer.alloc(4)])],
    expected: always(['InPktsBadTag'], secy('InPktsBadTag')),
  },
  {
    name: 'bad tag: PN 0',
    frames: () => [altered(sent()[0]!, 19, 0x01)],
    expected: always(['InPktsBadTag'], secy('InPktsBadTag')),
  },
  {
    name: 'PN below the lowest, replay on',
    frames: () => [fromPn(5), fromPn(4)],
    expected: always(
      [PASS, 'InPktsLate'],
      { ...both('InPktsOK'), ...decrypted(), ...sc('InPktsLate') },
      { ...both('InPktsOK'), ...sc('InPktsLate') },
    ),
  },
  {
    name: 'PN below the lowest with a wrong ICV, replay on',
    frames: () => [fromPn(5), altered(fromPn(4), -1, 1)],
    expected: always(
      [PASS, 'InPktsLate'],
      { ...both('InPktsOK'), ...decrypted(), ...sc('InPktsLate') },
      { ...both('InPktsOK'), ...sc('InPktsLate') },
    ),
  },
  {
    name: 'PN below the lowest, replay off, ICV right',
    frames: () => [fromPn(5), fromPn(4)],
    changes: { replayProtect: false },
    expected: always(
      [PASS, PASS],
      { ...both('InPktsOK'), ...decrypted(2), ...sc('InPktsDelayed') },
      { ...both('InPktsOK'), ...sc('InPktsDelayed') },
    ),
  },
  {
    name: 'wrong ICV, C=1',
    frames: () => [altered(sent()[0]!, -1, 1)],
    expected: always(
      ['InPktsNotValid'],
      { ...both('InPktsNotValid'), ...decrypted() },
      both('InPktsNotValid'),
    ),
  },
  {
    name: 'wrong ICV, C=0',
    frames: () => [altered(sent(INTEGRITY)[0]!, -1, 1)],
    expected: {
      strict: [['InPktsNotValid'], { ...both('InPktsNotValid'), ...validated() }],
      check: [[PASS], { ...both('InPktsInvalid'), ...validated() }],
      disabled: [[PASS], sc('InPktsUnchecked')],
    },
  },
  {
    name: 'right, C=1',
    frames: () => sent({}, 3),
    expected: always([PASS, PASS, PASS], { ...both('InPktsOK', 3), ...decrypted(3) }, both('InPktsOK', 3)),
  },
  {
    name: 'right, C=0',
    frames: () => sent(INTEGRITY, 3),
    expected: {
      strict: [[PASS, PASS, PASS], { ...both('InPktsOK', 3), ...validated(3) }],
      check: [[PASS, PASS, PASS], { ...both('InPktsOK', 3), ...validated(3) }],
      disabled: [[PASS, PASS, PASS], sc('InPktsUnchecked', 3)],
    },
  },
  {
    name: 'no SCI, one active receive channel: its SCI',
    frames: () => sent({ sendSci: false }),
    expected: always([PASS], { ...both('InPktsOK'), ...decrypted() }, both('InPktsOK')),
  },
  {
    name: 'no SCI, two receive channels: dropped without a counter of macsec',
    frames: () => sent({ sendSci: false }),
    changes: { rxSc: [rxScOf(), rxScOf([saOf({}, OTHER_KEY)], OTHER_SCI)] },
    expected: always(['NoImplicitSci'], {}),
  },
  {
    name: 'no SCI, end station: the source address and port 1',
    frames: () => sent({ sendSci: false, endStation: true }),
    expected: always(['InPktsNoSCI'], secy('InPktsNoSCI')),
  },
];

describe.each(PROVIDERS)('the receive decision table (802.1AE 10.6), AEAD provider $name', (provider) => {
  describe.each(MODES)('validate %s', (mode) => {
    it.each(TABLE)('$name', ({ frames, changes, expected }) => {
      const [outcome, counters] = expected[mode];
      const config = macsecConfig({ validate: mode, ...changes });
      const together = new Site(config, { provider });
      expect(together.validate(frames()).hex).toEqual(outcome);
      expect(received(together)).toEqual(counters);
      const apart = new Site(config, { provider });
      expect(frames().flatMap((frame) => apart.validate([frame]).hex)).toEqual(outcome);
      expect(received(apart)).toEqual(counters);
    });
  });

  it('a frame from the end station itself is found by its address', () => {
    const clear = Buffer.from(CLEAR);
    hex(SCI).copy(clear, 6, 0, 6);
    const frames = sent({ sendSci: false, endStation: true }, 1, clear);
    expect(new Site(macsecConfig(), { provider }).validate(frames).alive).toEqual([clear]);
  });
});

describe.each(PROVIDERS)('an attacker on the path, AEAD provider $name', (provider) => {
  it.each([
    ['encrypted', {}],
    ['integrity only', INTEGRITY],
    ['without SCI', { sendSci: false }],
    ['with an ICV of 8', { icvLen: 8 }],
  ] as const)('one altered bit never reaches the TAP: %s', (_, changes) => {
    const site = new Site(macsecConfig(changes), { provider });
    const [frame] = sent(changes, 1, frameOf(70));
    const forged = Array.from({ length: frame!.length * 8 }, (__, bit) =>
      altered(frame!, bit >> 3, 1 << (bit & 7)),
    );
    expect(site.validate(forged).alive).toEqual([]);
    expect(site.counted[`RxSa.${SCI}.0.pn`]).toBe(1);
    // And none of them keeps the true one out.
    expect(site.validate([frame!]).alive).toEqual([frameOf(70)]);
  });

  it('a replayed frame is dropped and counted late, in the same batch and later', () => {
    const site = new Site(macsecConfig({ replayWindow: 64 }), { provider });
    const [frame] = sent();
    expect(site.validate([frame!, frame!]).hex).toEqual([PASS, 'InPktsLate']);
    expect(site.validate([frame!]).hex).toEqual(['InPktsLate']);
    expect(received(site)).toEqual({ ...both('InPktsOK'), ...decrypted(), ...sc('InPktsLate', 2) });
  });

  it('a forged frame with a high packet number does not shut the window', () => {
    const site = new Site(macsecConfig(), { provider });
    const forged = altered(sent()[0]!, 16, 0x80);
    expect(site.validate([forged, ...sent({}, 2)]).hex).toEqual(['InPktsNotValid', PASS, PASS]);
  });

  it('a frame of one user octet, which is no Ethernet frame, never reaches the TAP', () => {
    for (const mode of MODES) {
      for (const encrypt of [true, false]) {
        for (const an of [0, 1]) {
          const site = new Site(macsecConfig({ validate: mode }), { provider });
          const [tiny] = sent({ encrypt }, 1, frameOf(13));
          expect(site.validate([altered(tiny!, 14, an)]).alive).toEqual([]);
        }
      }
    }
  });

  it('octets at random never throw, never pass strict, and are read no further than their end', () => {
    const start = fc.constantFrom(
      '',
      '88 e5 2c 00',
      '88 e5 20 00',
      '88 e5 0c 00',
      '88 e5 2c 1e',
      '88 e5 4c 01',
      '88 e5 23 00',
    );
    const config = macsecConfig({ rxSc: [rxScOf([0, 1, 2, 3].map((an) => saOf({ an })))] });
    const site = new Site(config, { provider });
    const one = fc
      .tuple(fc.uint8Array({ minLength: 14, maxLength: 120 }), start, fc.boolean())
      .map(([noise, tag, known]) => {
        const frame = Buffer.from(noise);
        hex(tag).copy(frame, 12);
        if (known) hex(SCI).copy(frame, 20);
        return frame;
      });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 30 }), (frames) => {
        const verdicts = [0x00, 0xff].map((fill) => {
          const filled = batchOf(frames, fill);
          validate(
            site.secy,
            filled,
            createAeadJob(filled.arena, filled.at),
            createRxScratch(filled.capacity),
          );
          return [...filled.verdict.subarray(0, filled.count)];
        });
        expect(verdicts[0]).toEqual(verdicts[1]);
        expect(verdicts[0]).not.toContain(Drop.None);
      }),
      { numRuns: 200 },
    );
    expect(received(site)).not.toHaveProperty(`RxSc.${SCI}.InPktsOK`);
  });
});

describe.each(PROVIDERS)('a batch of many channels (802.1AE 10.6), AEAD provider $name', (provider) => {
  it('gives each frame to its own channel, association and key', () => {
    const key = (index: number, an: number): string => `${index + 1}${an}`.repeat(16);
    const scis = [SCI, OTHER_SCI, '00000044444400ff'];
    const sas = (index: number) => [0, 1, 2, 3].map((an) => saOf({ an }, key(index, an)));
    const config = macsecConfig({ rxSc: scis.map((sci, index) => rxScOf(sas(index), sci)) });
    const senders = scis.flatMap((sci, index) =>
      [0, 1, 2, 3].map(
        (an) => new Site(macsecConfig({ txSa: sas(index), encodingSa: an, rxSc: [] }), { sci, provider }),
      ),
    );
    const clear = Array.from({ length: 96 }, (_, i) => frameOf(60 + i, i));
    const secured = clear.map((frame, i) => senders[i % senders.length]!.protect([frame]).alive[0]!);
    const receiver = new Site(config, { provider });
    expect(receiver.validate(secured).alive).toEqual(clear);
    for (const sci of scis) {
      expect(receiver.counted[`RxSc.${sci}.InPktsOK`]).toBe(32);
      for (const an of [0, 1, 2, 3]) {
        expect(receiver.counted[`RxSa.${sci}.${an}.InPktsOK`]).toBe(8);
        expect(receiver.counted[`RxSa.${sci}.${an}.pn`]).toBe(9);
      }
    }
  });

  it('keeps one bad frame from its neighbours', () => {
    const frames = sent({}, 20);
    const bad = frames.map((frame, i) => (i % 3 === 0 ? altered(frame, 30, 1) : frame));
    const site = new Site(macsecConfig(), { provider });
    expect(site.validate(bad).hex).toEqual(bad.map((_, i) => (i % 3 === 0 ? 'InPktsNotValid' : PASS)));
  });

  it('leaves frames that are dead already alone', () => {
    const filled = batchOf(sent({}, 3));
    filled.verdict[1] = Drop.GreKey;
    const site = new Site(macsecConfig(), { provider });
    validate(site.secy, filled, createAeadJob(filled.arena, filled.at), createRxScratch(filled.capacity));
    expect(outcomeOf(filled).hex).toEqual([PASS, 'GreKey', PASS]);
  });
});

describe('extended packet numbers (802.1AEbw)', () => {
  const xpn = { cipher: 'gcm-aes-xpn-128', replayWindow: 32 } as const;
  const extended = (pn: bigint) => saOf({ pn, ssci: 1, salt: hex('01 02 03 04 05 06 07 08 09 0a 0b 0c') });

  it('go on over 2^32 as if nothing were', () => {
    const start = 2n ** 32n - 50n;
    const frames = sent({ ...xpn, txSa: [extended(start)] }, 100);
    const site = new Site(macsecConfig({ ...xpn, rxSc: [rxScOf([extended(start)])] }));
    expect(site.validate(frames).alive).toHaveLength(100);
    expect(site.counted[`RxSa.${SCI}.0.pn`]).toBe(Number(start) + 100);
    expect(site.validate(frames).alive).toEqual([]);
    // Late over the border, the upper half cannot be told any more: its ICV is wrong (as with Linux).
    expect(site.counted[`RxSc.${SCI}.InPktsOK`]).toBe(100);
  });

  it.each([
    ['beyond 2^53', 2n ** 53n + 2n ** 32n - 50n],
    ['over 2^63', 2n ** 63n - 50n],
    ['up to the last but one', 2n ** 64n - 101n],
  ])('are exact %s', (_, start) => {
    const frames = sent({ ...xpn, txSa: [extended(start)] }, 100);
    const site = new Site(macsecConfig({ ...xpn, rxSc: [rxScOf([extended(start)])] }));
    expect(site.validate(frames).alive).toHaveLength(100);
    const at = countersAt.rxSa(0, 0) + RxSaCounter.nextPn;
    expect(readNextPn(site.counters, at)).toBe(start + 100n);
    expect(site.validate(frames).alive).toEqual([]);
    expect(readNextPn(site.counters, at)).toBe(start + 100n);
  });

  it('end with 2^64 − 1: it is used, then nothing leaves, and nothing new comes in', () => {
    const last = 2n ** 64n - 1n;
    const sender = new Site(macsecConfig({ ...xpn, txSa: [extended(last - 1n)] }));
    const receiver = new Site(macsecConfig({ ...xpn, rxSc: [rxScOf([extended(last - 50n)])] }));
    const { hex: got, alive } = sender.protect([CLEAR, CLEAR, CLEAR]);
    expect(got[2]).toBe('PnExhausted');
    expect(alive.map((frame) => pnAt(frame, 0))).toEqual([2 ** 32 - 2, 2 ** 32 - 1]);
    expect(receiver.validate(alive).hex).toEqual([PASS, PASS]);
    expect(readNextPn(receiver.counters, countersAt.rxSa(0, 0) + RxSaCounter.nextPn)).toBe(2n ** 64n);
    expect(receiver.validate(alive).hex).toEqual(['InPktsLate', 'InPktsLate']);
    // What a sender of the same key sent at the very beginning has the lower halves that would come next.
    const first = sent({ ...xpn, txSa: [extended(1n)] }, 3);
    expect(receiver.validate(first).hex).toEqual(['InPktsLate', 'InPktsLate', 'InPktsLate']);
    // Late but within the window is still in time.
    const late = sent({ ...xpn, txSa: [extended(last - 20n)] });
    expect(receiver.validate(late).hex).toEqual([PASS]);
  });

  it('without bitmap the last is accepted, as with 32 bits, and no old one after it', () => {
    const last = 2n ** 64n - 1n;
    const linux = { ...xpn, replayBitmap: false } as const;
    const receiver = new Site(macsecConfig({ ...linux, rxSc: [rxScOf([extended(last)])] }));
    const frames = sent({ ...linux, txSa: [extended(last)] });
    expect(receiver.validate(frames).hex).toEqual([PASS]);
    expect(readNextPn(receiver.counters, countersAt.rxSa(0, 0) + RxSaCounter.nextPn)).toBe(last);
    expect(receiver.validate(sent({ ...linux, txSa: [extended(1n)] })).alive).toEqual([]);
  });

  it('another SSCI or salt opens nothing', () => {
    const frames = sent({ ...xpn, txSa: [extended(1n)] });
    for (const change of [{ ssci: 2 }, { salt: hex('01 02 03 04 05 06 07 08 09 0a 0b 0d') }]) {
      const site = new Site(macsecConfig({ ...xpn, rxSc: [rxScOf([{ ...extended(1n), ...change }])] }));
      expect(site.validate(frames).hex).toEqual(['InPktsNotValid']);
    }
  });
});

describe('a restarted receiver', () => {
  it('accepts nothing below where its predecessor stood', () => {
    const site = new Site(macsecConfig({ replayWindow: 1000, rxSc: [rxScOf([saOf({ pn: 500n })])] }));
    const frames = sent({}, 600);
    expect(site.validate(frames).hex.map((got) => got === PASS)).toEqual(frames.map((_, i) => i + 1 >= 500));
    expect(site.counted[`RxSc.${SCI}.InPktsLate`]).toBe(499);
  });

  it('shows at once where it goes on', () => {
    const site = new Site(macsecConfig({ rxSc: [rxScOf([saOf({ pn: 500n })])] }));
    expect(site.counted[`RxSa.${SCI}.0.pn`]).toBe(500);
  });
});
