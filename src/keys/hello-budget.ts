/**
 * How often a host with many tunnels wants hellos when all is calm: the more there are, the less often each has one, so
 * that twice as many cost no more. Peers are told (`mka/sets/link-control.ts`).
 */

/** From so many tunnels on hellos become rarer: 250 per second each way. */
const MANY = 500;
/** With twice MKA Hello Time between two, both ends still have several attempts in MKA Life Time when one is lost. */
const MOST = 2;

export class HelloBudget {
  #tunnels = 0;

  /** One more tunnel has hellos. */
  join(): void {
    this.#tunnels++;
  }

  /** One has none any more. */
  leave(): void {
    this.#tunnels--;
  }

  /** By how much there is more than usual between two hellos of one tunnel. */
  get stretch(): number {
    return Math.min(Math.max(this.#tunnels / MANY, 1), MOST);
  }
}

/** Of a process. */
export const HELLO_BUDGET: HelloBudget = new HelloBudget();
