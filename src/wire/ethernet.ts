/** Ethernet II addresses and EtherTypes (IEEE 802.3 3.2.3; IEEE 802-2014 9.2). */

/** Destination, source, EtherType. */
export const ETHERNET_LEN = 14;
/** Octets of both addresses: the MACsec SecTAG comes right behind them. */
export const MACS_LEN = 12;
export const OFF_SRC_MAC = 6;
export const OFF_ETHERTYPE = 12;

export const ETHERTYPE_MACSEC = 0x88e5;

/** The EtherType of the frame that begins at `at`. The caller has checked that 14 octets are there. */
export function etherTypeAt(buf: Uint8Array, at: number): number {
  return (buf[at + OFF_ETHERTYPE]! << 8) | buf[at + OFF_ETHERTYPE + 1]!;
}

/** `aa:bb:cc:dd:ee:ff` to 6 octets. Throws a RangeError for anything else. */
export function parseMac(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) throw new RangeError(`"${text}" is not a MAC address`);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

export function formatMac(octets: Uint8Array): string {
  return Array.from(octets.subarray(0, 6), (octet) => octet.toString(16).padStart(2, '0')).join(':');
}
