/** MKPDUs written and read again, real ones read, and none that breaks the reader. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMkpdu, peekMkpdu, type UncheckedMkpdu } from '../../../../src/keys/mka/decode.ts';
import { encodeMkpdu, PAE_GROUP_MAC } from '../../../../src/keys/mka/encode.ts';
import { unwrapSak } from '../../../../src/keys/mka/keys.ts';
import type { Mkpdu } from '../../../../src/keys/mka/mkpdu.ts';
import type { Refusal } from '../../../../src/keys/mka/refusal.ts';
import { anyMkpdu } from './arbitrary.ts';
import { hexOf, MKA, vectorFrame } from './vectors.ts';

const OWN_MAC = Buffer.from('0200000000aa', 'hex');
const PEER_MAC = Buffer.from('0200000000bb', 'hex');
const ICK = createSecretKey(Buffer.alloc(16, 0x11));

function decode(frame: Uint8Array, ick = ICK): Mkpdu | Refusal {
  const found = peekMkpdu(frame, OWN_MAC);
  return typeof found === 'string' ? found : decodeMkpdu(frame, found, ick);
}

describe('the MKPDUs of real peers', () => {
  it.each(MKA.frames)('$name: the ICV is right, and written anew it is the same frame', ({ name }) => {
    const { frame, ick, ckn } = vectorFrame(name);
    expect((peekMkpdu(frame, OWN_MAC) as UncheckedMkpdu).ckn).toBe(ckn);
    const mkpdu = decode(frame, ick) as Mkpdu;
    expect(mkpdu).toBeTypeOf('object');
    expect(encodeMkpdu(mkpdu, ick, frame.subarray(6, 12)).toString('hex')).toBe(frame.toString('hex'));
  });

  it('a switch says what it is and whom it has heard', () => {
    const { frame, ick } = vectorFrame('a switch with a potential peer');
    expect(decode(frame, ick)).toEqual({
      basic: {
        ...{ version: 1, priority: 16, keyServer: true, macsecDesired: true, capability: 2 },
        ...{ sci: 'cc4e24c4f77f0080', mi: '718b8a39866b2f5814c9dcf6', mn: 125, ckn: '11'.repeat(32) },
      },
      livePeers: null,
      potentialPeers: { peers: [{ mi: 'bc6a009659777a823a90d9e7', mn: 1 }], keyServerSsci: 0 },
      ...{ sakUse: null, distributedSak: null, xpn: null, linkControl: null, icvIndicator: true },
    });
  });

  it('a switch distributes a SAK, and the KEK opens it', () => {
    const name = 'a switch that distributes a SAK';
    const { frame, ick, kek } = vectorFrame(name);
    const { sakUse, distributedSak, livePeers } = decode(frame, ick) as Mkpdu;
    const ki = { mi: '718b8a39866b2f5814c9dcf6', kn: 1 };
    expect(livePeers!.peers).toEqual([{ mi: 'bc6a009659777a823a90d9e7', mn: 2 }]);
    expect(sakUse).toEqual({
      latest: { ki, an: 0, tx: false, rx: true, lowestPn: 0 },
      old: { ki: null, an: 0, tx: false, rx: false, lowestPn: 0 },
      ...{ plainTx: false, plainRx: false, delayProtect: false },
    });
    const { wrapped, ...rest } = distributedSak!;
    expect(rest).toEqual({ an: 0, confidentialityOffset: 1, kn: 1, cipher: 'gcm-aes-128' });
    expect(hexOf(unwrapSak(kek, wrapped)!)).toBe(MKA.frames.find((one) => one.name === name)!.sak);
  });
});

describe('an MKPDU', () => {
  it('that was written is read as what was written', () => {
    fc.assert(
      fc.property(anyMkpdu, (mkpdu) => {
        const frame = encodeMkpdu(mkpdu, ICK, PEER_MAC);
        expect(frame.subarray(0, 6)).toEqual(Buffer.from(PAE_GROUP_MAC));
        expect(decode(frame)).toEqual(mkpdu);
      }),
      { numRuns: 500 },
    );
  });
});
