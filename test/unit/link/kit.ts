/** Two ends of a link over a wire that loses, repeats and records as a test likes; time passes when it is told to. */
import { createSecretKey } from 'node:crypto';
import { linkKeyOfSak } from '../../../src/link/keys.ts';
import { LinkControl, type LinkEvent, type LinkKeys } from '../../../src/link/link-control.ts';
import type { PathReport } from '../../../src/link/path-report.ts';
import type { LinkSettings } from '../../../src/link/settings.ts';

export const SCIS = ['0000001111110001', '0000002222220001'] as const;
const SAKS = [0x11, 0x22].map((fill) => createSecretKey(Buffer.alloc(16, fill)));
const ONE_WAY_MS = 5;

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock for both ends, and what is under way between them. */
export class Time {
  nowMs = 0;
  readonly #due: Due[] = [];

  at(atMs: number, run: () => void): Due {
    const due = { atMs, run };
    this.#due.push(due);
    return due;
  }

  drop(due: Due | null): void {
    const at = due === null ? -1 : this.#due.indexOf(due);
    if (at >= 0) this.#due.splice(at, 1);
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.#due.reduce<Due | null>((a, b) => (a === null || b.atMs < a.atMs ? b : a), null);
      if (next === null || next.atMs > endMs) break;
      this.drop(next);
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = endMs;
  }
}

export class End {
  control!: LinkControl;
  peer: End | null = null;
  readonly events: LinkEvent[] = [];
  /** All that it has sent. */
  readonly sent: Uint8Array[] = [];
  /** For each accepted frame, whether it proved its sender live. */
  readonly proofs: boolean[] = [];
  keys: LinkKeys;
  pathReport: PathReport | null = null;
  isCut = false;
  readonly time: Time;
  readonly settings: LinkSettings;
  #octet = 0;

  constructor(time: Time, number: 0 | 1, settings: Partial<LinkSettings> = {}) {
    this.time = time;
    this.settings = { sci: SCIS[number], helloMs: 1000, lifeMs: 3500, ...settings };
    this.keys = {
      tx: linkKeyOfSak(SAKS[number]!, SCIS[number]),
      rx: [linkKeyOfSak(SAKS[1 - number]!, SCIS[1 - number]!)],
    };
    this.startAnew(number + 1);
  }

  /** The process was killed and is another; `octet` is its chance. */
  startAnew(octet: number): void {
    this.control?.stop();
    this.#octet = octet;
    let due: Due | null = null;
    this.control = new LinkControl(this.settings, {
      clock: {
        nowMs: () => this.time.nowMs,
        wakeAt: (atMs, wake) => {
          this.time.drop(due);
          due = this.time.at(atMs, wake);
        },
        cancel: () => this.time.drop(due),
      },
      random: (len) => Buffer.alloc(len, this.#octet++),
      keys: () => this.keys,
      pathReport: () => this.pathReport,
      send: (frame) => this.#send(frame),
      listener: (event) => void this.events.push(event),
    });
  }

  get names(): string[] {
    return this.events.map(({ name }) => name);
  }

  get refusals(): string[] {
    return this.events.flatMap((event) => (event.name === 'refused' ? [event.reason] : []));
  }

  hear(frame: Uint8Array, cameLen: number = frame.length): void {
    this.control.receive(frame, cameLen, (provesLife) => void this.proofs.push(provesLife));
  }

  #send(frame: Uint8Array): void {
    this.sent.push(frame);
    if (this.isCut) return;
    this.time.at(this.time.nowMs + ONE_WAY_MS, () => this.peer?.hear(frame));
  }
}

export function ends(...settings: Partial<LinkSettings>[]): [End, End, Time] {
  const time = new Time();
  const [a, b] = [new End(time, 0, settings[0]), new End(time, 1, settings[1] ?? settings[0])];
  [a.peer, b.peer] = [b, a];
  return [a, b, time];
}

export function linked(...settings: Partial<LinkSettings>[]): [End, End, Time] {
  const [a, b, time] = ends(...settings);
  a.control.start();
  b.control.start();
  time.pass(500);
  return [a, b, time];
}
