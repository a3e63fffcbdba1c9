/** `explain` of control frames between two l2vpnd: every field told, and the verdict of the daemon's own reader. */
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Judgement } from '../../../src/explain/gate.ts';
import { Judge } from '../../../src/explain/judge.ts';
import type { Layer } from '../../../src/explain/layers.ts';
import { decode, guessFirst } from '../../../src/explain/outer.ts';
import { type LinkKey, LinkKind, writeControlFrame } from '../../../src/link/frame.ts';
import { linkKeyOfCak, linkKeyOfSak } from '../../../src/link/keys.ts';
import { CAK, CKN, mkaTunnel } from '../config/mka-sample.ts';
import { type Json, load, sample } from '../config/sample.ts';
import { hex } from '../keys/mka/vectors.ts';

const PEER_SCI = '0000002222220001';

/** A hello of the peer, from 2.2.2.2 to 1.1.1.1 as site1 receives it. */
function packetOf(key: LinkKey, change: (frame: Buffer) => void = () => {}): Buffer {
  const frame = writeControlFrame(
    {
      ...{ kind: LinkKind.Hello, sci: PEER_SCI, mi: '0a'.repeat(12), mn: 7 },
      ...{ heard: null, body: Buffer.alloc(4) },
    },
    key,
  );
  change(frame);
  const head = hex('4500 0000 0001 4000 402f 0000 02020202 01010101 0000 6558');
  head.writeUInt16BE(head.length + frame.length, 2);
  return Buffer.concat([head, frame]);
}

const layersOf = (packet: Buffer): Layer[] => decode(packet, guessFirst(packet), []).layers;

function judged(file: Json, packet: Buffer): Judgement {
  return new Judge(load(file)).judge(packet, decode(packet, guessFirst(packet), []));
}

function keepaliveFile(): Json {
  const file = sample();
  file.tunnels[0].keepalive = {};
  return file;
}

const MKA_FILE = { tunnels: [mkaTunnel({})] };
const CAK_KEY = linkKeyOfCak(createSecretKey(CAK, 'hex'), CKN);

function sakKey(): LinkKey {
  const { macsec } = load(sample()).tunnels[0]!;
  return linkKeyOfSak(macsec!.rxSc[0]!.sa[0]!.sak, PEER_SCI);
}

describe('explain of a control frame', () => {
  it('tells its fields', () => {
    const layer = layersOf(packetOf(CAK_KEY)).at(-1)!;
    expect(layer).toMatchObject({ name: 'control frame', len: 80 });
    const said = Object.fromEntries(layer.fields.map(({ name, value, note }) => [name, note ?? value]));
    expect(said).toMatchObject({ kind: 'hello', SCI: PEER_SCI, 'key name': CAK_KEY.name, heard: 'nobody' });
  });

  it('says what is wrong with one that is cut off, and nothing of somebody else’s', () => {
    const packet = packetOf(CAK_KEY);
    const cut = packet.subarray(0, packet.length - 20);
    cut.writeUInt16BE(cut.length, 2);
    expect(layersOf(cut).at(-1)).toMatchObject({
      name: 'control frame',
      fault: expect.stringMatching(/ends/),
    });
    const other = packetOf(CAK_KEY, (frame) => void frame.writeUInt32BE(1, 14));
    expect(layersOf(other).at(-1)!.name).toBe('inner Ethernet');
  });

  it.each([
    ['key agreement', MKA_FILE, (): LinkKey => CAK_KEY],
    ['a keepalive', keepaliveFile(), sakKey],
  ])('accepts one with %s, and says that the bridge never gets it', (_, file, key) => {
    const { accepted, reason, explanation, frame } = judged(file, packetOf(key()));
    expect([accepted, reason, frame]).toEqual([true, 'control frame', null]);
    expect(explanation).toMatch(/never reaches the bridge/);
  });

  it('refuses one of another key or altered, by the name that the daemon counts it by', () => {
    const unknown = judged(MKA_FILE, packetOf(sakKey()));
    expect(unknown).toMatchObject({ accepted: false, reason: 'UnknownKey' });
    expect(unknown.hints[0]).toContain(CAK_KEY.name);
    const altered = packetOf(CAK_KEY, (frame) => void frame.writeUInt32BE(8, 50));
    expect(judged(MKA_FILE, altered)).toMatchObject({ accepted: false, reason: 'WrongIcv' });
  });

  it('is a frame without SecTAG where nobody takes it', () => {
    expect(judged(sample(), packetOf(sakKey()))).toMatchObject({ accepted: false, reason: 'InPktsNoTag' });
  });
});
