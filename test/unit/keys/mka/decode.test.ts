/** What the reader of MKPDUs takes, what it refuses and why, and that nothing which a peer sends breaks it. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMkpdu, peekMkpdu, type UncheckedMkpdu } from '../../../../src/keys/mka/decode.ts';
import { encodeMkpdu } from '../../../../src/keys/mka/encode.ts';
import type { Mkpdu } from '../../../../src/keys/mka/mkpdu.ts';
import { REFUSAL_TEXTS, type Refusal } from '../../../../src/keys/mka/refusal.ts';
import { MAX_LISTED_PEERS } from '../../../../src/keys/mka/sets/peer-list.ts';
import { anyMkpdu } from './arbitrary.ts';
import { BASIC, DIST_SAK, LIVE_A, LIVE_B, MI_A, MI_B, RAW_ICK, type Raw, rawMkpdu, SAK_USE } from './raw.ts';
import { vectorFrame } from './vectors.ts';

const OWN_MAC = Buffer.from('0200000000aa', 'hex');

function decode(frame: Uint8Array, ick = RAW_ICK): Mkpdu | Refusal {
  const found = peekMkpdu(frame, OWN_MAC);
  return typeof found === 'string' ? found : decodeMkpdu(frame, found, ick);
}

/** Of an MKPDU that must be taken. */
function read(raw: Raw): Mkpdu {
  const mkpdu = decode(rawMkpdu(raw));
  if (typeof mkpdu === 'string') throw new Error(mkpdu);
  return mkpdu;
}

const filledWith = (octet: string, octets: number): string => octet.repeat(octets);

describe('an MKPDU is refused, by name', () => {
  const refusals: [what: string, refusal: Refusal, raw: Raw][] = [
    ['another EtherType', 'NotEapol', { etherType: '88e5' }],
    ['another EtherType behind a VLAN tag', 'NotEapol', { vlans: '8100 0064', etherType: '0800' }],
    ['EAPOL that is no MKA', 'EapolType', { type: '01' }],
    ['EAPOL of 2004', 'EapolVersion', { version: '02' }],
    ['the address of another station', 'NotForUs', { addresses: '0200000000ac 0200000000bb' }],
    ['a body longer than the frame', 'BodyLength', { bodyLen: 56 }],
    ['a body of no whole words', 'BodyLength', { bodyLen: 50, padding: 4 }],
    ['a body below 32 octets', 'BodyLength', { bodyLen: 28 }],
    ['a Basic set that the ICV cuts off', 'BasicMalformed', { bodyLen: 48 }],
    ['a CKN of no octet', 'BasicMalformed', { basic: BASIC.replace('e0 20', 'e0 1c') }],
    [
      'a CKN of 33 octets',
      'BasicMalformed',
      { basic: `${BASIC.replace('e0 20', 'e0 3d')} ${filledWith('00', 32)}` },
    ],
    ['a Basic set longer than the frame', 'BasicMalformed', { basic: BASIC.replace('e0 20', 'ef ff') }],
    ['an unknown algorithm', 'UnknownAlgorithm', { basic: BASIC.replace('0080c201', '0080c202') }],
    ['message number 0', 'MessageNumber', { basic: BASIC.replace('00000001', '00000000') }],
    ['a set longer than the MKPDU', 'SetOverrun', { sets: '07 00 0011 00000000 00000000 00000000 00000000' }],
    ['a known set longer than the MKPDU', 'SetOverrun', { sets: `01 00 0020 ${MI_A} 00000001` }],
    ['a set that reaches into the ICV', 'SetOverrun', { sets: '07 00 0010' }],
    ['a live list with half an entry', 'PeerListMalformed', { sets: `01 00 000c ${MI_A}` }],
    ['a potential list with half an entry', 'PeerListMalformed', { sets: `02 00 000c ${MI_A}` }],
    ['a SAK Use set of 20 octets', 'SakUseMalformed', { sets: `03 00 0014 ${filledWith('00', 20)}` }],
    [
      'a Distributed SAK set of 24 octets',
      'DistributedSakMalformed',
      { sets: `04 00 0018 ${filledWith('00', 24)}` },
    ],
    [
      'a Distributed SAK set between two forms',
      'DistributedSakMalformed',
      { sets: `04 00 0020 00000001 0080c20001000003 ${filledWith('00', 20)}` },
    ],
    [
      'a 256-bit suite with a SAK of 128 bits',
      'DistributedSakMalformed',
      { sets: `04 00 0024 00000001 0080c20001000002 ${filledWith('00', 24)}` },
    ],
    [
      'a 128-bit suite with a SAK of 256 bits',
      'DistributedSakMalformed',
      { sets: `04 00 0034 00000001 0080c20001000003 ${filledWith('00', 40)}` },
    ],
    [
      'an unknown cipher suite',
      'UnknownCipher',
      { sets: `04 00 0024 00000001 0080c20001000009 ${filledWith('00', 24)}` },
    ],
    ['an XPN set of 4 octets', 'XpnMalformed', { sets: '08 00 0004 00000000' }],
  ];

  it.each(refusals)('%s: %s', (_, refusal, raw) => {
    expect(decode(rawMkpdu(raw))).toBe(refusal);
  });

  it('another CAK: WrongIcv', () => {
    expect(decode(rawMkpdu({}), createSecretKey(Buffer.alloc(16, 0x12)))).toBe('WrongIcv');
    expect(REFUSAL_TEXTS.WrongIcv).toBe("the ICV of the peer's MKPDU is wrong: another CAK");
  });

  it('cut off anywhere before its end: TooShort, then BodyLength', () => {
    const frame = rawMkpdu({ sets: LIVE_A });
    for (let len = 0; len < frame.length; len++) {
      expect(decode(frame.subarray(0, len))).toBe(len < 18 ? 'TooShort' : 'BodyLength');
    }
  });

  it('cut off in its VLAN tags: TooShort', () => {
    const frame = rawMkpdu({ vlans: '88a8 0064 8100 0065' });
    for (let len = 0; len < 26; len++) expect(decode(frame.subarray(0, len))).toBe('TooShort');
  });

  it('looks at the sets only when the ICV is right', () => {
    const frame = rawMkpdu({ sets: `01 00 000c ${MI_A}` });
    frame[frame.length - 1]! ^= 1;
    expect(decode(frame)).toBe('WrongIcv');
  });
});

