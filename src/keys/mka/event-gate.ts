/** Lets events through to the listener, but none in a flood: what peers, or whoever replays them, can repeat at will. */
import type { MkaEvent, MkaListener } from './events.ts';
import { EVENT_GAP_MS } from './settings.ts';

/** Of one cause so many are told in `EVENT_GAP_MS`. */
const BURST = 60;
const BURST_OF_REPEATED = 1;

interface Window {
  readonly fromMs: number;
  told: number;
  unheard: number;
}

export class EventGate {
  readonly #listener: MkaListener;
  /** By cause: an event's name, and for refusals the reason. There is a bounded number of both. */
  readonly #windows = new Map<string, Window>();

  constructor(listener: MkaListener) {
    this.#listener = listener;
  }

  tell(event: MkaEvent, nowMs: number): void {
    const isRepeated =
      event.name === 'refused' || event.name === 'peer heard' || event.name === 'order failed';
    const cause = event.name === 'refused' ? event.text : event.name;
    const window = this.#window(cause, nowMs);
    if (window.told >= (isRepeated ? BURST_OF_REPEATED : BURST)) {
      window.unheard++;
      return;
    }
    window.told++;
    const { unheard } = window;
    window.unheard = 0;
    this.#listener(unheard === 0 ? event : { ...event, unheard });
  }

  #window(cause: string, nowMs: number): Window {
    const last = this.#windows.get(cause);
    if (last !== undefined && nowMs - last.fromMs < EVENT_GAP_MS) return last;
    const window = { fromMs: nowMs, told: 0, unheard: last?.unheard ?? 0 };
    this.#windows.set(cause, window);
    return window;
  }
}
