/** Whether this host has the outer source address still: a lease that ends, or an interface that goes, takes it away. */
import { isLocalAddress } from '../host/socket.ts';
import { type Notice, news, warning } from './notice.ts';

export class LocalWatch {
  readonly #address: string;
  readonly #has: (address: string) => boolean;
  #there = true;

  constructor(address: string, has: (address: string) => boolean = isLocalAddress) {
    this.#address = address;
    this.#has = has;
  }

  /** What is new since the last look. */
  look(): Notice[] {
    const there = this.#has(this.#address);
    if (there === this.#there) return [];
    this.#there = there;
    if (there) return [news(`local address ${this.#address} is back`)];
    return [
      warning(`local address ${this.#address} is gone from this host: nothing is sent until it is back`),
    ];
  }
}
