/** Copies of what a peer sends to this host, while another socket takes the packets themselves. */
import { loadAddon } from '../native/load.ts';
import { ipv4HeaderLen } from '../wire/ipv4.ts';

const LONGEST = 65_535;

export class PacketCopies {
  readonly #fd: number;
  readonly #isIpv4: boolean;
  readonly #octets: Buffer = Buffer.alloc(LONGEST);
  readonly #from: Uint8Array = new Uint8Array(16);

  /** Throws SystemError: EPERM without CAP_NET_RAW. */
  constructor(local: string, remote: string, protocol: number) {
    this.#fd = loadAddon().openCopySocket(local, remote, protocol);
    this.#isIpv4 = !local.includes(':');
  }

  /** What the next one holds behind its IP header; null: none waits. */
  take(): Buffer | null {
    const len = loadAddon().receiveIcmp(this.#fd, this.#octets, this.#from);
    if (len < 0) return null;
    const from = this.#isIpv4 ? ipv4HeaderLen(this.#octets, 0, len) : 0;
    return Buffer.from(this.#octets.subarray(from, len));
  }

  close(): void {
    loadAddon().closeFd(this.#fd);
  }
}
