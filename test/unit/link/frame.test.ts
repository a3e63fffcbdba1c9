/** The octets of control frames (docs/protocol.md). */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ControlFrame,
  LEAST_CONTROL_LEN,
  LinkKind,
  MAX_CONTROL_LEN,
  peekControlFrame,
  readControlFrame,
  writeControlFrame,
} from '../../../src/link/frame.ts';
import { linkKeyOfCak, linkKeyOfSak } from '../../../src/link/keys.ts';
import { hex } from '../macsec/kit.ts';

const KEY = linkKeyOfSak(createSecretKey(Buffer.alloc(16, 0x11)), '0200000000010001');

const HELLO: ControlFrame = {
  ...{ kind: LinkKind.Hello, sci: '0200000000010001', mi: '0a'.repeat(12), mn: 7 },
  ...{ heard: { mi: '0b'.repeat(12), mn: 9 }, body: Uint8Array.of(0, 0, 3, 0xe8) },
};

function read(frame: Uint8Array, cameLen = frame.length, key = KEY): ControlFrame | string {
  const found = peekControlFrame(frame, cameLen);
  return typeof found === 'string' ? found : readControlFrame(frame, found, key.icvKey);
}

describe('a control frame', () => {
  it('stands on the wire as docs/protocol.md has it', () => {
    const frame = writeControlFrame(HELLO, KEY);
    expect(frame.subarray(0, 78)).toEqual(
      hex(`01 80 c2 00 00 0e  02 00 00 00 00 01  88 b5
           6c 32 76 70  01 01 00 04  02 00 00 00 00 01 00 01  ${KEY.name}
           ${'0a'.repeat(12)} 00 00 00 07  ${'0b'.repeat(12)} 00 00 00 09  00 00 00 5e  00 00 03 e8`),
    );
    expect(frame).toHaveLength(94);
    expect(read(frame)).toEqual(HELLO);
  });

  it('is as long as it is told, and its start says so to who has no more of it', () => {
    const probe: ControlFrame = { ...HELLO, kind: LinkKind.Probe, body: new Uint8Array(0) };
    const frame = writeControlFrame(probe, KEY, 9018);
    expect(frame).toHaveLength(9018);
    expect(read(frame.subarray(0, MAX_CONTROL_LEN), 9018)).toEqual(probe);
    for (const cameLen of [9017, 9019, MAX_CONTROL_LEN]) {
      expect(read(frame.subarray(0, MAX_CONTROL_LEN), cameLen)).toBe('FrameLength');
    }
    expect(writeControlFrame(probe, KEY, 20)).toHaveLength(LEAST_CONTROL_LEN);
  });

  it('is refused where any octet before its padding is another', () => {
    const frame = writeControlFrame(HELLO, KEY, 120);
    for (let at = 0; at < 94; at++) {
      const changed = Buffer.from(frame);
      changed[at]! ^= 1;
      expect(typeof read(changed), `octet ${at}`).toBe('string');
    }
    const padded = Buffer.from(frame);
    padded[119]! ^= 1;
    expect(read(padded)).toEqual(HELLO);
  });

  it.each([
    ['a body that ends behind the frame', 'TooShort', 20, '0008'],
    ['another EtherType', 'NotOurs', 12, '88b6'],
    ['somebody else’s experiment', 'NotOurs', 14, '00000001'],
    ['a later version', 'Version', 18, '02'],
    ['a wrong ICV', 'WrongIcv', 90, '00000000'],
  ] as const)('is refused with %s', (_, refusal, at, octets) => {
    const frame = writeControlFrame(HELLO, KEY);
    frame.write(octets, at, 'hex');
    expect(read(frame)).toBe(refusal);
    expect(read(frame.subarray(0, LEAST_CONTROL_LEN - 1))).toBe('TooShort');
  });

  it('has a message number above 0', () => {
    expect(read(writeControlFrame({ ...HELLO, mn: 0 }, KEY))).toBe('MessageNumber');
  });

  it('comes back as it was written, whatever it says, and from no octets does reading throw', () => {
    const mi = fc
      .uint8Array({ minLength: 12, maxLength: 12 })
      .map((octets) => Buffer.from(octets).toString('hex'));
    const mn = fc.integer({ min: 1, max: 0xffffffff });
    const heard = fc.option(
      fc.record({
        mi: mi.filter((text) => /[1-9a-f]/.test(text)),
        mn: fc.integer({ min: 0, max: 0xffffffff }),
      }),
    );
    const said = fc.record({
      ...{ kind: fc.integer({ min: 0, max: 255 }), mi, mn, heard },
      sci: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((octets) => Buffer.from(octets).toString('hex')),
      body: fc.uint8Array({ maxLength: 256 }),
    });
    fc.assert(
      fc.property(said, fc.integer({ min: 0, max: 2000 }), (one, len) => {
        const frame = writeControlFrame(one, KEY, len);
        const back = read(frame);
        expect(back).toEqual({ ...one, body: Uint8Array.from(one.body) });
        for (const cut of [0, 13, 60, frame.length - 1]) read(frame.subarray(0, cut), frame.length);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => void read(octets)));
  });
});

describe('keys of control frames', () => {
  const secret = createSecretKey(Buffer.alloc(32, 0x33));

  it('are as long as what they are made of, and of each source another', () => {
    const keys = [
      linkKeyOfCak(secret, '0a'),
      linkKeyOfCak(secret, '0b'),
      linkKeyOfSak(secret, '0200000000010001'),
      linkKeyOfSak(secret, '0200000000020001'),
    ];
    for (const { icvKey } of keys) expect(icvKey.symmetricKeySize).toBe(32);
    expect(new Set(keys.map(({ name }) => name)).size).toBe(4);
    expect(new Set(keys.map(({ icvKey }) => icvKey.export().toString('hex'))).size).toBe(4);
    expect(linkKeyOfCak(secret, '0a').name).toBe(keys[0]!.name);
  });

  /** Made with python3's hmac, after RFC 5869 2. */
  it('are those of RFC 5869, so that another implementation finds them', () => {
    const key = linkKeyOfSak(createSecretKey(Buffer.alloc(16, 0x11)), '0200000000010001');
    expect(key.icvKey.export().toString('hex') + key.name).toBe(
      'd265e53c316b241b27a8adb99e50ea7b1d55b5b2be552213',
    );
  });
});
