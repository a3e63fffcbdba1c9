/** Raw sockets that hear by ICMP that a packet of this host was too big, whoever says it of whatever packet. */
import { loadAddon } from '../native/load.ts';

/** More than any router quotes, with its headers. */
const MESSAGE_LEN = 4096;
const SENDER_LEN = 16;

/** One message: `octets[0, len)`, with its IPv4 header, none on IPv6. Belongs to the socket, until the next is taken. */
export interface IcmpMessage {
  readonly octets: Uint8Array;
  readonly len: number;
  /** The address of the sender: 4 octets or 16. */
  readonly from: Uint8Array;
}

export class IcmpSocket {
  readonly family: 4 | 6;
  readonly #fd: number;
  readonly #octets: Uint8Array = new Uint8Array(MESSAGE_LEN);
  readonly #from: Uint8Array = new Uint8Array(SENDER_LEN);

  /** Throws SystemError: EPERM without CAP_NET_RAW. */
  constructor(family: 4 | 6) {
    this.family = family;
    this.#fd = loadAddon().openIcmpSocket(family);
  }

  /** The next that waits, or null. Throws SystemError. */
  take(): IcmpMessage | null {
    const len = loadAddon().receiveIcmp(this.#fd, this.#octets, this.#from);
    if (len < 0) return null;
    return { octets: this.#octets, len, from: this.family === 4 ? this.#from.subarray(0, 4) : this.#from };
  }

  close(): void {
    loadAddon().closeFd(this.#fd);
  }
}
