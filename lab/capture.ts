/**
 * Looks at the wire: tcpdump writes what passes a link to a file, and this reads the file back, packet by packet,
 * down to the SecTAG. It shares no code with the daemon, as it is there to judge it.
 */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Background } from './run.ts';
import type { Namespace } from './topology.ts';

/** The port of GRE-in-UDP (RFC 8086). */
const GRE_UDP_PORT = 4754;
const GRE_FILTER = `ip proto 47 or ip6 proto 47 or udp port ${GRE_UDP_PORT}`;

/** A GRE packet as it was on the link. */
export interface GrePacket {
  /** Outer addresses, as text that compares equal for equal addresses. */
  src: string;
  dst: string;
  /** Everything from the GRE header on. */
  gre: Buffer;
  /** Everything behind the GRE header: an Ethernet frame, when `protocol` is 0x6558. */
  payload: Buffer;
  flags: number;
  protocol: number;
  key?: number;
  /** With GRE-in-UDP (RFC 8086): the ports. */
  udp?: { srcPort: number; dstPort: number };
  /** Present when the payload carries a SecTAG (802.1AE 9.3). */
  secTag?: SecTagSeen;
}

export interface SecTagSeen {
  tci: number;
  an: number;
  sl: number;
  pn: number;
  /** 16 hex digits, when on the wire. */
  sci?: string;
}

/** A running tcpdump. */
export class Capture {
  readonly path: string;
  readonly #tcpdump: Background;

  private constructor(path: string, tcpdump: Background) {
    this.path = path;
    this.#tcpdump = tcpdump;
  }

  /** Starts to write what passes `link` to `path`; returns when it listens. Default filter: GRE, also in UDP. */
  static async start(
    space: Namespace,
    link: string,
    path: string,
    filter: string = GRE_FILTER,
  ): Promise<Capture> {
    const argv = [
      'tcpdump',
      '-i',
      link,
      '-n',
      '--immediate-mode',
      '-U',
      '-B',
      '65536',
      '-w',
      path,
      '-Z',
      'root',
    ];
    const tcpdump = space.start([...argv, filter]);
    await tcpdump.waitFor(/listening on/);
    return new Capture(path, tcpdump);
  }

  /** Ends it, and returns every GRE packet that it saw. */
  async stop(): Promise<GrePacket[]> {
    await this.#caughtUp();
    await this.#tcpdump.stop('SIGINT');
    return existsSync(this.path) && statSync(this.path).size > 0 ? readCapture(this.path) : [];
  }

  /** tcpdump leaves behind what it has not read when it is told to end; SIGUSR1 makes it say how far it is. */
  async #caughtUp(): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      const from = this.#tcpdump.lines.length;
      process.kill(this.#tcpdump.pid, 'SIGUSR1');
      const counts = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped/;
      const [, captured, received, dropped] = await this.#tcpdump.waitFor(counts, 5000, from);
      if (Number(dropped) > 0) throw new Error(`tcpdump lost ${dropped} packets`);
      if (Number(captured) >= Number(received)) return;
    }
    throw new Error('tcpdump does not keep up');
  }
}

/** The GRE packets of a pcap file of Ethernet frames. */
export async function readCapture(path: string): Promise<GrePacket[]> {
  return splitPcap(await readFile(path)).flatMap((frame) => parseGrePacket(frame) ?? []);
}

/** The records of a classic little-endian pcap file (`man 5 pcap-savefile`). */
export function splitPcap(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const len = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + len));
    at += 16 + len;
  }
  return frames;
}

/** Reads an Ethernet frame that holds IPv4 or IPv6 and GRE, or UDP of GRE's port and GRE; undefined for any other. */
export function parseGrePacket(frame: Buffer): GrePacket | undefined {
  const etherType = frame.readUInt16BE(12);
  if (etherType === 0x0800) {
    const headerLen = ((frame[14] ?? 0) & 15) * 4;
    const address = (at: number): string => [...frame.subarray(at, at + 4)].join('.');
    const payload = frame.subarray(14 + headerLen, 14 + frame.readUInt16BE(16));
    return parseTransport(address(26), address(30), frame[23] ?? 0, payload);
  }
  if (etherType === 0x86dd) {
    const address = (at: number): string => frame.toString('hex', at, at + 16);
    const payload = frame.subarray(54, 54 + frame.readUInt16BE(18));
    return parseTransport(address(22), address(38), frame[20] ?? 0, payload);
  }
  return undefined;
}

function parseTransport(src: string, dst: string, protocol: number, payload: Buffer): GrePacket | undefined {
  if (protocol === 47) return parseGre(src, dst, payload);
  if (protocol !== 17) return undefined;
  const udp = { srcPort: payload.readUInt16BE(0), dstPort: payload.readUInt16BE(2) };
  if (udp.srcPort !== GRE_UDP_PORT && udp.dstPort !== GRE_UDP_PORT) return undefined;
  return { ...parseGre(src, dst, payload.subarray(8)), udp };
}

function parseGre(src: string, dst: string, gre: Buffer): GrePacket {
  const flags = gre.readUInt16BE(0);
  let at = 4;
  if (flags & 0x8000) at += 4;
  const packet: GrePacket = { src, dst, gre, payload: gre, flags, protocol: gre.readUInt16BE(2) };
  if (flags & 0x2000) {
    packet.key = gre.readUInt32BE(at);
    at += 4;
  }
  packet.payload = gre.subarray(at);
  if (packet.payload.length >= 20 && packet.payload.readUInt16BE(12) === 0x88e5)
    packet.secTag = parseSecTag(packet.payload);
  return packet;
}

function parseSecTag(frame: Buffer): SecTagSeen {
  const tci = frame[14] ?? 0;
  const tag: SecTagSeen = { tci, an: tci & 3, sl: frame[15] ?? 0, pn: frame.readUInt32BE(16) };
  if (tci & 0x20) tag.sci = frame.toString('hex', 20, 28);
  return tag;
}
