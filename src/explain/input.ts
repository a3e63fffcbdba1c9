/** Where the packets to explain come from: hex on the command line or in a file, or a capture. */
import { readFileSync } from 'node:fs';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { type CapturedPacket, isCapture, readCaptureFile } from './capture-file.ts';
import { guessFirst } from './outer.ts';

/** A packet of hex has at most what an IP header can count, and a link header. */
const MAX_HEX_PACKET_LEN = 70_000;
/** Largest file that is read into memory. */
const MAX_FILE_LEN = 1 << 30;

/** The packets in `what`: hex itself, or the name of a file with hex or a capture. Throws L2vpnError. */
export function packetsOf(what: string): Iterable<CapturedPacket> {
  if (isHex(what)) return [hexPacket(what)];
  return packetsOfFile(what);
}

/** The packets in the capture or the hex text of file `path`; `-` is standard input. */
export function packetsOfFile(path: string): Iterable<CapturedPacket> {
  const file = read(path);
  if (isCapture(file)) return readCaptureFile(file);
  const text = file.length <= 4 * MAX_HEX_PACKET_LEN ? file.toString('latin1') : '';
  const hex = withoutDumpColumns(text);
  if (isHex(hex)) return [hexPacket(hex)];
  throw new L2vpnError('L2VPN_DATA', `${path} holds neither hex nor a capture (pcap, pcapng)`);
}

function read(path: string): Buffer {
  try {
    const file = readFileSync(path === '-' ? 0 : path);
    if (file.length <= MAX_FILE_LEN) return file;
    throw new L2vpnError('L2VPN_DATA', `${path} has ${file.length} octets; at most ${MAX_FILE_LEN} are read`);
  } catch (cause) {
    if (cause instanceof L2vpnError) throw cause;
    const errno = errnoName(cause);
    if (errno === 'ENOENT' || errno === 'ENAMETOOLONG') {
      throw new L2vpnError('L2VPN_NOINPUT', `"${shorten(path)}" is neither hex nor a file`, { cause });
    }
    if (errno === 'EACCES')
      throw new L2vpnError('L2VPN_PERMISSION', `${path} cannot be read: permission denied`, { cause });
    throw new L2vpnError('L2VPN_NOINPUT', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Hex as people paste it: blanks, colons, dashes, 0x. At least an octet. */
function isHex(text: string): boolean {
  return digitsOf(text).length >= 2 && /^[0-9a-f]*$/i.test(digitsOf(text)) && digitsOf(text).length % 2 === 0;
}

function digitsOf(text: string): string {
  return text.replace(/^\s*0x/i, '').replace(/[\s:-]/g, '');
}

/** Takes offsets off lines like tcpdump's and xxd's (`0x0010:  4500 …`, `00000010: 4500 …  E...`). */
function withoutDumpColumns(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const dump = /^\s*(?:0x)?[0-9a-f]{4,8}:\s+((?:[0-9a-f]{2,4} ?)+)(?:\s{2,}.*|\s*)$/i;
  if (!lines.every((line) => dump.test(line))) return text;
  return lines.map((line) => dump.exec(line)![1]).join(' ');
}

function hexPacket(text: string): CapturedPacket {
  const data = Buffer.from(digitsOf(text), 'hex');
  if (data.length > MAX_HEX_PACKET_LEN) {
    throw new L2vpnError(
      'L2VPN_DATA',
      `the hex has ${data.length} octets; a packet has at most ${MAX_HEX_PACKET_LEN}`,
    );
  }
  return { time: null, data, originalLen: data.length, first: guessFirst(data), linkType: -1 };
}
