/** What an MKPDU of ours looks like on the wire, where peers are particular about it. */
import { describe, expect, it } from 'vitest';
import { encodeMkpdu, PAE_GROUP_MAC } from '../../../../src/keys/mka/encode.ts';
import type { Mkpdu, SakUse, UsedKey } from '../../../../src/keys/mka/mkpdu.ts';
import { MI_A, RAW_ICK } from './raw.ts';
import { hex } from './vectors.ts';

const SRC_MAC = hex('0200000000bb');
const MKPDU: Mkpdu = {
  basic: {
    ...{ version: 3, priority: 16, keyServer: true, macsecDesired: true, capability: 2 },
    ...{ sci: '0200000000bb0001', mi: '718b8a39866b2f5814c9dcf6', mn: 9, ckn: 'c0ffee01' },
  },
  livePeers: { peers: [{ mi: MI_A, mn: 7 }], keyServerSsci: 2 },
  potentialPeers: { peers: [{ mi: MI_A, mn: 8 }], keyServerSsci: 0 },
  sakUse: null,
  distributedSak: {
    an: 2,
    confidentialityOffset: 1,
    kn: 3,
    cipher: 'gcm-aes-128',
    wrapped: new Uint8Array(24),
  },
  linkControl: null,
  xpn: { suspensionTime: 0, latestLowestPnHigh: 1, oldLowestPnHigh: 0 },
  icvIndicator: true,
};
const NO_KEY: UsedKey = { ki: null, an: 0, tx: false, rx: false, lowestPn: 0 };
const IDLE: SakUse = { latest: NO_KEY, old: NO_KEY, plainTx: false, plainRx: false, delayProtect: false };

/** Types and body lengths of the sets behind Basic (36 octets). */
function setsOf(frame: Buffer): [type: number, len: number][] {
  const sets: [number, number][] = [];
  for (let at = 18 + 36; at < frame.length - 16; ) {
    const len = frame.readUInt16BE(at + 2) & 0xfff;
    sets.push([frame[at]!, len]);
    at += 4 + ((len + 3) & ~3);
  }
  return sets;
}

const encode = (changes: Partial<Mkpdu>): Buffer => encodeMkpdu({ ...MKPDU, ...changes }, RAW_ICK, SRC_MAC);

describe('an MKPDU of ours', () => {
  it('goes to the PAE group address as EAPOL version 3, type 5, its length with the ICV', () => {
    const frame = encode({});
    expect(frame.subarray(0, 6)).toEqual(Buffer.from(PAE_GROUP_MAC));
    expect(frame.toString('hex', 6, 18)).toBe(
      `0200000000bb888e0305${(frame.length - 18).toString(16).padStart(4, '0')}`,
    );
  });

  it('has its sets in ascending order, the ICV indicator last', () => {
    const frame = encode({ sakUse: IDLE });
    expect(setsOf(frame)).toEqual([
      [1, 16],
      [2, 16],
      [3, 40],
      [4, 28],
      [8, 8],
      [255, 16],
    ]);
    expect(frame.toString('hex', frame.length - 20, frame.length - 16)).toBe('ff000010');
  });

  it('has no set that it does not need', () => {
    const bare = {
      livePeers: null,
      potentialPeers: null,
      distributedSak: null,
      xpn: null,
      icvIndicator: false,
    };
    expect(encode(bare)).toHaveLength(18 + 36 + 16);
  });

  it.each([
    ['gcm-aes-128', 24, 28, ''],
    ['gcm-aes-256', 40, 52, '0080c20001000002'],
    ['gcm-aes-xpn-128', 24, 36, '0080c20001000003'],
    ['gcm-aes-xpn-256', 40, 52, '0080c20001000004'],
  ] as const)('distributes a SAK of %s in the form of %i octets', (cipher, wrappedLen, len, id) => {
    const wrapped = new Uint8Array(wrappedLen).fill(0x5a);
    const frame = encode({ distributedSak: { ...MKPDU.distributedSak!, cipher, wrapped } });
    expect(setsOf(frame)).toContainEqual([4, len]);
    const set = `0490${len.toString(16).padStart(4, '0')}00000003${id}${'5a'.repeat(wrappedLen)}`;
    expect(frame.toString('hex')).toContain(set);
  });

  it('says "no MACsec" with empty sets', () => {
    const plain = { ...IDLE, plainTx: true, plainRx: true };
    const none = { ...MKPDU.distributedSak!, cipher: null, wrapped: new Uint8Array() };
    const frame = encode({ sakUse: plain, distributedSak: none });
    expect(setsOf(frame)).toEqual(
      expect.arrayContaining([
        [3, 0],
        [4, 0],
      ]),
    );
    expect(frame.toString('hex')).toContain('0300c000');
  });

  it('says with a whole SAK Use set of zeros that it uses no key yet', () => {
    expect(encode({ sakUse: IDLE }).toString('hex')).toContain(`03000028${'00'.repeat(40)}`);
  });

  it('puts flags, ANs and lowest PNs of both keys where they belong', () => {
    const latest = { ki: { mi: MI_A, kn: 5 }, an: 3, tx: false, rx: true, lowestPn: 0x10 };
    const old = { ki: { mi: MI_A, kn: 4 }, an: 2, tx: true, rx: true, lowestPn: 0x20 };
    const sakUse = { latest, old, plainTx: false, plainRx: true, delayProtect: true };
    const set = `03db5028${MI_A}0000000500000010${MI_A}0000000400000020`;
    expect(encode({ sakUse }).toString('hex')).toContain(set);
  });

  it.each([1, 2, 3, 4, 5, 31, 32])('fills a CKN of %i octets up to whole words', (octets) => {
    const frame = encode({ basic: { ...MKPDU.basic, ckn: 'cc'.repeat(octets) } });
    expect(frame.readUInt16BE(20) & 0xfff).toBe(28 + octets);
    expect(frame.readUInt16BE(16) % 4).toBe(0);
    expect(frame[18 + 32 + ((octets + 3) & ~3)]).toBe(1);
  });

  it('lists no more peers than a set can count', () => {
    const peers = Array.from({ length: 256 }, () => ({ mi: MI_A, mn: 1 }));
    expect(() => encode({ livePeers: { peers, keyServerSsci: 0 } })).toThrow(
      '"peers" expected at most 255, got 256',
    );
  });
});
