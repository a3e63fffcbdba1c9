/**
 * Messages with descriptors between two processes of this host (`man 7 unix`, SCM_RIGHTS): JSON, a few hundred octets each,
 * over a socket that keeps their borders. The main thread waits for them in its event loop.
 */
import { randomBytes } from 'node:crypto';
import { L2vpnError } from '../errors.ts';
import { loadAddon } from '../native/load.ts';
import { closeFds } from './close.ts';
import { Readable } from './readable.ts';

const LONGEST_MESSAGE = 65_536;
const MOST_FDS = 250;
const POLLOUT = 4;
/** How long a message may wait for the other end to take those before it. */
const SEND_MS = 2000;

export interface FdMessage {
  readonly message: unknown;
  /** Of the receiver. */
  readonly fds: readonly number[];
}

/** One end. */
export class FdChannel {
  readonly #fd: number;
  readonly #octets = Buffer.alloc(LONGEST_MESSAGE);
  readonly #fds = new Int32Array(MOST_FDS);
  readonly #came = new Int32Array(1);
  #closed = false;

  /** `fd` is the channel's from now on. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** To who listens at `name`. Throws SystemError. */
  static connect(name: string): FdChannel {
    return new FdChannel(loadAddon().connectUnix(name));
  }

  /** The process at the other end, as the kernel says. */
  get peer(): { readonly pid: number; readonly uid: number } {
    const peer = new Int32Array(2);
    loadAddon().unixPeer(this.#fd, peer);
    return { pid: peer[0]!, uid: peer[1]! };
  }

  /** Descriptors stay the caller's. Throws SystemError where the other end has gone, or takes nothing: it has not had the message then. */
  send(message: object, fds: readonly number[] = []): void {
    const octets = Buffer.from(JSON.stringify(message));
    const sent = (): boolean => loadAddon().sendFds(this.#fd, octets, Int32Array.from(fds));
    if (sent() || (loadAddon().waitFor(this.#fd, POLLOUT, SEND_MS) && sent())) return;
    throw new L2vpnError('L2VPN_SYSTEM', `the other process takes no message in ${SEND_MS / 1000} s`);
  }

  /** As many messages as it takes for all of `fds`. Throws as `send`. */
  sendFds(fds: readonly number[]): void {
    for (let at = 0; at < fds.length; at += MOST_FDS)
      this.send({ type: 'fds' }, fds.slice(at, at + MOST_FDS));
  }

  /** The next message; null: the other end has gone. Rejects with L2VPN_UNAVAILABLE where none comes in `timeoutMs`. */
  async receive(timeoutMs: number): Promise<FdMessage | null> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const octets = this.#closed ? 0 : this.#take();
      if (octets === 0) return null;
      if (octets > 0) {
        const message: unknown = JSON.parse(this.#octets.toString('utf8', 0, octets));
        return { message, fds: [...this.#fds.subarray(0, this.#came[0]!)] };
      }
      await this.#readable(Math.max(1, endMs - performance.now()));
      if (performance.now() >= endMs)
        throw new L2vpnError('L2VPN_UNAVAILABLE', `the other process is silent for ${timeoutMs / 1000} s`);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFds([this.#fd]);
  }

  /** Who has closed its end with something unread in it resets the connection: it has gone. */
  #take(): number {
    try {
      return loadAddon().receiveFds(this.#fd, this.#octets, this.#fds, this.#came);
    } catch (error) {
      if ((error as { code?: string }).code === 'ECONNRESET') return 0;
      throw error;
    }
  }

  #readable(timeoutMs: number): Promise<void> {
    return readable(this.#fd, timeoutMs);
  }
}

/** A place that one other process may come to. */
export class Meeting {
  readonly name: string = `l2vpnd/hand-over/${process.pid}/${randomBytes(8).toString('hex')}`;
  readonly #fd: number = loadAddon().listenUnix(this.name);

  /** Rejects with L2VPN_UNAVAILABLE where nobody comes in `timeoutMs`. */
  async accept(timeoutMs: number): Promise<FdChannel> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const fd = loadAddon().acceptUnix(this.#fd);
      if (fd >= 0) return new FdChannel(fd);
      await readable(this.#fd, Math.max(1, endMs - performance.now()));
      if (performance.now() >= endMs)
        throw new L2vpnError('L2VPN_UNAVAILABLE', `nobody has come for ${timeoutMs / 1000} s`);
    }
  }

  close(): void {
    closeFds([this.#fd]);
  }
}

/** Resolves when `fd` can be read, or after `timeoutMs`. */
function readable(fd: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      watch.close();
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    const watch = new Readable(fd, done);
    watch.arm();
  });
}
