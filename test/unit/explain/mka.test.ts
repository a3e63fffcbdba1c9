/** `explain` of MKPDUs: every set told, and the verdict that the daemon's own reader gives with the configured CAKs. */
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/types.ts';
import type { CipherName } from '../../../src/crypto/cipher-suite.ts';
import { formatPacket, jsonOfPacket } from '../../../src/explain/format.ts';
import type { Judgement } from '../../../src/explain/gate.ts';
import { Judge } from '../../../src/explain/judge.ts';
import type { Layer } from '../../../src/explain/layers.ts';
import { decode, guessFirst } from '../../../src/explain/outer.ts';
import { encodeMkpdu } from '../../../src/keys/mka/encode.ts';
import { deriveMkaKeys, wrapSak } from '../../../src/keys/mka/keys.ts';
import type { Mkpdu } from '../../../src/keys/mka/mkpdu.ts';
import { type SealOptions, sealFrame } from '../../fuzz/targets/sealed-frame.ts';
import { CAK, CAK_256, CKN, mkaTunnel } from '../config/mka-sample.ts';
import { type Json, load } from '../config/sample.ts';
import { LIVE_A, LIVE_B, MI_A, rawMkpdu } from '../keys/mka/raw.ts';
import { hex, MKA, vectorFrame } from '../keys/mka/vectors.ts';

const PEER_MAC = hex('000000222222');
const FALLBACK = { ckn: 'fa11', cak: CAK_256 };

const configOf = (changes: Json = {}): Config => load({ tunnels: [mkaTunnel(changes)] });

function mkpdu(changes: Partial<Mkpdu> = {}, ckn = CKN): Mkpdu {
  return {
    basic: {
      ...{ version: 1, priority: 128, keyServer: true, macsecDesired: true, capability: 2 },
      ...{ sci: '0000002222220001', mi: MI_A, mn: 5, ckn },
    },
    ...{
      livePeers: null,
      potentialPeers: null,
      sakUse: null,
      distributedSak: null,
      xpn: null,
      linkControl: null,
    },
    icvIndicator: true,
    ...changes,
  };
}

const keysOf = (cak: string, ckn: string): ReturnType<typeof deriveMkaKeys> =>
  deriveMkaKeys(createSecretKey(cak, 'hex'), ckn);

function frameOf(said: Mkpdu = mkpdu(), cak = CAK): Buffer {
  return encodeMkpdu(said, keysOf(cak, said.basic.ckn).ick, PEER_MAC);
}

/** From 2.2.2.2 to 1.1.1.1, as site1 receives it. */
function packetOf(frame: Buffer): Buffer {
  const head = hex('4500 0000 0001 4000 402f 0000 02020202 01010101 0000 6558');
  head.writeUInt16BE(head.length + frame.length, 2);
  return Buffer.concat([head, frame]);
}

function judged(config: Config, packet: Buffer): Judgement {
  return new Judge(config).judge(packet, decode(packet, guessFirst(packet), []));
}

const layersOf = (frame: Buffer): Layer[] => decode(frame, 'ethernet', []).layers;

