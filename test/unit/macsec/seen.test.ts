/** What `validate` notes of frames that it refuses: beside the counters, which stay those of the kernel. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { countersAt, SeenAt } from '../../../src/macsec/counters.ts';
import { noteUnknownSci, readLate, readUnknownSci, readUnusedSa } from '../../../src/macsec/seen.ts';
import { frameOf, macsecConfig, rxScOf, SCI, Site, saOf } from './kit.ts';

const OWN = '0000002222220001';
const OTHER = '0200000000020001';
const OTHER_KEY = '33'.repeat(16);

/** What a sender with `sci` sends from PN `pn` on. */
function sent(sci: string, count = 1, pn = 1, changes: Partial<MacsecConfig> = {}): Buffer[] {
  const config = macsecConfig({ txSa: [saOf({ pn: BigInt(pn) })], ...changes });
  return new Site(config, { sci }).protect(Array(count).fill(frameOf(62))).alive;
}

/** Receives from SCI; its own SCI is OWN. */
const receiver = (changes: Partial<MacsecConfig> = {}): Site => new Site(macsecConfig(changes), { sci: OWN });
const lateOf = ({ counters }: Site) => readLate(counters, countersAt.seenLate(0));
const NO_LATE = { an: 0, frames: 0, accepted: 0, pn: 0 };

/** The frame, of AN 0, with another: its ICV is wrong then, and nobody comes to look at it. */
function withAn(frame: Buffer, an: number): Buffer {
  const copy = Buffer.from(frame);
  copy[14]! |= an;
  return copy;
}

describe('a frame with our own SCI', () => {
  it('has a reason of its own, and the counter that the kernel gives it', () => {
    const site = receiver();
    expect(site.validate(sent(OWN, 2)).frames).toEqual(['OwnSci', 'OwnSci']);
    expect(site.counted).toEqual({ 'SecY.InPktsNoSCI': 2, [`RxSa.${SCI}.0.pn`]: 1 });
    expect(readUnknownSci(site.counters)).toBeNull();
  });

  it('is known by its source address where an end station leaves the SCI out', () => {
    const own = '00000000aa020001';
    const endStation = { sendSci: false, endStation: true };
    const frame = frameOf(62);
    frame.write('00000000aa02', 6, 'hex');
    const [secured] = new Site(macsecConfig(endStation), { sci: own }).protect([frame]).alive;
    const site = new Site(macsecConfig({ rxSc: [rxScOf(), rxScOf([], OTHER)] }), { sci: own });
    expect(site.validate([secured!]).frames).toEqual(['OwnSci']);
    const elsewhere = new Site(macsecConfig(), { sci: '00000000aa020002' });
    expect(elsewhere.validate([secured!]).frames).toEqual(['InPktsNoSCI']);
    expect(readUnknownSci(elsewhere.counters)).toBe(own);
  });

  it('that is only protected passes where the kernel lets it pass', () => {
    const site = receiver({ validate: 'check' });
    expect(site.validate(sent(OWN, 1, 1, { encrypt: false })).alive).toHaveLength(1);
    expect(site.counted).toMatchObject({ 'SecY.InPktsUnknownSCI': 1 });
  });

  it('is none where an rxSc has that SCI', () => {
    const site = receiver({ rxSc: [rxScOf([saOf()], OWN)] });
    expect(site.validate(sent(OWN)).alive).toHaveLength(1);
  });
});

describe('an SCI that no rxSc has', () => {
  it('is noted, the last one', () => {
    const site = receiver();
    expect(readUnknownSci(site.counters)).toBeNull();
    for (const sci of [OTHER, 'ffffffffffffffff', OTHER]) {
      expect(site.validate(sent(sci, 3)).frames[0]).toBe('InPktsNoSCI');
      expect(readUnknownSci(site.counters)).toBe(sci);
    }
  });

  it('is noted where the frame is delivered too', () => {
    const site = receiver({ validate: 'disabled' });
    site.validate(sent(OTHER, 1, 1, { encrypt: false }));
    expect(readUnknownSci(site.counters)).toBe(OTHER);
  });

  it('is not read in the middle of a write', () => {
    const { counters } = receiver();
    noteUnknownSci(counters, 1, 2);
    counters[SeenAt.unknownSci]! += 1;
    expect(readUnknownSci(counters)).toBeNull();
  });
});