describe('an MKPDU is taken', () => {
  const taken: [what: string, raw: Raw][] = [
    ['to the group address of bridges', { addresses: '0180c2000000 0200000000bb' }],
    ['to the group address of LLDP', { addresses: '0180c200000e 0200000000bb' }],
    ['as a broadcast', { addresses: 'ffffffffffff 0200000000bb' }],
    ['to our own individual address', { addresses: '0200000000aa 0200000000bb' }],
    ['of a later EAPOL version', { version: '04' }],
    ['behind a VLAN tag, which the ICV does not cover', { vlans: '8100 e064' }],
    ['behind two VLAN tags', { vlans: '88a8 0064 8100 0065' }],
    ['with padding behind it, which the ICV does not cover', { padding: 5 }],
    ['with any MKA version', { basic: BASIC.replace('01 10', 'c8 10') }],
  ];

  it.each(taken)('%s', (_, raw) => {
    expect(read({ ...raw, sets: LIVE_A }).livePeers!.peers).toEqual([{ mi: MI_A, mn: 7 }]);
  });

  it('in any order of sets', () => {
    const ascending = read({ sets: `${LIVE_A} ${SAK_USE} ${DIST_SAK} ff 00 0010` });
    expect(read({ sets: `${DIST_SAK} ${SAK_USE} ${LIVE_A} ff 00 0010` })).toEqual(ascending);
    expect(read({ sets: `${SAK_USE} ${DIST_SAK} ${LIVE_A} ff 00 0010` })).toEqual(ascending);
    expect(ascending).toMatchObject({ icvIndicator: true, sakUse: { latest: { rx: true } } });
  });

  it('with sets that nobody knows, at any place', () => {
    const unknown = '2a 12 3005 0102030405 000000';
    const { livePeers, sakUse } = read({
      sets: `${unknown} ${LIVE_A} 00 00 0000 ${SAK_USE}`,
    });
    expect(livePeers!.peers).toHaveLength(1);
    expect(sakUse).not.toBeNull();
  });

  it('with sets that are known and not used: a group CAK, a name, an announcement', () => {
    const sets = `05 00 001c ${filledWith('00', 28)} 06 00 0003 616263 00 07 00 0000`;
    expect(read({ sets: `${sets} ${LIVE_A}` }).livePeers!.peers).toHaveLength(1);
  });

  it('with two sets of a type, of which the first counts, whatever the second is', () => {
    expect(read({ sets: `${LIVE_A} ${LIVE_B}` }).livePeers!.peers[0]!.mi).toBe(MI_A);
    expect(read({ sets: `${LIVE_B} 01 00 000c ${MI_A}` }).livePeers!.peers[0]!.mi).toBe(MI_B);
  });

  it('with sets behind the ICV indicator, which do not count', () => {
    const mkpdu = read({ sets: `ff 00 0010 ${LIVE_A}` });
    expect(mkpdu).toMatchObject({ icvIndicator: true, livePeers: null });
  });

  it('with a SAK Use set of length 0: no MACsec', () => {
    expect(read({ sets: '03 00 c000' }).sakUse).toEqual({
      latest: { ki: null, an: 0, tx: false, rx: false, lowestPn: 0 },
      old: { ki: null, an: 0, tx: false, rx: false, lowestPn: 0 },
      ...{ plainTx: true, plainRx: true, delayProtect: false },
    });
  });

  it('with a Distributed SAK set of length 0: no MACsec', () => {
    const { cipher, wrapped } = read({ sets: '04 00 0000' }).distributedSak!;
    expect([cipher, wrapped.length]).toEqual([null, 0]);
  });

  it.each(['0080c20001000001', '0080020001000001'])('with GCM-AES-128 as suite %s', (id) => {
    const { cipher, wrapped } = read({
      sets: `04 50 0024 00000001 ${id} ${filledWith('5a', 24)}`,
    }).distributedSak!;
    expect([cipher, Buffer.from(wrapped).toString('hex')]).toEqual(['gcm-aes-128', '5a'.repeat(24)]);
  });

  it('with as many peers as a list can count', () => {
    const entries = Array.from({ length: MAX_LISTED_PEERS }, (_, i) => i.toString(16).padStart(32, '0'));
    const { peers } = read({ sets: `01 00 0ff0 ${entries.join('')}` }).livePeers!;
    expect(peers).toHaveLength(255);
    expect(peers[254]).toEqual({ mi: '0'.repeat(24), mn: 254 });
  });

  it('and kept when its frame is overwritten', () => {
    const frame = rawMkpdu({ sets: `${LIVE_A} ${DIST_SAK}` });
    const mkpdu = decode(frame) as Mkpdu;
    const before = structuredClone(mkpdu);
    frame.fill(0);
    expect(mkpdu).toEqual(before);
  });

  it('out of the middle of shared memory', () => {
    const frame = rawMkpdu({ sets: LIVE_A });
    const shared = new Uint8Array(new SharedArrayBuffer(frame.length + 20)).fill(0xa5);
    shared.set(frame, 7);
    expect(decode(shared.subarray(7, 7 + frame.length))).toEqual(decode(frame));
  });
});

