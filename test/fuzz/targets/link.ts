/**
 * One end of a link among others who have the key and say anything in any order, and recordings of them: three members,
 * and time that passes. An input is a recipe:
 *
 *     | step: what 1, who 1, arg 2 | step | …
 *
 * The promises: nothing throws; hellos keep their distance; who never names a message of ours is never live; what is sent
 * can be read; nothing that is not authentic is heeded.
 */
import { createSecretKey } from 'node:crypto';
import {
  LEAST_CONTROL_LEN,
  LinkKind,
  type Message,
  peekControlFrame,
  readControlFrame,
  writeControlFrame,
} from '../../../src/link/frame.ts';
import { linkKeyOfSak } from '../../../src/link/keys.ts';
import { LinkControl } from '../../../src/link/link-control.ts';
import { LINK_REFUSAL_TEXTS } from '../../../src/link/refusal.ts';
import { ANSWER_GAP_MS } from '../../../src/link/settings.ts';
import { Random } from '../random.ts';
import { demand, type FuzzTarget } from '../target.ts';

const STEP_LEN = 4;
const MAX_STEPS = 96;
const OWN_SCI = '0200000000080001';
const PEER_SCI = '0200000000090001';
const SAK = createSecretKey(Buffer.alloc(16, 0x11));
const [TX, RX] = [linkKeyOfSak(SAK, OWN_SCI), linkKeyOfSak(SAK, PEER_SCI)];
const MEMBERS = 3;

class Bench {
  nowMs = 0;
  readonly control: LinkControl;
  readonly sent: Message[] = [];
  readonly heard: Buffer[] = [];
  readonly mns = [0, 0, 0];
  /** Of any member, within the last life: a frame that named a message of ours. */
  namedMs = Number.NEGATIVE_INFINITY;
  #wake: { atMs: number; run: () => void } | null = null;
  #hellosMs: number[] = [];

  constructor() {
    const random = new Random(7);
    this.control = new LinkControl(
      { sci: OWN_SCI, helloMs: 1000, lifeMs: 3500 },
      {
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
        keys: () => ({ tx: TX, rx: [RX] }),
        send: (frame) => this.#check(frame),
        pathReport: () => null,
        listener: (event) => {
          if (event.name === 'refused') demand(event.reason in LINK_REFUSAL_TEXTS, 'a refusal has a name');
        },
      },
    );
    this.control.start();
  }

  say(who: number, kind: number, arg: number): void {
    const own = this.sent.at(-1 - (arg & 7));
    const heard = (arg & 8) === 0 ? null : own === undefined ? { mi: '77'.repeat(12), mn: 1 } : { ...own };
    if (heard !== null && (arg & 16) !== 0) heard.mn += arg & 0xff;
    else if (heard !== null) this.namedMs = this.nowMs;
    this.mns[who]! += (arg >> 8) & 3;
    const frame = writeControlFrame(
      {
        ...{ kind, sci: (arg & 32) === 0 ? PEER_SCI : OWN_SCI, mi: `${who + 1}0`.repeat(12) },
        ...{ mn: this.mns[who]!, heard, body: Buffer.alloc((arg >> 10) & 15, arg) },
      },
      RX,
      arg >> 4,
    );
    if ((arg & 0x8000) !== 0) frame[(arg & 0x7f) % LEAST_CONTROL_LEN]! ^= 1;
    this.heard.push(frame);
    this.hear(frame, frame.length + ((arg & 0x4000) === 0 ? 0 : 1));
  }

  hear(frame: Uint8Array, cameLen: number): void {
    this.control.receive(frame, cameLen);
    this.check();
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let wakes = 0; this.#wake !== null && this.#wake.atMs <= endMs; wakes++) {
      demand(wakes <= 4 + ms / 50, 'a link sleeps between its wake-ups');
      const { atMs, run } = this.#wake;
      this.#wake = null;
      this.nowMs = atMs;
      run();
    }
    this.nowMs = endMs;
    this.check();
  }

  check(): void {
    if (this.control.isLive) {
      demand(this.nowMs - this.namedMs <= 3 * 600_000, 'who is live has named a message of ours');
    }
    demand(this.heard.length <= MAX_STEPS, 'a recipe ends');
  }

  /** A hello to the peer and one to who may be it go out together. */
  #check(frame: Uint8Array): void {
    const found = peekControlFrame(frame, frame.length);
    const said = typeof found === 'string' ? found : readControlFrame(frame, found, TX.icvKey);
    demand(typeof said !== 'string', `what is sent can be read: ${said as string}`);
    this.sent.push({ mi: said.mi, mn: said.mn });
    if (said.kind !== LinkKind.Hello) return;
    this.#hellosMs = [...this.#hellosMs.slice(-2), this.nowMs];
    const [third, , last] = this.#hellosMs;
    if (last !== undefined) demand(last - third! >= ANSWER_GAP_MS, 'hellos keep their distance');
  }
}

function take(bench: Bench, what: number, who: number, arg: number): void {
  if (what < 0xa0) bench.say(who % MEMBERS, what & 7, arg);
  else if (what < 0xd0) bench.pass(arg % 2000);
  else if (what < 0xd8) bench.pass(arg);
  else if (what < 0xe8) {
    const again = bench.heard[arg % Math.max(1, bench.heard.length)];
    if (again !== undefined) bench.hear(again, again.length);
  } else if (what < 0xf0) bench.control.probe(LEAST_CONTROL_LEN + (arg % 9000));
  else if (what < 0xf4) {
    bench.control.stop((arg & 1) !== 0);
    bench.control.start();
  } else bench.mns[who % MEMBERS] = (arg << 16) >>> 0;
}

const LISTS_US = [1, 0, 0x11, 0x08];
const WAIT = [0xa0, 0, 0, 200];

export const link: FuzzTarget = {
  name: 'link',
  maxLen: STEP_LEN * MAX_STEPS,
  seeds: () => [
    Buffer.from([LISTS_US, WAIT, LISTS_US, [0xe8, 0, 0, 100], [3, 0, 0x31, 8], WAIT].flat()),
    Buffer.from([LISTS_US, [1, 1, 0x11, 8], WAIT, [0xd8, 0, 0, 0], [4, 1, 1, 8], WAIT].flat()),
    Buffer.from([[1, 0, 0x11, 0], WAIT, [2, 0, 0x11, 8], [0xd0, 0, 0xff, 0xff], [0xf0, 0, 0, 1]].flat()),
  ],
  run(input) {
    const bench = new Bench();
    for (let at = 0; at + STEP_LEN <= input.length; at += STEP_LEN) {
      take(bench, input[at]!, input[at + 1]!, input.readUInt16BE(at + 2));
    }
    bench.control.stop(true);
    // And as octets that nobody has made on purpose.
    bench.control.receive(input, input.length);
  },
};
