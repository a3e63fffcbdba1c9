/** Key agreement as a source of keys: two tunnels with real control of their SAs, and a wire between their Uncontrolled Ports. */
import { createSecretKey } from 'node:crypto';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MkaConfig } from '../../../src/config/types.ts';
import {
  decodeState,
  encodeState,
  HAND_OVER_VERSION,
  type HandedState,
} from '../../../src/daemon/handed-state.ts';
import type { UncontrolledPort } from '../../../src/datapath/uncontrolled-port.ts';
import type { Mark } from '../../../src/datapath/uncontrolled-ring.ts';
import { FdSink } from '../../../src/host/descriptors.ts';
import { AgreedKeys } from '../../../src/keys/agreed.ts';
import type { FiledKeys, HandedKeys } from '../../../src/keys/key-source.ts';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import type { HandedNumbers } from '../../../src/tunnel/packet-numbers.ts';
import { TunnelSaControl } from '../../../src/tunnel/sa-control.ts';
import { SecyControl } from '../../../src/tunnel/secy-control.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { MemoryLanes, MemoryState } from '../tunnel/kit.ts';

const SCIS = ['0000001111110001', '0000002222220001'] as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function mkaOf(changes: Partial<MkaConfig> = {}): MkaConfig {
  const cak = createSecretKey(Buffer.alloc(16, 7));
  return {
    ...{ ckn: '6c32', cak, priority: 128, helloMs: 500, lifeMs: 6000, rekeySeconds: null },
    ...{ peerLoss: 'keep', icvIndicator: true, fallback: null, ...changes },
  };
}

class Wire implements UncontrolledPort {
  readonly etherTypes = [];
  received: UncontrolledPort['received'] = () => {};
  peer: Wire | null = null;
  cut = false;
  sent = 0;
  /** Octets that the MKPDUs which must not be lost have, and where. */
  wanted: readonly Mark[] = [];
  /** Where what it sends seems to come from; null: from where it is. */
  from: Uint8Array | null = null;
  readonly heardOf: string[] = [];

  want(marks: readonly Mark[]): void {
    this.wanted = marks;
  }

  peerIsAt(from: Uint8Array): void {
    this.heardOf.push(`is at ${from[0]}`);
  }

  answerTo(from: Uint8Array): void {
    this.heardOf.push(`answer to ${from[0]}`);
  }

  send(frame: Uint8Array): void {
    this.sent++;
    const [copy, from] = [frame.slice(), this.from];
    if (!this.cut) queueMicrotask(() => this.peer?.received(copy, from, copy.length));
  }
}

class Site {
  readonly lanes = new MemoryLanes();
  readonly state = new MemoryState();
  readonly wire = new Wire();
  readonly lines: Record<string, unknown>[] = [];
  readonly keys: AgreedKeys;
  readonly sas: TunnelSaControl;

  readonly secy: SecyControl;

  constructor(number: 0 | 1, mka: MkaConfig, handed: Handed | null = null) {
    const config = macsecConfig({ txSa: [], rxSc: [] });
    this.secy = new SecyControl(config, SCIS[number], this.state, this.lanes, handed?.numbers);
    this.sas = new TunnelSaControl(this.secy);
    const log = pino({ level: 'info' }, { write: (line) => void this.lines.push(JSON.parse(line)) });
    this.keys = new AgreedKeys('site2', mka, config, { log }, handed?.keys);
  }

  get keyIds(): string[] {
    return this.sas.sas.txSa.map(({ keyId }) => keyId);
  }
}

async function sites(mka: Partial<MkaConfig> = {}, other: Partial<MkaConfig> = mka): Promise<[Site, Site]> {
  const pair: [Site, Site] = [new Site(0, mkaOf(mka)), new Site(1, mkaOf(other))];
  [pair[0].wire.peer, pair[1].wire.peer] = [pair[1].wire, pair[0].wire];
  for (const site of pair) await site.keys.start(site.sas, site.wire);
  return pair;
}

async function linked(...args: Parameters<typeof sites>): Promise<[Site, Site]> {
  const pair = await sites(...args);
  for (const site of pair) site.keys.linkUp();
  await vi.advanceTimersByTimeAsync(1000);
  return pair;
}

function filed(mka: MkaConfig): FiledKeys {
  return { macsec: macsecConfig({ txSa: [], rxSc: [] }), mka };
}

