/**
 * A KaY among authenticated members that say anything in any order: three of them, each of which may be key server,
 * list us or not, distribute SAKs new and old, and claim any use of them. An input is a recipe:
 *
 *     | mode 2 | step: what 1, who 1, arg 2 | step | …
 *
 * The promises: nothing throws; what is kept is bounded; of one SAK no packet number is used twice; nothing is sent but
 * under a SAK, and encrypted where that is configured; orders make sense; MKPDUs keep their distance.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { decodeMkpdu, peekMkpdu } from '../../../src/keys/mka/decode.ts';
import { encodeMkpdu } from '../../../src/keys/mka/encode.ts';
import { Kay } from '../../../src/keys/mka/kay.ts';
import { deriveMkaKeys, wrapSak } from '../../../src/keys/mka/keys.ts';
import type { KeyIdentifier, ListedPeer, Mkpdu, UsedKey } from '../../../src/keys/mka/mkpdu.ts';
import type { SakSa, SecyOrders } from '../../../src/keys/mka/seams.ts';
import { ANSWER_GAP_MS, MAX_LIVE_PEERS, type MkaSettings } from '../../../src/keys/mka/settings.ts';
import { Random } from '../random.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MODE_LEN = 2;
const STEP_LEN = 4;
const MAX_STEPS = 64;
const CKN = '0a0b0c0d';
const CAK = createSecretKey(Buffer.alloc(16, 0x11));
const KEYS = deriveMkaKeys(CAK, CKN);
const OWN_SCI = '0200000000080001';
const MEMBERS = 3;
const CIPHERS = ['gcm-aes-128', 'gcm-aes-xpn-128', 'gcm-aes-256', 'gcm-aes-xpn-256'] as const;

/** A SecY that holds its orders to what they may be, and sends with every number once. */
class Secy implements SecyOrders {
  readonly tx = new Map<number, { sak: string; pn: bigint }>();
  readonly rx = new Map<string, Set<number>>();
  readonly #used = new Map<string, bigint>();
  readonly #random: Random;
  encoding = -1;
  #isBusy = false;

  constructor(random: Random) {
    this.#random = random;
  }

  async installRx(sci: string, { an }: SakSa): Promise<void> {
    await this.#order();
    const ans = this.rx.get(sci) ?? new Set();
    demand(!ans.has(an), 'a receive SA is installed on an AN that is not free');
    demand(this.rx.size <= 4 * MAX_LIVE_PEERS, 'there is a bounded number of channels');
    this.rx.set(sci, ans.add(an));
  }

