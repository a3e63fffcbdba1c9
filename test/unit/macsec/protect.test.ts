/** What a SecY sends: every frame protected, or not sent at all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAeadJob } from '../../../src/crypto/aead.ts';
import { Drop } from '../../../src/frame/drop.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { protect, protectable } from '../../../src/macsec/protect.ts';
import { pnAt, TCI_SC, tciAt } from '../../../src/wire/sectag.ts';
import { batchOf, frameOf, hex, macsecConfig, outcomeOf, PROVIDERS, rxScOf, SCI, Site, saOf } from './kit.ts';

const SECOND_SCI = '0000003333330001';

describe('the TCI of what is sent (802.1AE 9.5, as macsec_fill_sectag)', () => {
  it.each<[string, Partial<MacsecConfig>, number, number]>([
    ['encrypt, SCI sent', {}, 0x2c, 16],
    ['integrity only, SCI sent', { encrypt: false }, 0x20, 16],
    ['encrypt, no SCI', { sendSci: false }, 0x0c, 8],
    ['encrypt, no SCI, end station', { sendSci: false, endStation: true }, 0x4c, 8],
    ['encrypt, no SCI, SCB', { sendSci: false, scb: true }, 0x1c, 8],
    ['end station beside a sent SCI: not said', { endStation: true }, 0x2c, 16],
    ['AN 3', { encodingSa: 3, txSa: [saOf({ an: 3 })] }, 0x2f, 16],
    ['integrity only, ICV of 12: C says so', { encrypt: false, icvLen: 12 }, 0x24, 16],
    [
      'no SCI, but two receive channels make an implicit one ambiguous',
      { sendSci: false, rxSc: [rxScOf(), rxScOf([saOf()], SECOND_SCI)] },
      0x2c,
      16,
    ],
  ])('%s', (_, changes, tci, tagLen) => {
    const [frame] = new Site(macsecConfig(changes)).protect([frameOf(100)]).alive;
    expect(frame![14]).toBe(tci);
    expect(frame!.length).toBe(100 + tagLen + (changes.icvLen ?? 16));
    if ((tci & TCI_SC) !== 0) expect(frame!.toString('hex', 20, 28)).toBe(SCI);
  });
});

describe.each(PROVIDERS)('protect (802.1AE 10.5), AEAD provider $name', (provider) => {
  it.each(Array.from({ length: 51 }, (_, i) => i + 14))(
    'a frame of %i octets is never padded, and SL is exact',
    (len) => {
      const site = new Site(macsecConfig(), { provider });
      const [frame] = site.protect([frameOf(len)]).alive;
      expect(frame!.length).toBe(len + 32);
      expect(frame![15]).toBe(len - 12 < 48 ? len - 12 : 0);
      expect(site.validate([frame!]).hex).toEqual([frameOf(len).toString('hex')]);
    },
  );

  it.each([8, 9, 10, 11, 12, 13, 14, 15, 16])('an ICV of %i octets goes out and comes in', (icvLen) => {
    for (const encrypt of [true, false]) {
      const site = new Site(macsecConfig({ icvLen, encrypt }), { provider });
      const frames = [frameOf(14), frameOf(42), frameOf(1444)];
      const secured = site.protect(frames).alive;
      expect(secured.map(({ length }) => length)).toEqual(frames.map(({ length }) => length + 16 + icvLen));
      const forged = Buffer.from(secured[0]!);
      forged[forged.length - 1]! ^= 0x80;
      expect(site.validate([forged, ...secured]).hex).toEqual([
        'InPktsNotValid',
        ...frames.map((frame) => frame.toString('hex')),
      ]);
    }
  });

  it('whatever is configured, the peer gets the frame back', () => {
    const config = fc.record({
      cipher: fc.constantFrom(
        'gcm-aes-128',
        'gcm-aes-256',
        'gcm-aes-xpn-128',
        'gcm-aes-xpn-256',
      ) as fc.Arbitrary<MacsecConfig['cipher']>,
      encrypt: fc.boolean(),
      sendSci: fc.boolean(),
      scb: fc.boolean(),
      icvLen: fc.integer({ min: 8, max: 16 }),
      encodingSa: fc.nat(3),
      validate: fc.constantFrom('strict', 'check', 'disabled') as fc.Arbitrary<MacsecConfig['validate']>,
      pn: fc.integer({ min: 1, max: 2 ** 32 - 100 }),
    });
    const frames = fc.array(fc.uint8Array({ minLength: 14, maxLength: 1600 }), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(config, frames, ({ encodingSa, pn, ...changes }, clear) => {
        const xpn = changes.cipher.includes('xpn');
        const extended = xpn ? { ssci: 0x80000001, salt: hex('e6 30 e8 1a 48 de 86 a2 1c 66 fa 6d') } : {};
        const key = changes.cipher.endsWith('256') ? '5a'.repeat(32) : 'c3'.repeat(16);
        const sa = saOf({ an: encodingSa, pn: BigInt(pn), ...extended }, key);
        const both = macsecConfig({ ...changes, encodingSa, txSa: [sa], rxSc: [rxScOf([sa])] });
        const secured = new Site(both, { provider }).protect(clear).alive;
        expect(secured.map((frame) => pnAt(frame, 0))).toEqual(clear.map((_, i) => pn + i));
        const got = new Site(both, { provider }).validate(secured).hex;
        // A SecTAG of our own inside is no matter: it is user data like any other.
        expect(got).toEqual(clear.map((frame) => Buffer.from(frame).toString('hex')));
      }),
    );
  });

  it('counts what is encrypted, and octets behind the addresses', () => {
    const site = new Site(macsecConfig(), { provider });
    site.protect([frameOf(60), frameOf(100), frameOf(1444)]);
    expect(site.counted).toMatchObject({
      'TxSc.OutPktsEncrypted': 3,
      'TxSc.OutOctetsEncrypted': 60 + 100 + 1444 - 3 * 12,
      'TxSa.0.OutPktsEncrypted': 3,
      'TxSa.0.pn': 4,
    });
    expect(site.counted).not.toHaveProperty('TxSc.OutPktsProtected');
  });

  it('counts what is protected without being encrypted', () => {
    const site = new Site(macsecConfig({ encrypt: false }), { provider });
    const [frame] = site.protect([frameOf(60)]).alive;
    expect(frame!.toString('hex', 28, 28 + 48)).toBe(frameOf(60).toString('hex', 12));
    expect(site.counted).toMatchObject({
      'TxSc.OutPktsProtected': 1,
      'TxSc.OutOctetsProtected': 48,
      'TxSa.0.OutPktsProtected': 1,
    });
    expect(site.counted).not.toHaveProperty('TxSc.OutPktsEncrypted');
  });

  it('writes nothing beside the room that a frame has before and behind it', () => {
    const site = new Site(macsecConfig(), { provider });
    const clear = batchOf([frameOf(60), frameOf(61)], 0xa5);
    const slots = [...clear.at];
    protectable(site.secy);
    protect(site.secy, clear, createAeadJob(clear.arena, clear.at), 1500);
    for (const [i, at] of slots.entries()) {
      expect(clear.at[i]).toBe(at - 16);
      const end = clear.at[i]! + clear.len[i]!;
      expect(clear.arena.subarray(at - 128, at - 16).every((octet) => octet === 0xa5)).toBe(true);
      expect(clear.arena.subarray(end, end + 40).every((octet) => octet === 0xa5)).toBe(true);
    }
  });
});

describe('protect fails closed', () => {
  it.each<[string, Partial<MacsecConfig>]>([
    ['no transmit SA', { txSa: [] }],
    ['no SA with the encoding AN', { encodingSa: 2 }],
    ['the encoding SA is off', { txSa: [saOf({ active: false })] }],
  ])('%s: nothing leaves', (_, changes) => {
    const site = new Site(macsecConfig(changes));
    expect(protectable(site.secy)).toBe(Number.POSITIVE_INFINITY);
    expect(site.protect([frameOf(60), frameOf(100)]).hex).toEqual(['NoTxSa', 'NoTxSa']);
    expect(
      Object.keys(site.counted).filter((name) => name.startsWith('Tx') || name.startsWith('SecY')),
    ).toEqual([]);
  });

  it('the last packet number is used, then nothing leaves any more', () => {
    const site = new Site(macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 2n })], replayWindow: 10 }));
    expect(protectable(site.secy)).toBe(2);
    const { hex: sent, alive } = site.protect([frameOf(60), frameOf(61), frameOf(62)]);
    expect(sent[2]).toBe('PnExhausted');
    expect(alive.map((frame) => pnAt(frame, 0))).toEqual([2 ** 32 - 2, 2 ** 32 - 1]);
    expect(site.validate(alive).alive).toEqual([frameOf(60), frameOf(61)]);
    // Frames are taken from the TAP and dropped: who waits would wait for ever.
    expect(protectable(site.secy)).toBe(Number.POSITIVE_INFINITY);
    expect(site.protect([frameOf(60)]).hex).toEqual(['PnExhausted']);
    expect(site.counted).toMatchObject({ 'TxSc.OutPktsEncrypted': 2, 'TxSa.0.pn': 2 ** 32 });
  });

  it('without granted packet numbers it takes no frame', () => {
    const site = new Site(macsecConfig(), { pns: 3 });
    expect(protectable(site.secy)).toBe(3);
    expect(site.protect([frameOf(60), frameOf(60), frameOf(60)]).alive).toHaveLength(3);
    expect(protectable(site.secy)).toBe(0);
    site.grants[0]!.grant(10n, 10n);
    expect(protectable(site.secy)).toBe(6);
  });

  it('a key that is gone seals nothing', () => {
    for (const provider of PROVIDERS) {
      const site = new Site(macsecConfig(), { provider });
      site.secy.keyring.clear(0);
      expect(site.protect([frameOf(60)]).hex).toEqual(['SealFailed']);
      expect(site.counted).not.toHaveProperty('TxSc.OutPktsEncrypted');
    }
  });

  it('no two frames ever have the same packet number, whatever is dropped between them', () => {
    const site = new Site(macsecConfig(), { pns: 5000 });
    const seen = new Set<number>();
    for (let round = 0; round < 50; round++) {
      const frames = Array.from({ length: 64 }, (_, i) => frameOf(i % 5 === 0 ? 2000 : 60 + i));
      for (const frame of site.protect(frames, 1500).alive) {
        expect(seen.has(pnAt(frame, 0))).toBe(false);
        seen.add(pnAt(frame, 0));
      }
    }
    expect(seen.size).toBe(50 * 51);
  });
});

describe('frames that do not fit (Linux macsec_start_xmit)', () => {
  it.each([
    ['1500 octets of path, SCI sent', {}, 1462, 1430 + 14],
    ['no SCI: 8 octets more', { sendSci: false }, 1462, 1438 + 14],
    ['an ICV of 8: 8 octets more', { icvLen: 8 }, 1462, 1438 + 14],
    ['protect off: all of it', { protect: false }, 1462, 1462 + 14],
  ] as const)('%s', (_, changes, lowerMtu, longest) => {
    const site = new Site(macsecConfig(changes));
    const { frames } = site.protect([frameOf(longest), frameOf(longest + 1), frameOf(60)], lowerMtu);
    expect(frames[1]).toBe('OutPktsTooLong');
    expect(frames[0]).toHaveLength(lowerMtu + 14);
    expect(frames[2]).toBeInstanceOf(Buffer);
  });

  it('are counted, and neither cut nor numbered', () => {
    const site = new Site(macsecConfig());
    const { alive } = site.protect([frameOf(9000), frameOf(60), frameOf(1445)], 1462);
    expect(alive.map((frame) => [frame.length, pnAt(frame, 0)])).toEqual([[92, 1]]);
    expect(site.counted['SecY.OutPktsTooLong']).toBe(2);
  });

  it('with one VLAN tag at full MTU is 4 over (Linux macsec_start_xmit)', () => {
    const site = new Site(macsecConfig());
    expect(site.protect([frameOf(1430 + 14 + 4)], 1462).hex).toEqual(['OutPktsTooLong']);
  });

  it('that the TAP gave too long already are counted too', () => {
    const site = new Site(macsecConfig());
    const clear = batchOf([frameOf(60), frameOf(60)]);
    clear.verdict[0] = Drop.OutPktsTooLong;
    protectable(site.secy);
    protect(site.secy, clear, createAeadJob(clear.arena, clear.at), 1462);
    expect(outcomeOf(clear).hex[0]).toBe('OutPktsTooLong');
    expect(site.counted['SecY.OutPktsTooLong']).toBe(1);
  });
});

describe('protect off (802.1AE 10.5)', () => {
  it('sends frames as they are, and counts them untagged', () => {
    const site = new Site(macsecConfig({ protect: false, txSa: [] }));
    expect(site.protect([frameOf(60), frameOf(100)]).alive).toEqual([frameOf(60), frameOf(100)]);
    expect(site.counted['SecY.OutPktsUntagged']).toBe(2);
  });
});

describe('frames that are dead already', () => {
  it('stay dead and take no packet number', () => {
    const site = new Site(macsecConfig());
    const clear = batchOf([frameOf(60), frameOf(61), frameOf(62)]);
    clear.verdict[1] = Drop.TapRunt;
    protectable(site.secy);
    protect(site.secy, clear, createAeadJob(clear.arena, clear.at), 1462);
    const { hex: got, alive } = outcomeOf(clear);
    expect(got[1]).toBe('TapRunt');
    expect(alive.map((frame) => [pnAt(frame, 0), tciAt(frame, 0)])).toEqual([
      [1, 0x2c],
      [2, 0x2c],
    ]);
  });
});
