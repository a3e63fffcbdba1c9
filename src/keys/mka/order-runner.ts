/**
 * Brings the SecY to what `PortKeys` says it shall be, one order after the other. After each it looks anew: what has
 * become needless in the meantime is not ordered any more. An order that fails is given again a while later, so that
 * nothing depends on a single attempt; until then everything stays as it is, and nothing goes out in clear.
 */
import type { InstalledSak } from './installed-sak.ts';
import type { PortKeys } from './port-keys.ts';
import { saOf } from './sak.ts';
import type { SecyOrders } from './seams.ts';
import { ORDER_RETRY_MS } from './settings.ts';

/** The next step, and what holds when it is done. */
interface Order {
  give(): Promise<void>;
  done(): void;
}

export interface OrderRunnerContext {
  readonly keys: PortKeys;
  readonly orders: SecyOrders;
  readonly ownSci: string;
  nowMs(): number;
  /** An order is carried out: something else may be due now. */
  changed(): void;
  failed(error: unknown): void;
}

export class OrderRunner {
  readonly #context: OrderRunnerContext;
  /** Channels that the SecY has. */
  readonly #channels = new Set<string>();
  #isRunning = false;
  #isStopped = false;
  #retryMs = Number.NEGATIVE_INFINITY;

  constructor(context: OrderRunnerContext) {
    this.#context = context;
  }

  /** When `run` should be called though nothing has changed; infinite: never. */
  get dueMs(): number {
    return this.#retryMs === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : this.#retryMs;
  }

  /** Gives the orders that are due. One call at a time does the work; it never throws. */
  run(): void {
    if (this.#isRunning || this.#context.nowMs() < this.#retryMs || this.#next() === null) return;
    this.#isRunning = true;
    this.#retryMs = Number.NEGATIVE_INFINITY;
    void this.#runAll();
  }

  /** Gives no further order. */
  stop(): void {
    this.#isStopped = true;
  }

  /** After `stop`. */
  start(): void {
    this.#isStopped = false;
  }

  /** Channels that the SecY has. */
  get channels(): readonly string[] {
    return [...this.#channels];
  }

  /** It has them from a process before. */
  goOn(channels: readonly string[]): void {
    for (const sci of channels) this.#channels.add(sci);
  }

  async #runAll(): Promise<void> {
    for (let order = this.#next(); order !== null; order = this.#next()) {
      if (!(await this.#carryOut(order))) break;
      if (!this.#isStopped) this.#context.changed();
    }
    this.#isRunning = false;
    if (!this.#isStopped) this.#context.changed();
  }

  async #carryOut(order: Order): Promise<boolean> {
    try {
      await order.give();
      order.done();
      return true;
    } catch (error) {
      this.#retryMs = this.#context.nowMs() + ORDER_RETRY_MS;
      this.#context.failed(error);
      return false;
    }
  }

  /** Room first, then receive, then transmit. */
  #next(): Order | null {
    if (this.#isStopped) return null;
    const { all } = this.#context.keys;
    for (const installed of all) if (installed.isGoing) return this.#remove(installed);
    for (const installed of all.toReversed()) {
      const order = this.#receive(installed) ?? this.#transmit(installed);
      if (order !== null) return order;
    }
    return this.#removeChannel();
  }

  #remove(installed: InstalledSak): Order {
    const { keys, orders } = this.#context;
    const { an } = installed;
    if (installed.isTxInstalled) {
      return {
        give: () => orders.retireTx(an),
        done: () => {
          installed.isTxInstalled = false;
          if (keys.encoding === installed) keys.encoding = null;
        },
      };
    }
    for (const [sci, rx] of installed.rx) {
      if (!rx.isInstalled) continue;
      return {
        give: () => orders.retireRx(sci, an),
        done: () => {
          rx.isInstalled = false;
        },
      };
    }
    return {
      give: async () => {},
      done: () => {
        keys.all = keys.all.filter((other) => other !== installed);
      },
    };
  }

  #receive(installed: InstalledSak): Order | null {
    const { orders } = this.#context;
    const { an, sak } = installed;
    for (const [sci, rx] of installed.rx) {
      if (!rx.isInstalled) {
        return {
          give: () => orders.installRx(sci, saOf(sak, sci)),
          done: () => {
            rx.isInstalled = true;
            this.#channels.add(sci);
          },
        };
      }
      const pn = rx.wantedLowestPn;
      if (pn > rx.lowestPn) {
        return {
          give: () => orders.raiseLowestPn(sci, an, pn),
          done: () => {
            rx.lowestPn = pn;
          },
        };
      }
    }
    return installed.receives ? null : receiving(installed);
  }

  #transmit(installed: InstalledSak): Order | null {
    const { keys, orders, ownSci } = this.#context;
    if (!installed.isTxWanted) return null;
    if (!installed.isTxInstalled) {
      return {
        give: () => orders.installTx(saOf(installed.sak, ownSci)),
        done: () => {
          installed.isTxInstalled = true;
        },
      };
    }
    if (keys.encoding === installed) return null;
    return {
      give: () => orders.transmitWith(installed.an),
      done: () => {
        keys.encoding = installed;
        keys.encodingSinceMs = this.#context.nowMs();
      },
    };
  }

  #removeChannel(): Order | null {
    const { keys, orders } = this.#context;
    for (const sci of this.#channels) {
      if (keys.all.some(({ rx }) => rx.has(sci))) continue;
      return {
        give: () => orders.removeRxSc(sci),
        done: () => {
          this.#channels.delete(sci);
        },
      };
    }
    return null;
  }
}

function receiving(installed: InstalledSak): Order {
  return {
    give: async () => {},
    done: () => {
      installed.receives = true;
    },
  };
}
