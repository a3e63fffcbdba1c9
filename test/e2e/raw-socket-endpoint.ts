/**
 * A GRE endpoint that nobody here wrote carries the packets: the npm package `raw-socket`. Run inside the namespace
 * of site 2, it is host2 and its router in one: it answers ARP and ping for 192.168.1.2 through MACsec.
 *
 *     node raw-socket-endpoint.js PEER KEY_IN SCI_IN KEY_OUT SCI_OUT
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { ethernet, gre, hex, internetChecksum, protect, unprotect } from './frames.ts';

/** The package has a folder of its own, which `npm run packages -- --install` fills. */
const RAW_SOCKET = join(packageRoot(), 'test/e2e/raw-socket/package.json');

/** The part of raw-socket's interface that is used here; the package has no types. */
interface RawSocket {
  on(event: 'message', listener: (packet: Buffer, source: string) => void): void;
  send(packet: Buffer, offset: number, length: number, to: string, done: (error: Error | null) => void): void;
  close(): void;
}
interface RawSocketModule {
  createSocket(options: { protocol: number; addressFamily: number; bufferSize: number }): RawSocket;
  AddressFamily: { IPv4: number };
}

const HOST_MAC = '00:00:00:00:00:02';
const HOST_IP = hex('c0a80102');

/** What host2 answers to `frame`, if anything: ARP for its address, and echo requests. */
export function answer(frame: Buffer): Buffer | undefined {
  const asker = frame.subarray(6, 12).toString('hex');
  const etherType = frame.readUInt16BE(12);
  const body = Buffer.from(frame.subarray(14));
  if (etherType === 0x0806 && body.subarray(24, 28).equals(HOST_IP)) {
    const reply = Buffer.concat([hex('0001 0800 0604 0002'), hex(HOST_MAC), HOST_IP, body.subarray(8, 18)]);
    return ethernet(asker, HOST_MAC, 0x0806, reply);
  }
  if (etherType === 0x0800 && body[9] === 1 && body[20] === 8) {
    const [source, destination] = [Buffer.from(body.subarray(12, 16)), Buffer.from(body.subarray(16, 20))];
    destination.copy(body, 12);
    source.copy(body, 16);
    body[20] = 0;
    body.writeUInt16BE(0, 22);
    body.writeUInt16BE(internetChecksum(body.subarray(20)), 22);
    return ethernet(asker, HOST_MAC, 0x0800, body);
  }
  return undefined;
}

function main([peer = '', keyIn = '', sciIn = '', keyOut = '', sciOut = '']: readonly string[]): void {
  const raw = createRequire(RAW_SOCKET)('raw-socket') as RawSocketModule;
  const socket = raw.createSocket({
    protocol: 47,
    addressFamily: raw.AddressFamily.IPv4,
    bufferSize: 65_535,
  });
  let pn = 1;
  socket.on('message', (packet, source) => {
    const outerLen = ((packet[0] ?? 0) & 15) * 4;
    if (source !== peer || packet.readUInt32BE(outerLen) !== 0x6558) return;
    const frame = unprotect(packet.subarray(outerLen + 4), keyIn, sciIn);
    if (frame === undefined) {
      console.log('a frame with a wrong ICV');
      return;
    }
    const reply = answer(frame);
    if (reply === undefined) return;
    const out = gre(protect(reply, { key: keyOut, sci: sciOut, pn: pn++ }));
    socket.send(out, 0, out.length, peer, (error) => {
      if (error) console.log(`cannot send: ${error.message}`);
    });
  });
  console.log('ready');
  // The package's poll handle does not keep its socket alive: unreferenced, it is collected and closed.
  process.on('exit', () => socket.close());
}

if (process.argv[1]?.endsWith('raw-socket-endpoint.js')) main(process.argv.slice(2));