describe('one altered bit', () => {
  it.each(['a switch that distributes a SAK', 'the first hello of wpa_supplicant'])(
    'anywhere in what the ICV covers, or in the ICV, is a wrong ICV: %s',
    (name) => {
      const { frame, ick } = vectorFrame(name);
      const found = peekMkpdu(frame, OWN_MAC) as UncheckedMkpdu;
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const altered = Buffer.from(frame);
        altered[bit >> 3]! ^= 0x80 >> (bit & 7);
        const isAgility = bit >> 3 >= found.basicAt + 28 && bit >> 3 < found.basicAt + 32;
        expect(decodeMkpdu(altered, found, ick)).toBe(isAgility ? 'UnknownAlgorithm' : 'WrongIcv');
        expect(decode(altered, ick)).toBeTypeOf('string');
      }
    },
  );

  it('in a VLAN tag is not seen', () => {
    const frame = rawMkpdu({ vlans: '8100 0064' });
    frame[15]! ^= 1;
    expect(decode(frame)).toBeTypeOf('object');
  });
});

describe('any octets', () => {
  const isNamed = (result: unknown): boolean =>
    typeof result !== 'string' || Object.hasOwn(REFUSAL_TEXTS, result);

  it('are an MKPDU or a named refusal', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => isNamed(decode(octets))));
  });

  it('made of an MKPDU are one or a named refusal, whoever sealed them', () => {
    const change = fc.record({ at: fc.nat(400), octet: fc.integer({ min: 0, max: 255 }) });
    const changes = fc.array(change, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(anyMkpdu, changes, fc.nat(40), (mkpdu, changed, cut) => {
        const frame = encodeMkpdu(mkpdu, RAW_ICK, OWN_MAC);
        const body = frame.subarray(18 + 36, frame.length - 16 - cut);
        for (const { at, octet } of changed) if (at < body.length) body[at] = octet;
        const sets = body.subarray(0, body.length & ~3).toString('hex');
        return isNamed(decode(frame.subarray(0, frame.length - cut))) && isNamed(decode(rawMkpdu({ sets })));
      }),
      { numRuns: 1000 },
    );
  });

  it('behind the frame are not read', () => {
    const frame = rawMkpdu({ sets: LIVE_A });
    for (let len = 0; len <= frame.length; len++) {
      const alone = decode(new Uint8Array(frame.subarray(0, len)));
      expect(decode(frame.subarray(0, len))).toEqual(alone);
    }
  });
});
