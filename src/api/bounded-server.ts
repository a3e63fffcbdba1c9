/**
 * An HTTP server that nobody can make take more than a small, fixed share of the daemon: connections are few, a
 * request is short and must come in time, and a connection carries one request. What comes behind the first on
 * the same connection ends it: answers to requests in advance would pile up in our memory while nobody reads them.
 *
 * Who holds connections without using them keeps nobody out: a new one takes the place of the one that has said nothing, or
 * not all, for the longest, or else of the one that has been reading its answer for the longest, SLOW_MS at least. Only
 * where all are being worked on is the new one closed.
 */
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The whole of a request line and its headers, octets. */
const MAX_HEADER_SIZE = 8192;
/** For a request to come: any octet of it, its headers, all of it. */
const IDLE_MS = 5000;
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
/** For us to answer; a reload waits for what is before it. */
const WORK_MS = 120_000;
/** For a reader to take the next part of the answer. */
const SEND_MS = 10_000;
/** How often node looks for headers and requests that are late. */
const LOOK_MS = 1000;
/** Who takes longer to read an answer may lose it to somebody who wants one. */
const SLOW_MS = 1000;

/** A connection: its request, once it has begun to come, and when its answer was ready. */
interface Guest {
  request: IncomingMessage | null;
  answeredMs: number;
}

export class BoundedServer extends Server {
  /** Connections that were closed at once because there were enough. */
  refused = 0;
  /** Connections that gave their place to a new one. */
  evicted = 0;
  /** Connections on which a request came behind another. */
  pipelined = 0;
  readonly #connections: number;
  /** The oldest first. */
  readonly #guests = new Map<Socket, Guest>();

  /** At most `connections` at a time. */
  constructor(connections: number, listener: RequestListener) {
    super({
      maxHeaderSize: MAX_HEADER_SIZE,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: LOOK_MS,
    });
    this.#connections = connections;
    this.timeout = IDLE_MS;
    this.on('connection', (socket) => this.#admit(socket));
    this.on('request', (req: IncomingMessage, res: ServerResponse) => this.#begin(req, res, listener));
  }

  #admit(socket: Socket): void {
    if (this.#guests.size >= this.#connections && !this.#makeRoom()) {
      this.refused++;
      socket.destroy();
      return;
    }
    this.#guests.set(socket, { request: null, answeredMs: Number.POSITIVE_INFINITY });
    socket.once('close', () => this.#guests.delete(socket));
  }

  /** False: all connections are being worked on. */
  #makeRoom(): boolean {
    const idle = this.#first(({ request }) => request === null || !request.complete);
    const slow = idle ?? this.#first(({ answeredMs }) => performance.now() - answeredMs >= SLOW_MS);
    if (slow === null) return false;
    this.evicted++;
    this.#guests.delete(slow);
    slow.destroy();
    return true;
  }

  #first(isWanted: (guest: Guest) => boolean): Socket | null {
    for (const [socket, guest] of this.#guests) if (isWanted(guest)) return socket;
    return null;
  }

  #begin(req: IncomingMessage, res: ServerResponse, listener: RequestListener): void {
    const guest = this.#guests.get(req.socket);
    if (guest === undefined || guest.request !== null) {
      if (!req.socket.destroyed) this.pipelined++;
      req.socket.destroy();
      return;
    }
    guest.request = req;
    res.once('prefinish', () => {
      guest.answeredMs = performance.now();
    });
    serveOne(req, res, listener);
  }
}

/** The time that the socket may be silent follows whose turn it is: ours, then the reader's. */
function serveOne(req: IncomingMessage, res: ServerResponse, listener: RequestListener): void {
  // Node takes the socket out of a request whose client has gone.
  const { socket } = req;
  socket.setTimeout(WORK_MS);
  res.setHeader('connection', 'close');
  res.once('prefinish', () => socket.setTimeout(SEND_MS));
  listener(req, res);
}
