/**
 * An HTTP server that nobody can make take more than a small, fixed share of the daemon: connections are few, a
 * request is short and must come in time, and a connection carries one request. What comes behind the first on
 * the same connection ends it: answers to requests in advance would pile up in our memory while nobody reads them.
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

export class BoundedServer extends Server {
  /** Connections that were closed at once because there were enough. */
  refused = 0;
  /** Connections on which a request came behind another. */
  pipelined = 0;

  /** At most `connections` at a time; those above are closed at once. */
  constructor(connections: number, listener: RequestListener) {
    super({
      maxHeaderSize: MAX_HEADER_SIZE,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: LOOK_MS,
    });
    this.maxConnections = connections;
    this.timeout = IDLE_MS;
    this.on('drop', () => {
      this.refused++;
    });
    const served = new WeakSet<Socket>();
    this.on('request', (req: IncomingMessage, res: ServerResponse) => {
      if (served.has(req.socket)) {
        if (!req.socket.destroyed) this.pipelined++;
        req.socket.destroy();
        return;
      }
      served.add(req.socket);
      serveOne(req, res, listener);
    });
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
