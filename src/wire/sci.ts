/**
 * The Secure Channel Identifier (IEEE 802.1AE 7.1.2, 9.9): a MAC address and a port number, 8 octets.
 *
 *     0                   6       8
 *     | MAC address       | port  |
 */
import { OFF_SRC_MAC, parseMac } from './ethernet.ts';
import { u32At } from './octets.ts';

export const SCI_LEN = 8;
export const OFF_SCI_PORT = 6;
/** The port that an end station's implicit SCI has (802.1AE 9.9). */
export const PORT_END_STATION = 1;

/** 16 hex digits to 8 octets. Throws a RangeError for anything else. */
export function parseSci(text: string): Buffer {
  if (!/^[0-9a-f]{16}$/i.test(text)) throw new RangeError(`"${text}" is not an SCI (16 hex digits)`);
  return Buffer.from(text, 'hex');
}

/** 8 octets to 16 lower-case hex digits, as `ip macsec show` prints them. */
export function formatSci(sci: Uint8Array): string {
  return Buffer.from(sci.buffer, sci.byteOffset, SCI_LEN).toString('hex');
}

/** The SCI of port `port` of the station `mac`, as 16 hex digits. */
export function sciOf(mac: string, port: number): string {
  return parseMac(mac).toString('hex') + port.toString(16).padStart(4, '0');
}

/** The upper and lower half of the SCI at `at`, as unsigned numbers: what the hot path compares. */
export function sciHigh(buf: Uint8Array, at: number): number {
  return u32At(buf, at);
}

export function sciLow(buf: Uint8Array, at: number): number {
  return u32At(buf, at + 4);
}

/**
 * The lower half of the implicit SCI of an end station whose frame begins at `at`; the upper is `sciHigh` of its source
 * address.
 */
export function endStationSciLow(view: DataView, at: number): number {
  return ((view.getUint16(at + OFF_SRC_MAC + 4) << 16) | PORT_END_STATION) >>> 0;
}
