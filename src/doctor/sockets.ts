/** Sockets of this network namespace, by /proc/net/udp, udp6, raw and raw6 (`man 5 proc`). */
import { endianness } from 'node:os';

export interface SocketSeen {
  /** IPv4 dotted, IPv6 in eight groups without abbreviation; all zeros: any. */
  readonly local: string;
  /** UDP port; of a raw socket its IP protocol. */
  readonly port: number;
  readonly uid: number;
  /** 0: the kernel's own. */
  readonly inode: number;
  /** What its receive buffer had no room for. */
  readonly drops: number;
}

/** Of a hub's thousand tunnels each has the same table. */
let last: { readonly text: string; readonly sockets: readonly SocketSeen[] } = { text: '', sockets: [] };

export function socketsIn(text: string): readonly SocketSeen[] {
  if (text !== last.text) last = { text, sockets: parsed(text) };
  return last.sockets;
}

function parsed(text: string): SocketSeen[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [address = '', port = ''] = fields[1]?.split(':') ?? [];
      if (fields.length < 13 || port === '') return [];
      const [uid, inode, drops] = [fields[7], fields[9], fields[12]].map(Number) as [number, number, number];
      return [{ local: addressOf(address), port: Number.parseInt(port, 16), uid, inode, drops }];
    });
}

/** The kernel prints words of 32 bits in the byte order of the host. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const octets = words.flatMap((word) => {
    const four = word.match(/../g)!.map((two) => Number.parseInt(two, 16));
    return endianness() === 'LE' ? four.reverse() : four;
  });
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (octets[2 * i]! << 8) | octets[2 * i + 1]!);
  return groups.map((group) => group.toString(16)).join(':');
}

/** As `local` of `SocketSeen`. */
export function inFull(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const left = head.split(':').filter((one) => one !== '');
  const right = (tail ?? '').split(':').filter((one) => one !== '');
  const middle = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}

/** Whether a socket that is bound to `bound` hears what comes to `address`. */
export function hears(bound: string, address: string): boolean {
  return bound === address || /^(0\.0\.0\.0|0(:0){7})$/.test(bound);
}