describe('two ends with one CAK', () => {
  it('say nothing before their lanes run, and agree within a second then', async () => {
    const pair = await sites();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pair.map(({ wire, keyIds }) => [wire.sent, keyIds])).toEqual([
      [0, []],
      [0, []],
    ]);
    for (const site of pair) site.keys.linkUp();
    await vi.advanceTimersByTimeAsync(1000);
    const [one, two] = pair;
    expect(one.keyIds).toHaveLength(1);
    expect(two.keyIds).toEqual(one.keyIds);
    expect(one.sas.sas.rxSc.map(({ sci }) => sci)).toEqual([SCIS[1]]);
    expect(pair.map(({ keys }) => keys.agreement?.role)).toEqual(['key server', 'member']);
    expect(pair.map(({ state }) => state.log)).toEqual([[], []]);
    for (const site of pair) site.keys.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('follow a peer that proves to be live, and answer one that cannot prove it yet where it spoke from', async () => {
    const pair = await sites();
    const [{ wire: hub }, { wire: spoke }] = pair;
    spoke.from = Uint8Array.of(1);
    const recorded: Uint8Array[] = [];
    const received = hub.received;
    hub.received = (frame, from, cameLen) => {
      recorded.push(frame);
      received(frame, from, cameLen);
    };
    for (const site of pair) site.keys.linkUp();
    await vi.advanceTimersByTimeAsync(1000);
    expect(hub.heardOf.slice(0, 2)).toEqual(['answer to 1', 'is at 1']);
    expect(hub.heardOf.slice(2)).not.toContain('answer to 1');
    // By a hello alone.
    spoke.from = Uint8Array.of(2);
    await vi.advanceTimersByTimeAsync(500);
    expect(hub.heardOf.at(-1)).toBe('is at 2');
    const before = hub.heardOf.length;
    for (const frame of recorded) received(frame, Uint8Array.of(3), frame.length);
    const forged = Buffer.from(recorded.at(-1)!);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    received(forged, Uint8Array.of(3), forged.length);
    expect(hub.heardOf).toHaveLength(before);
    // Whoever is where it is has no place to follow to.
    expect(spoke.heardOf).toEqual([]);
    for (const site of pair) site.keys.stop();
  });

  it('do not lose MKPDUs of their CKNs among others, after a reload either', async () => {
    const [{ keys, wire }, other] = await sites();
    const frames: Uint8Array[] = [];
    other.wire.peer = null;
    wire.send = (frame) => void frames.push(frame);
    keys.linkUp();
    const has = ({ at, octets }: Mark): boolean => Buffer.from(frames[0]!.subarray(at)).indexOf(octets) === 0;
    expect(wire.wanted.map(has)).toEqual([true]);
    const fallback = { ckn: '0a0b', cak: createSecretKey(Buffer.alloc(16, 9)) };
    await keys.reload(filed(mkaOf()), filed(mkaOf({ fallback })));
    expect(wire.wanted.map(({ octets }) => Buffer.from(octets).toString('hex'))).toEqual(['6c32', '0a0b']);
    keys.stop();
  });

  it.each([
    [0, 'ordered'],
    [1, 'asked'],
  ] as const)('a new SAK on demand at end %d: %s', async (end, rekey) => {
    const pair = await linked();
    const before = pair[0].keyIds;
    await vi.advanceTimersByTimeAsync(7000);
    expect(await pair[end].keys.rotate()).toEqual({ rekey });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(pair[0].keyIds).toHaveLength(1);
    expect(pair[0].keyIds).not.toEqual(before);
    expect(pair[1].keyIds).toEqual(pair[0].keyIds);
    for (const site of pair) site.keys.stop();
  });

  it('with another CAK have no key, and the log says why, once', async () => {
    const pair = await linked({}, { cak: createSecretKey(Buffer.alloc(16, 8)) });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(pair.map(({ keyIds }) => keyIds)).toEqual([[], []]);
    for (const { keys, lines } of pair) {
      const told = lines.filter(({ msg }) => /another CAK/.test(String(msg)));
      expect(told).toMatchObject([{ level: 40, tunnel: 'site2', ckn: '6c32' }]);
      await expect(keys.rotate()).rejects.toMatchObject({ code: 'L2VPN_UNAVAILABLE' });
      keys.stop();
    }
    expect(JSON.stringify(pair.map(({ lines }) => lines))).not.toMatch(/0707|0808/);
  });
});

describe('a reload', () => {
  it('of the priority moves the key server and leaves the SAs in use; undone, all is as it was', async () => {
    const [one, two] = await linked();
    const before = one.keyIds;
    const undo = await two.keys.reload(filed(mkaOf()), filed(mkaOf({ priority: 1 })));
    await two.keys.keep();
    await vi.advanceTimersByTimeAsync(1500);
    expect([one, two].map(({ keys }) => keys.agreement?.role)).toEqual(['member', 'key server']);
    expect(one.sas.sas.txSa.length).toBeGreaterThan(0);
    await undo();
    await vi.advanceTimersByTimeAsync(15_000);
    expect([one, two].map(({ keys }) => keys.agreement?.role)).toEqual(['key server', 'member']);
    expect(one.keyIds).not.toEqual(before);
    expect(two.keyIds).toEqual(one.keyIds);
    for (const { keys } of [one, two]) keys.stop();
  });
});

it('there is no rotation to abort, and no key source without a port', async () => {
  const site = new Site(0, mkaOf());
  await expect(site.keys.abort()).rejects.toMatchObject({ code: 'L2VPN_USAGE' });
  await expect(site.keys.start(site.sas, null)).rejects.toMatchObject({ code: 'L2VPN_INTERNAL' });
  await expect(site.keys.rotate()).rejects.toMatchObject({ code: 'L2VPN_UNAVAILABLE' });
  expect([site.keys.agreement, site.keys.running, site.keys.rotation]).toEqual([null, null, null]);
});

interface Handed {
  readonly keys: HandedKeys | null;
  readonly numbers: HandedNumbers;
}

/** Another process takes the place of `site`, whose lanes have taken `pns` packet numbers. */
async function handedOver(site: Site, number: 0 | 1, mka: MkaConfig, pns: number): Promise<Site> {
  takePns(site, pns);
  site.keys.stop();
  await site.secy.endLanes(async () => []);
  const tunnel = { numbers: site.secy.handOn(new FdSink(), false), keys: site.keys.handed };
  const state = { version: HAND_OVER_VERSION, tunnels: [tunnel], doors: new Map() } as unknown as HandedState;
  const [came] = decodeState(encodeState(state)).tunnels as unknown as [typeof tunnel];
  const next = new Site(number, mka, came);
  next.wire.peer = site.wire.peer;
  site.wire.peer!.peer = next.wire;
  site.wire.peer = null;
  await next.keys.start(next.sas, next.wire);
  next.keys.linkUp();
  return next;
}

function takePns({ secy }: Site, count: number): void {
  const { encoding } = secy;
  if (encoding === null) return;
  const block = new PnBlock(encoding.share.pn!, 1, false);
  for (let i = 0; i < count && block.available() > 0; i++) block.take();
}

describe('an agreement that another process goes on with', () => {
  it.each([0, 1] as const)('is the same to the peer, which notices nothing: end %i', async (number) => {
    const pair = await linked();
    await vi.advanceTimersByTimeAsync(20_000);
    const peer = pair[1 - number]!;
    const before = { mi: miOf(pair[number]!), keyIds: pair[number]!.keyIds, said: peer.lines.length };
    const nextPn = pair[number]!.sas.nextPn(0);
    const site = await handedOver(pair[number]!, number, mkaOf(), 500);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([miOf(site), site.keyIds]).toEqual([before.mi, before.keyIds]);
    expect(peer.lines.slice(before.said)).toEqual([]);
    expect(site.lines).toEqual([]);
    expect(site.sas.nextPn(0)).toBe(nextPn + 500n);
    expect(site.keys.agreement?.participants[0]?.livePeers).toHaveLength(1);
    expect(site.keys.agreement?.participants[0]?.refused).toEqual({});
    expect(peer.keys.agreement?.participants[0]?.refused).toEqual({});
  });

  it('goes on at whatever moment, in the middle of a new SAK too, and begins no SA a second time', async () => {
    for (let at = 0; at <= 700; at += 50) {
      const pair = await linked({ rekeySeconds: 30 });
      await vi.advanceTimersByTimeAsync(29_000 + at);
      const began = new Map<string, bigint>();
      for (const number of [0, 1] as const) {
        note(pair[number], began);
        pair[number] = await handedOver(pair[number], number, mkaOf({ rekeySeconds: 30 }), 100);
        note(pair[number], began);
        await vi.advanceTimersByTimeAsync(40);
      }
      await vi.advanceTimersByTimeAsync(20_000);
      expect(pair[0].keyIds).toEqual(pair[1].keyIds);
      expect(pair[0].keyIds).toHaveLength(1);
      const lost = pair.flatMap(({ lines }) =>
        lines.filter(({ msg }) => /lost|anew|removed/.test(String(msg))),
      );
      expect(lost).toEqual([]);
      for (const site of pair) site.keys.stop();
    }
  });

  it('is none where the file has another CAK, or another cipher: nothing of it is used then', async () => {
    const pair = await linked();
    const other = mkaOf({ cak: createSecretKey(Buffer.alloc(16, 8)) });
    const site = await handedOver(pair[0], 0, other, 10);
    expect(site.keyIds).toEqual([]);
    expect(site.lanes.specs).toEqual([]);
  });
});

/** By key: its next packet number, which never goes back. */
function note({ sas }: Site, began: Map<string, bigint>): void {
  for (const { keyId, an } of sas.sas.txSa) {
    const [own, key] = [sas.nextPn(an), `${sas.sci} ${keyId}`];
    expect(own).toBeGreaterThanOrEqual(began.get(key) ?? 1n);
    began.set(key, own);
  }
}

function miOf({ keys }: Site): string | undefined {
  return keys.agreement?.participants[0]?.mi;
}
