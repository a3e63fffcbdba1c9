/**
 * Drops and ICMP errors in the log: at most one line per reason and tunnel in ten seconds, with the counter's name and the
 * likely cause.
 */
import type { Logger } from 'pino';
import { DROP_TEXTS, Drop } from '../frame/drop.ts';
import { ICMP_TEXTS } from '../frame/icmp.ts';
import type { TunnelView } from '../tunnel/view.ts';
import { DROP_REASONS } from './drop-reasons.ts';
import { icmpErrors } from './icmp-errors.ts';
import { unknownSci, unusedSa } from './seen.ts';

const QUIET_MS = 10_000;

/** By reason: what lines have been written about, and when the last line was. */
class Reasons {
  readonly #told: Float64Array;
  readonly #ms: Float64Array;

  constructor(count: number) {
    this.#told = new Float64Array(count);
    this.#ms = new Float64Array(count).fill(-QUIET_MS);
  }

  /** How many of `reason`, `count` of them ever, the line that is due now tells of; 0: none is due. */
  due(reason: number, count: number, nowMs: number): number {
    const fresh = count - this.#told[reason]!;
    if (fresh === 0 || nowMs - this.#ms[reason]! < QUIET_MS) return 0;
    this.#told[reason] = count;
    this.#ms[reason] = nowMs;
    return fresh;
  }
}

interface Logged {
  readonly drops: Reasons;
  readonly icmp: Reasons;
}

export class DropLog {
  readonly #log: Logger;
  readonly #logged = new WeakMap<TunnelView, Logged>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs what has come since the last line of the same reason. `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    for (const tunnel of tunnels) {
      const logged = this.#loggedOf(tunnel);
      this.#logDrops(tunnel, logged.drops, nowMs);
      this.#logIcmp(tunnel, logged.icmp, nowMs);
    }
  }

  #logDrops(tunnel: TunnelView, reasons: Reasons, nowMs: number): void {
    const { drops } = tunnel.totals();
    for (const reason of DROP_REASONS) {
      const frames = reasons.due(reason, drops[reason]!, nowMs);
      if (frames === 0) continue;
      const text = DROP_TEXTS[reason]!;
      const fields = { tunnel: tunnel.name, counter: text.name, direction: text.direction, frames };
      const { text: cause, ...came } = causeOf(tunnel, reason);
      this.#log[text.level]({ ...fields, ...came, ...sizes(tunnel, reason) }, `frames dropped: ${cause}`);
    }
  }

  #logIcmp(tunnel: TunnelView, reasons: Reasons, nowMs: number): void {
    const errors = icmpErrors(tunnel);
    ICMP_TEXTS.forEach(({ name, cause }, kind) => {
      if (cause === null) return;
      const fresh = reasons.due(kind, errors[kind]!, nowMs);
      if (fresh === 0) return;
      this.#log.warn({ tunnel: tunnel.name, counter: name, errors: fresh }, `ICMP errors came: ${cause}`);
    });
  }

  #loggedOf(tunnel: TunnelView): Logged {
    const known = this.#logged.get(tunnel);
    if (known !== undefined) return known;
    const logged = { drops: new Reasons(DROP_TEXTS.length), icmp: new Reasons(ICMP_TEXTS.length) };
    this.#logged.set(tunnel, logged);
    return logged;
  }
}

/** The numbers that explain a frame that does not fit. */
function sizes({ mtu, pathMtu, overhead }: TunnelView, reason: number): object {
  if (reason !== Drop.OutPktsTooLong && reason !== Drop.WireTooLong) return {};
  return { mtu, pathMtu, overhead };
}

function causeOf(tunnel: TunnelView, reason: number): { readonly text: string } {
  const seen = tunnel.agreesKeys ? null : seenWith(tunnel, reason);
  if (seen !== null) return seen;
  return { text: (tunnel.agreesKeys ? AGREED_CAUSES[reason] : undefined) ?? DROP_TEXTS[reason]!.cause };
}

/** With key agreement nobody has a channel or a key to compare in the configuration. */
const AGREED_CAUSES: Readonly<Partial<Record<number, string>>> = {
  [Drop.NoTxSa]: 'no key is agreed on: see the peers in l2vpnd show',
  [Drop.PnExhausted]: 'every packet number of the transmit SA is used, and no new key is agreed on',
  [Drop.InPktsNoSci]: 'no key is agreed on with the sender of the frame, or not any more',
  [Drop.InPktsNotUsingSa]: 'the frame comes with a key that is not agreed on yet, or not any more',
};

/** What came, where the lanes have noted it. */
function seenWith(tunnel: TunnelView, reason: number): { readonly text: string } | null {
  const { secy } = tunnel;
  if (secy === null) return null;
  if (reason === Drop.InPktsNoSci) return unknownSci(secy, tunnel.totals().secy);
  return reason === Drop.InPktsNotUsingSa ? unusedSa(secy, tunnel.totals().secy) : null;
}