describe('an MKPDU, decoded', () => {
  it('of a switch is told set by set', () => {
    const { frame } = vectorFrame('a switch that distributes a SAK');
    const layers = layersOf(frame);
    expect(layers.map(({ name, at, len }) => [name, at, len])).toEqual([
      ['Ethernet', 0, 14],
      ['EAPOL', 14, 4],
      ['MKA basic', 18, 64],
      ['MKA live peers', 82, 20],
      ['MKA SAK use', 102, 44],
      ['MKA distributed SAK', 146, 32],
      ['MKA ICV', 182, 16],
    ]);
    const fields = layers.slice(2).flatMap((layer) => layer.fields.map(({ name, value }) => [name, value]));
    expect(fields).toEqual([
      ['MKA version', '1'],
      ['priority', '16'],
      ['key server', 'yes'],
      ['MACsec desired', 'yes'],
      ['capability', '2'],
      ['SCI', 'cc4e24c4f77f0080'],
      ['member (MI)', '718b8a39866b2f5814c9dcf6'],
      ['message (MN)', '129'],
      ['algorithms', '0x0080c201'],
      ['CKN', '11'.repeat(32)],
      ['peer', 'bc6a009659777a823a90d9e7'],
      ['latest key', '718b8a39866b2f5814c9dcf6'],
      ['latest AN', '0'],
      ['latest lowest PN', '0'],
      ['old key', 'none'],
      ['old AN', '0'],
      ['old lowest PN', '0'],
      ['plain TX', 'no'],
      ['plain RX', 'no'],
      ['delay protect', 'no'],
      ['AN', '0'],
      ['confidentiality', '1'],
      ['key number (KN)', '1'],
      ['cipher suite', 'gcm-aes-128'],
      ['SAK', '24 octets'],
      ['ICV', 'b048cfe03aa19452442703e637e15572'],
    ]);
  });

  it('tells XPN, unknown sets and a second one of a type', () => {
    const sets = `${LIVE_A} ${LIVE_B} 08 02 0008 00000001 00000002 2a 00 0003 010203 00`;
    const layers = layersOf(rawMkpdu({ sets })).slice(3);
    expect(layers.map(({ name, fields }) => [name, ...fields.map(({ value }) => value)])).toEqual([
      ['MKA live peers', MI_A],
      ['MKA live peers', 'yes'],
      ['MKA XPN', '2 s', '1', '2'],
      ['MKA parameter set 42', '010203'],
      ['MKA ICV', expect.any(String)],
    ]);
  });

  it.each([
    ['a set that is too long', { sets: '01 00 0020 00000000' }, 'a parameter set ends behind the MKPDU'],
    ['half a peer', { sets: `01 00 000c ${MI_A}` }, 'a peer list is not made of whole entries'],
    ['a CKN of 0 octets', { basic: `01 10 e0 1c ${'00'.repeat(28)}` }, 'its CKN has not 1 to 32 octets'],
  ])('%s has a fault there', (_, raw, fault) => {
    const faults = layersOf(rawMkpdu(raw)).flatMap((layer) => layer.fault ?? []);
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  it('cut off anywhere, says so, and no layer lies outside', () => {
    const { frame } = vectorFrame('a switch that distributes a SAK');
    for (let len = 0; len < frame.length; len++) {
      const layers = layersOf(frame.subarray(0, len));
      expect(layers.some(({ fault }) => fault !== undefined)).toBe(true);
      for (const { at, len: of, fault } of layers) expect(fault !== undefined || at + of <= len).toBe(true);
    }
  });

  it('behind a VLAN tag is told too', () => {
    const names = layersOf(rawMkpdu({ vlans: '8100 0064' })).map(({ name }) => name);
    expect(names).toEqual(['Ethernet', '802.1Q', 'EAPOL', 'MKA basic', 'MKA ICV']);
  });
});

describe('an MKPDU, judged', () => {
  it('with the CAK of the tunnel is for the key agreement, not for the bridge', () => {
    const judgement = judged(configOf(), packetOf(frameOf()));
    expect(judgement).toMatchObject({ accepted: true, reason: 'MKPDU', direction: 'received', frame: null });
    expect(judgement.explanation).toContain('the ICV is right with mka.cak of tunnel');
  });

  it('with the fallback CAK is too', () => {
    const frame = frameOf(mkpdu({}, FALLBACK.ckn), FALLBACK.cak);
    const judgement = judged(configOf({ fallback: FALLBACK }), packetOf(frame));
    expect(judgement.explanation).toContain('the ICV is right with mka.fallback.cak');
  });

  it('of another CAK is refused, and why', () => {
    const judgement = judged(configOf(), packetOf(frameOf(mkpdu(), CAK_256)));
    expect(judgement).toMatchObject({
      ...{ accepted: false, reason: 'WrongIcv', hints: [] },
      explanation: "the ICV of the peer's MKPDU is wrong: another CAK",
    });
  });

  it('of a CAK that stands elsewhere in the configuration is refused with where', () => {
    const judgement = judged(configOf({ fallback: FALLBACK }), packetOf(frameOf(mkpdu(), CAK_256)));
    expect(judgement.hints).toEqual([expect.stringContaining('the ICV is right with mka.fallback.cak')]);
  });

  it('of another CKN is refused with both', () => {
    const judgement = judged(configOf(), packetOf(frameOf(mkpdu({}, 'beef'))));
    expect(judgement).toMatchObject({ accepted: false, reason: 'UnknownCkn' });
    expect(judgement.hints).toEqual([`the MKPDU has CKN beef; configured are ${CKN}`]);
  });

  it('of the same CKN filled up with zeros is refused with what fills it', () => {
    const judgement = judged(configOf({ ckn: 'beef' }), packetOf(frameOf(mkpdu({}, 'beef'.padEnd(64, '0')))));
    expect(judgement.hints[1]).toContain('Junos');
  });

  it.each([
    ['it distributes can be unwrapped', CAK, 'the SAK in it can be unwrapped'],
    ['of another KEK cannot', CAK_256, 'the SAK in it cannot be unwrapped'],
  ])('the SAK that %s', (_, kekOf, hint) => {
    const wrapped = wrapSak(keysOf(kekOf, CKN).kek, createSecretKey(Buffer.alloc(16, 7)));
    const distributedSak = {
      an: 0,
      confidentialityOffset: 1,
      kn: 1,
      cipher: 'gcm-aes-128' as const,
      wrapped,
    };
    expect(judged(configOf(), packetOf(frameOf(mkpdu({ distributedSak })))).hints).toContain(hint);
  });

  it.each([
    ['to another station', 'NotForUs', (frame: Buffer) => frame.fill(2, 0, 6)],
    ['that is cut off', 'BodyLength', (frame: Buffer) => frame.subarray(0, -1)],
    ['that is no MKA', 'EapolType', (frame: Buffer) => frame.fill(1, 15, 16)],
  ])('%s is refused: %s', (_, reason, change) => {
    expect(judged(configOf(), packetOf(change(frameOf())))).toMatchObject({ accepted: false, reason });
  });

  it('without outer addresses belongs to the tunnel of its CKN, sent where the source is our own', () => {
    const config = load({
      tunnels: [
        mkaTunnel(),
        {
          ...mkaTunnel(FALLBACK),
          ...{ name: 'other', tap: { ifname: 'other', mac: '00:00:00:22:22:22' } },
          gre: { local: '1.1.1.1', remote: '2.2.2.2', key: 7 },
        },
      ],
    });
    const frame = frameOf(mkpdu({}, FALLBACK.ckn), FALLBACK.cak);
    expect(judged(config, frame)).toMatchObject({ tunnel: 'other', direction: 'sent', accepted: true });
    const [name] = config.tunnels.map((tunnel) => tunnel.name);
    expect(judged(config, frameOf())).toMatchObject({ tunnel: name, direction: 'received', accepted: true });
  });

  it('in a tunnel of static keys is a frame without SecTAG, as it is for the daemon', () => {
    const tunnel = mkaTunnel();
    tunnel.macsec = { txSa: [{ key: CAK }], rxSc: [] };
    expect(judged(load({ tunnels: [tunnel] }), packetOf(frameOf())).reason).toBe('InPktsNoTag');
  });

  it('never shows a CAK, ICK, KEK or SAK', () => {
    const { ick, kek } = keysOf(CAK, CKN);
    const sak = createSecretKey(Buffer.alloc(16, 7));
    const distributedSak = {
      ...{
        an: 0,
        confidentialityOffset: 1,
        kn: 1,
        cipher: 'gcm-aes-128' as const,
        wrapped: wrapSak(kek, sak),
      },
    };
    const data = packetOf(frameOf(mkpdu({ distributedSak })));
    const decoded = decode(data, 'ip', []);
    const verdict = new Judge(configOf()).judge(data, decoded);
    const packet = { time: null, data, originalLen: data.length, first: 'ip' as const, linkType: 1 };
    const said =
      formatPacket(1, packet, decoded, verdict) + JSON.stringify(jsonOfPacket(1, packet, decoded, verdict));
    for (const key of [ick, kek, sak].map((one) => one.export().toString('hex')))
      expect(said).not.toContain(key);
    expect(said).not.toContain(CAK);
    expect(said).toContain('MKA distributed SAK');
  });
});

describe('a protected frame of a tunnel with MKA', () => {
  const [SAK, NEXT_SAK] = ['5a'.repeat(16), 'c3'.repeat(16)];
  const INNER = hex(`000000aaaaaa 000000bbbbbb 0800 ${'45'.repeat(60)}`);
  const [PEER_SCI, OWN_SCI] = ['0000002222220001', '0000001111110001'];

  /** The key server, whose SCI is `sci`, distributes `sak` for `an` as its key number `kn`. */
  function sakOf(
    sak: string,
    an: number,
    kn = 1,
    cipher: CipherName = 'gcm-aes-128',
    sci = PEER_SCI,
  ): Buffer {
    const wrapped = wrapSak(keysOf(CAK, CKN).kek, createSecretKey(sak, 'hex'));
    const distributedSak = { an, confidentialityOffset: 1, kn, cipher, wrapped };
    const said = mkpdu({ distributedSak });
    return packetOf(frameOf({ ...said, basic: { ...said.basic, sci } }));
  }

  function sealed(
    sak: string,
    an: number,
    pn: bigint,
    sci = PEER_SCI,
    xpn: SealOptions['xpn'] = null,
  ): Buffer {
    const sealing = { tci: 0x2c | an, sl: 0, pn, sci: hex(sci), icvLen: 16, key: hex(sak), xpn };
    return packetOf(sealFrame(INNER, sealing));
  }

  function judgedAll(packets: Buffer[]): Judgement[] {
    const judge = new Judge(configOf());
    return packets.map((packet) => judge.judge(packet, decode(packet, guessFirst(packet), [])));
  }

  it('before any SAK cannot be opened, and why', () => {
    const [judgement] = judgedAll([sealed(SAK, 0, 1n)]);
    expect(judgement!.reason).toBe('InPktsNoSCI');
    expect(judgement!.hints).toEqual([expect.stringContaining('no MKPDU before this frame')]);
  });

  it('behind the MKPDU that distributes its SAK is opened, and a second one is late', () => {
    const frame = sealed(SAK, 0, 1n);
    const [, first, second] = judgedAll([sakOf(SAK, 0), frame, frame]);
    expect(first).toMatchObject({ accepted: true, reason: 'ok', frame: INNER });
    expect(first!.explanation).toBe(`key ${MI_A}00000001, AN 0`);
    expect(second!.reason).toBe('InPktsLate');
  });

  it('of the old key is opened beside those of the new one, each with its own packet numbers', () => {
    const judgements = judgedAll([
      ...[sakOf(SAK, 0), sealed(SAK, 0, 5000n), sakOf(NEXT_SAK, 1, 2), sealed(NEXT_SAK, 1, 1n)],
      ...[sealed(SAK, 0, 5001n), sealed(SAK, 0, 5001n), sealed(NEXT_SAK, 0, 1n)],
    ]);
    const reasons = judgements.map(({ reason }) => reason);
    expect(reasons).toEqual(['MKPDU', 'ok', 'MKPDU', 'ok', 'ok', 'InPktsLate', 'InPktsLate']);
  });

  it('of a new key under an AN that was in use begins anew', () => {
    const judgements = judgedAll([
      ...[sakOf(SAK, 0), sealed(SAK, 0, 5000n), sakOf(NEXT_SAK, 0, 2)],
      ...[sealed(NEXT_SAK, 0, 1n), sealed(NEXT_SAK, 0, 1n)],
    ]);
    expect(judgements.map(({ reason }) => reason)).toEqual(['MKPDU', 'ok', 'MKPDU', 'ok', 'InPktsLate']);
  });

  it('of somebody who sent no MKPDU is not', () => {
    const [, judgement] = judgedAll([sakOf(SAK, 0), sealed(SAK, 0, 1n, '0000003333330001')]);
    expect(judgement!.reason).toBe('InPktsNoSCI');
  });

  it('of an XPN suite is opened with the salt of the key and the SSCI of its sender', () => {
    // The greater SCI, the peer's, has SSCI 1.
    const salt = hex(MI_A);
    salt[1]! ^= 1;
    const xpn = (ssci: number): SealOptions['xpn'] => ({ ssci, salt });
    const own = sakOf(SAK, 0, 1, 'gcm-aes-xpn-128', OWN_SCI);
    const judgements = judgedAll([
      ...[own, sakOf(SAK, 0, 1, 'gcm-aes-xpn-128')],
      ...[sealed(SAK, 0, 1n, PEER_SCI, xpn(1)), sealed(SAK, 0, 2n, PEER_SCI, xpn(2))],
    ]);
    expect(judgements.map(({ reason }) => reason)).toEqual(['MKPDU', 'MKPDU', 'ok', 'InPktsNotValid']);
  });
});

describe('the MKPDUs of real peers', () => {
  it.each(MKA.keys.filter(({ name }) => MKA.frames.some(({ keys }) => keys === name)))(
    'of $name are right with their CAK',
    ({ name, cak, ckn }) => {
      // Everybody has these keys, so no file with them is loaded.
      const [tunnel] = configOf().tunnels;
      const mka = { ...tunnel!.mka!, ckn, cak: createSecretKey(cak, 'hex') };
      const config = { ...configOf(), tunnels: [{ ...tunnel!, mka }] };
      for (const { frame } of MKA.frames.filter(({ keys }) => keys === name))
        expect(judged(config, packetOf(hex(frame))).accepted).toBe(true);
    },
  );
});