  async installTx({ an, sak, encrypt }: SakSa): Promise<void> {
    await this.#order();
    demand(!this.tx.has(an), 'a transmit SA is installed on an AN that is not free');
    demand(encrypt, 'a transmit SA encrypts, as is configured');
    const name = sak.export().toString('hex');
    demand(!this.#used.has(name), 'a SAK is used a second time');
    this.tx.set(an, { sak: name, pn: 1n });
  }

  async transmitWith(an: number): Promise<void> {
    await this.#order();
    demand(this.tx.has(an), 'transmit moves to an SA that is there');
    this.encoding = an;
  }

  async retireTx(an: number): Promise<void> {
    await this.#order();
    demand(this.tx.delete(an), 'a transmit SA is retired that is there');
  }

  async retireRx(sci: string, an: number): Promise<void> {
    await this.#order();
    demand(this.rx.get(sci)?.delete(an) === true, 'a receive SA is retired that is there');
  }

  async removeRxSc(sci: string): Promise<void> {
    await this.#order();
    demand(this.rx.get(sci)?.size === 0, 'a channel is removed that is empty');
    this.rx.delete(sci);
  }

  async raiseLowestPn(sci: string, an: number, pn: bigint): Promise<void> {
    await this.#order();
    demand(this.rx.get(sci)?.has(an) === true && pn > 1n, 'a floor is raised of an SA that is there');
  }

  nextPn(an: number): bigint {
    return this.tx.get(an)?.pn ?? 1n;
  }

  send(): void {
    const sa = this.tx.get(this.encoding);
    if (sa === undefined) return;
    demand(sa.pn > (this.#used.get(sa.sak) ?? 0n), 'a packet number is used a second time');
    this.#used.set(sa.sak, sa.pn++);
  }

  async #order(): Promise<void> {
    demand(!this.#isBusy, 'orders come one at a time');
    this.#isBusy = true;
    for (let turns = this.#random.below(4); turns > 0; turns--) await null;
    this.#isBusy = false;
    if (this.#random.below(16) === 0) throw new Error('this order is not carried out');
  }
}

/** One of those who have the CAK. */
class Member {
  mi: string;
  sci: string;
  mn = 0;
  kn = 0;
  readonly index: number;

  constructor(index: number) {
    this.index = index;
    this.mi = `${index + 1}0`.repeat(12);
    this.sci = `02000000000${index * 5}0001`;
  }
}

class Bench {
  nowMs = 0;
  readonly secy: Secy;
  readonly kay: Kay;
  readonly faults: unknown[] = [];
  readonly members = Array.from({ length: MEMBERS }, (_, i) => new Member(i));
  #wake: { atMs: number; run: () => void } | null = null;
  #heard: Mkpdu | null = null;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  /** Kept for replays. */
  readonly sent: Buffer[] = [];
  readonly #cipher: MkaSettings['cipher'];

  constructor(a: number, b: number) {
    const random = new Random(a * 256 + b);
    this.#cipher = CIPHERS[a & 3]!;
    this.secy = new Secy(random);
    const settings: MkaSettings = {
      ...{ ckn: CKN, cak: CAK, sci: OWN_SCI, priority: (b & 3) * 85, helloMs: 500, lifeMs: 6000 },
      ...{ rekeySeconds: (a & 4) !== 0 ? 1 : null, peerLoss: (a & 8) !== 0 ? 'keep' : 'drop' },
      ...{ icvIndicator: (a & 16) !== 0, fallback: null, cipher: this.#cipher, encrypt: true },
    };
    this.kay = new Kay(settings, {
      clock: {
        nowMs: () => this.nowMs,
        wakeAt: (atMs, run) => {
          demand(atMs > this.nowMs, 'a wake-up is in the future');
          this.#wake = { atMs, run };
        },
        cancel: () => {
          this.#wake = null;
        },
      },
      random: (len) => random.octets(len),
      orders: this.secy,
      send: (frame) => this.#hear(frame),
      listener: (event) => {
        if (event.name === 'order failed' && !isWanted(event.error)) this.faults.push(event.error);
      },
    });
    this.kay.start();
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (let wakes = 0; this.#wake !== null && this.#wake.atMs <= endMs; wakes++) {
      demand(wakes <= 4 + ms / 4, 'a KaY sleeps between its wake-ups');
      const { atMs, run } = this.#wake;
      this.#wake = null;
      this.nowMs = atMs;
      run();
      await this.settle();
      this.secy.send();
    }
    this.nowMs = endMs;
  }

  async settle(): Promise<void> {
    for (let turns = 0; turns < 40; turns++) await null;
    if (this.faults.length > 0) throw this.faults[0];
  }

  say(member: Member, what: number, arg: number): void {
    const own = this.#heard?.basic ?? null;
    const list = this.#listOf(own === null ? null : { mi: own.mi, mn: own.mn - (arg & 1) }, member);
    member.mn += 1 + (arg & 3);
    const sakUse = (what & 16) === 0 ? null : this.#use(member, arg);
    const frame = encodeMkpdu(
      {
        basic: {
          ...{ version: arg & 3, priority: member.index * 100 + (arg & 7), keyServer: (what & 1) === 0 },
          ...{ macsecDesired: (arg & 0xe00) !== 0, capability: (arg & 0x700) === 0 ? 1 : 2 },
          ...{ sci: member.sci, mi: member.mi, mn: member.mn, ckn: CKN },
        },
        livePeers: (what & 2) === 0 ? list : null,
        potentialPeers: (what & 4) === 0 ? null : list,
        sakUse:
          sakUse === null
            ? null
            : { ...sakUse, plainTx: false, plainRx: false, delayProtect: (arg & 16) !== 0 },
        distributedSak: (what & 8) === 0 ? null : this.#sak(member, arg),
        xpn:
          (arg & 32) === 0
            ? null
            : { suspensionTime: 0, latestLowestPnHigh: arg & 4 ? 0xffffffff : 0, oldLowestPnHigh: 0 },
        linkControl: (arg & 256) !== 0 ? { version: 1, calmHelloMs: (arg & 7) * 1000 } : null,
        icvIndicator: (arg & 64) !== 0,
      },
      KEYS.ick,
      Buffer.from(member.sci.slice(0, 12), 'hex'),
    );
    this.sent.push(frame);
    this.kay.receive(frame);
  }

  check(): void {
    const { participants, latest } = this.kay.snapshot();
    const [one] = participants;
    demand(one!.livePeers.length + one!.potentialPeers.length <= 64, 'there is a bounded number of peers');
    demand(this.secy.tx.size <= 4, 'there are four transmit SAs at most');
    demand(
      latest === null || this.secy.rx.size > 0 || !latest.receives,
      'a SAK that is received with has its SAs',
    );
  }

  #listOf(own: ListedPeer | null, member: Member): Mkpdu['livePeers'] {
    const others = this.members.filter((one) => one !== member).map(({ mi, mn }) => ({ mi, mn }));
    return { peers: own === null ? others : [own, ...others], keyServerSsci: member.kn & 3 };
  }

  #ki(member: Member, arg: number): KeyIdentifier {
    const latest = this.#heard?.sakUse?.latest.ki ?? null;
    return (arg & 128) !== 0 && latest !== null ? latest : { mi: member.mi, kn: Math.max(1, member.kn) };
  }

  #use(member: Member, arg: number): { latest: UsedKey; old: UsedKey } {
    const ki = this.#ki(member, arg);
    const lowestPn = [0, 1, 100, 0xc0000001, 0xffffffff][arg % 5]!;
    const half = { ki, an: (arg >> 8) & 3, tx: (arg & 2) !== 0, rx: (arg & 4) !== 0, lowestPn };
    return (arg & 8) !== 0
      ? { latest: half, old: { ...half, ki: null } }
      : { latest: { ...half, ki: null }, old: half };
  }

  #sak(member: Member, arg: number): NonNullable<Mkpdu['distributedSak']> {
    if ((arg & 3) !== 0) member.kn++;
    const cipher = (arg & 0xf000) === 0 ? CIPHERS[(arg >> 4) & 3]! : this.#cipher;
    const wrapped = wrapSak(KEYS.kek, sakOf((arg >> 2) & 31, cipher.endsWith('256') ? 32 : 16));
    const confidentialityOffset = (arg & 0x800) === 0 ? 1 : (arg >> 4) & 3;
    return { an: (arg >> 7) & 3, confidentialityOffset, kn: Math.max(1, member.kn), cipher, wrapped };
  }

  #hear(frame: Uint8Array): void {
    demand(this.nowMs - this.#lastSentMs >= ANSWER_GAP_MS, 'MKPDUs keep their distance');
    this.#lastSentMs = this.nowMs;
    const found = peekMkpdu(frame, Buffer.alloc(6));
    const mkpdu = typeof found === 'string' ? found : decodeMkpdu(frame, found, KEYS.ick);
    demand(typeof mkpdu !== 'string', `what is sent can be read: ${mkpdu as string}`);
    demand(frame.length <= 1400, 'an MKPDU fits any path');
    this.#heard = mkpdu;
  }
}

const isWanted = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('this order');

function sakOf(n: number, len: number): KeyObject {
  return createSecretKey(Buffer.alloc(len, n));
}

async function take(bench: Bench, what: number, who: number, arg: number): Promise<void> {
  const member = bench.members[who % MEMBERS]!;
  if (what < 0xc0) bench.say(member, what, arg);
  else if (what < 0xe0) await bench.pass(arg % 2000);
  else if (what < 0xe8) await bench.pass(arg % 20_000);
  else if (what < 0xf0) {
    const again = bench.sent[arg % Math.max(1, bench.sent.length)];
    if (again !== undefined) bench.kay.receive(again);
  } else if (what < 0xf4) bench.kay.rekey();
  else {
    // It starts anew, or another has its place.
    member.mi = Buffer.alloc(12, arg).toString('hex');
    member.mn = arg & 0xff;
  }
  await bench.settle();
  bench.secy.send();
  bench.check();
}

const LISTS_US = [0, 0, 0, 0];
const WAIT = [0xc0, 0, 0, 100];

function seeds(): Buffer[] {
  const member = [LISTS_US, WAIT, [0x18, 0, 0xff, 0x8f], WAIT, [0x18, 0, 0xff, 0x9f], [0xe0, 0, 0x0f, 0xff]];
  const server = [
    [0, 2, 0xff, 0],
    WAIT,
    [0x10, 2, 0xff, 0x8e],
    WAIT,
    [0xf0, 0, 0, 0],
    WAIT,
    [0x11, 1, 0xff, 0x8f],
  ];
  const all: Buffer[] = [];
  for (let mode = 0; mode < 32; mode += 3) {
    for (const steps of [member, server, [...server, ...member, ...server]]) {
      all.push(Buffer.from([mode, mode & 3, ...steps.flat()]));
    }
  }
  return all;
}

function mutate(input: Buffer, other: Buffer, random: Random): Buffer {
  const at = MODE_LEN + STEP_LEN * random.below(Math.max(1, (input.length - MODE_LEN) / STEP_LEN));
  const step = [random.below(256), random.below(4), random.below(256), random.below(256)];
  switch (random.below(4)) {
    case 0:
      return Buffer.concat([input.subarray(0, at), Buffer.from(step), input.subarray(at)]);
    case 1:
      return Buffer.concat([input.subarray(0, at), other.subarray(MODE_LEN)]);
    case 2:
      return Buffer.concat([input.subarray(0, at), input.subarray(at + STEP_LEN)]);
    default: {
      const changed = Buffer.from(input);
      if (at < changed.length) changed[Math.min(changed.length - 1, at + random.below(STEP_LEN))] = step[0]!;
      return changed;
    }
  }
}

export const participant: FuzzTarget = {
  name: 'participant',
  maxLen: MODE_LEN + STEP_LEN * MAX_STEPS,
  seeds,
  mutate,
  async run(input) {
    const bench = new Bench(input[0] ?? 0, input[1] ?? 0);
    for (let at = MODE_LEN; at + STEP_LEN <= input.length; at += STEP_LEN) {
      await take(bench, input[at]!, input[at + 1]!, input.readUInt16BE(at + 2));
    }
    bench.kay.stop();
    await bench.settle();
  },
};