describe('an AN without receive SA', () => {
  it('is noted with its channel and what that had accepted', () => {
    const site = receiver();
    const frames = sent(SCI, 4);
    site.validate(frames.slice(0, 3));
    expect(readUnusedSa(site.counters)).toBeNull();
    expect(site.validate([withAn(frames[3]!, 2)]).frames).toEqual(['InPktsNotUsingSA']);
    expect(readUnusedSa(site.counters)).toEqual({ sci: SCI, an: 2, accepted: 3 });
  });

  it('is noted where the frame is delivered too', () => {
    const site = receiver({ validate: 'check' });
    const [frame] = sent(SCI, 1, 1, { encrypt: false });
    expect(site.validate([withAn(frame!, 1)]).alive).toHaveLength(1);
    expect(readUnusedSa(site.counters)).toMatchObject({ sci: SCI, an: 1 });
  });
});

describe('late frames', () => {
  it('are noted with the last PN, as long as none is accepted', () => {
    const site = receiver();
    site.validate(sent(SCI, 20));
    site.validate(sent(SCI, 5));
    site.validate(sent(SCI, 2, 6));
    expect(lateOf(site)).toEqual({ an: 0, frames: 7, accepted: 20, pn: 7 });
    expect(site.counted[`RxSc.${SCI}.InPktsLate`]).toBe(7);
    site.validate(sent(SCI, 1, 21));
    site.validate(sent(SCI, 1, 8));
    expect(lateOf(site)).toEqual({ an: 0, frames: 1, accepted: 21, pn: 8 });
  });

  it('are noted where an earlier frame of the batch was the same', () => {
    const site = receiver({ replayWindow: 64 });
    const [frame] = sent(SCI);
    expect(site.validate([frame!, frame!]).frames[1]).toBe('InPktsLate');
    expect(lateOf(site)).toEqual({ an: 0, frames: 1, accepted: 1, pn: 1 });
  });

  it('of another AN begin anew', () => {
    const site = receiver({ rxSc: [rxScOf([saOf({ pn: 50n }), saOf({ an: 1, pn: 50n })])] });
    site.validate(sent(SCI, 3));
    site.validate([withAn(sent(SCI, 1, 4)[0]!, 1)]);
    expect(lateOf(site)).toEqual({ an: 1, frames: 1, accepted: 0, pn: 4 });
  });

  it('with XPN are noted by the lower half, which is what came', () => {
    const sa = { ssci: 1, salt: Buffer.alloc(12, 7) };
    const xpn: Partial<MacsecConfig> = { cipher: 'gcm-aes-xpn-128', txSa: [saOf(sa)] };
    const site = receiver({ ...xpn, rxSc: [rxScOf([saOf({ ...sa, pn: 2n ** 33n + 500n })])] });
    expect(site.validate(sent(SCI, 2, 1, xpn)).frames).toEqual(['InPktsLate', 'InPktsLate']);
    expect(lateOf(site)).toEqual({ an: 0, frames: 2, accepted: 0, pn: 2 });
  });
});

describe('nothing is noted', () => {
  it('of frames that are accepted, altered, in clear, or octets of any kind without a whole SecTAG', () => {
    const tagged = Buffer.from('020000000001020000000002', 'hex');
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 14, maxLength: 90 }), { maxLength: 20 }), (garbage) => {
        const site = receiver();
        const short = garbage.map((octets) =>
          Buffer.concat([tagged, Buffer.from('88e5', 'hex'), octets.subarray(0, 5)]),
        );
        const good = sent(SCI, 3);
        good[1]![40]! ^= 1;
        const untagged = garbage.map((octets) => Buffer.concat([tagged, Buffer.from('0800', 'hex'), octets]));
        site.validate([...short, ...untagged, ...good]);
        expect([readUnknownSci(site.counters), readUnusedSa(site.counters)]).toEqual([null, null]);
        expect(lateOf(site)).toEqual(NO_LATE);
      }),
      { numRuns: 50 },
    );
  });

  it('of a wrong ICV', () => {
    const site = receiver({ rxSc: [rxScOf([saOf({}, OTHER_KEY)])] });
    expect(site.validate(sent(SCI, 1)).frames).toEqual(['InPktsNotValid']);
    expect(lateOf(site)).toEqual(NO_LATE);
  });
});
