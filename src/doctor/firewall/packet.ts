/** A packet of a tunnel, and whether an expression of a rule holds for it. */
import { fieldsOf, type Json, placeOf, type Ruleset } from './ruleset.ts';

export interface Packet {
  readonly family: 4 | 6;
  readonly src: string | null;
  readonly dst: string | null;
  readonly protocol: 'gre' | 'udp';
  /** UDP ports; null: none, or not known. */
  readonly sport: number | null;
  readonly dport: number | null;
  readonly iif: string | null;
  readonly oif: string | null;
  /** As connection tracking would have it. */
  readonly state: 'new' | 'established';
}

/** Whether a condition holds; null: that cannot be said. */
export type Truth = boolean | null;

const PROTOCOL_NUMBERS = { gre: 47, udp: 17 };

/** A value of the packet, all the ways that it may be written; null: none is known; undefined: not looked at. */
type Values = readonly (string | number)[] | null | undefined;

/** Whether `{ "match": … }` holds. */
export function matches(match: Json, packet: Packet, { sets }: Ruleset, table: string): Truth {
  const { op, left, right } = fieldsOf(match) ?? {};
  const values = valuesOf(left, packet);
  if (values === undefined) return null;
  // The packet has no such header: whatever is asked of it, the rule is not about this packet.
  if (values === null) return false;
  if (values.length === 0) return null;
  const isIn = isOneOf(values, right ?? null, sets, table);
  if (isIn === null || (op !== '==' && op !== '!=' && op !== 'in')) return null;
  return op === '!=' ? !isIn : isIn;
}

/** What an expression yields for the packet. */
export function valuesOf(expression: Json | undefined, packet: Packet): Values {
  const fields = fieldsOf(expression);
  const payload = fieldsOf(fields?.payload);
  if (payload !== null) return payloadOf(String(payload.protocol), String(payload.field), packet);
  const meta = fieldsOf(fields?.meta);
  if (meta !== null) return metaOf(String(meta.key), packet);
  const ct = fieldsOf(fields?.ct);
  if (ct !== null) return ct.key === 'state' ? [packet.state] : undefined;
  return undefined;
}

function payloadOf(protocol: string, field: string, packet: Packet): Values {
  const { family, src, dst, protocol: own, sport, dport } = packet;
  const transport = [own, PROTOCOL_NUMBERS[own]];
  if (protocol === 'ip' || protocol === 'ip6') {
    if ((protocol === 'ip') !== (family === 4)) return null;
    if (field === 'saddr') return known(src);
    if (field === 'daddr') return known(dst);
    return field === 'protocol' || field === 'nexthdr' ? transport : undefined;
  }
  if (protocol === 'udp' || protocol === 'th') {
    if (own !== 'udp') return protocol === 'udp' ? null : undefined;
    if (field === 'sport') return known(sport);
    return field === 'dport' ? known(dport) : undefined;
  }
  // Headers of other protocols, which a GRE or UDP packet does not have.
  return ['tcp', 'icmp', 'icmpv6', 'sctp', 'dccp', 'udplite', 'esp', 'ah', 'comp', 'igmp', 'arp'].includes(
    protocol,
  )
    ? null
    : undefined;
}

function metaOf(key: string, { family, protocol, iif, oif }: Packet): Values {
  switch (key) {
    case 'l4proto':
      return [protocol, PROTOCOL_NUMBERS[protocol]];
    case 'nfproto':
      return family === 4 ? ['ipv4', 2] : ['ipv6', 10];
    case 'protocol':
      return family === 4 ? ['ip', 0x0800] : ['ip6', 0x86dd];
    case 'iif':
    case 'iifname':
      return known(iif);
    case 'oif':
    case 'oifname':
      return known(oif);
    default:
      return undefined;
  }
}

/** Of a field that the packet has; empty: with a value that is not known. */
function known(value: string | number | null): readonly (string | number)[] {
  return value === null ? [] : [value];
}

/** Whether one of `values`, which are one value in several spellings, is what `right` says. */
export function isOneOf(
  values: readonly (string | number)[],
  right: Json,
  sets: Ruleset['sets'],
  table: string,
): Truth {
  if (typeof right === 'string' && right.startsWith('@')) {
    const elements = sets.get(placeOf(...splitTable(table), right.slice(1)));
    return elements === undefined ? null : anyOf(values, elements, sets, table);
  }
  if (typeof right === 'string' || typeof right === 'number') return isSame(values, right);
  if (Array.isArray(right)) return anyOf(values, right as readonly Json[], sets, table);
  const { set, range, prefix, elem } = fieldsOf(right) ?? {};
  if (Array.isArray(set)) return anyOf(values, set as readonly Json[], sets, table);
  if (Array.isArray(range)) return inRange(values, range as readonly Json[]);
  if (prefix !== undefined) return inPrefix(values, fieldsOf(prefix));
  const value = fieldsOf(elem)?.val;
  return value === undefined ? null : isOneOf(values, value, sets, table);
}

function anyOf(
  values: readonly (string | number)[],
  list: readonly Json[],
  sets: Ruleset['sets'],
  table: string,
): Truth {
  const found = list.map((one) => isOneOf(values, one, sets, table));
  if (found.includes(true)) return true;
  return found.includes(null) ? null : false;
}

function isSame(values: readonly (string | number)[], right: string | number): boolean {
  return values.some((value) => {
    // `veth*`: all names that begin so.
    if (typeof value === 'string' && typeof right === 'string' && right.endsWith('*'))
      return value.startsWith(right.slice(0, -1));
    return String(value) === String(right);
  });
}

function inRange(values: readonly (string | number)[], [from, to]: readonly Json[]): Truth {
  const number = values.find((value) => typeof value === 'number');
  if (number !== undefined && typeof from === 'number' && typeof to === 'number')
    return from <= number && number <= to;
  const octets = values.map(octetsOf).find((one) => one !== null);
  const [low, high] = [octetsOf(from), octetsOf(to)];
  if (octets == null || low === null || high === null) return null;
  return (
    octets.length === low.length && Buffer.compare(low, octets) <= 0 && Buffer.compare(octets, high) <= 0
  );
}

function inPrefix(
  values: readonly (string | number)[],
  prefix: { readonly [key: string]: Json } | null,
): Truth {
  const network = octetsOf(prefix?.addr);
  const bits = Number(prefix?.len ?? Number.NaN);
  const octets = values.map(octetsOf).find((one) => one !== null);
  if (network === null || octets == null || Number.isNaN(bits)) return null;
  if (network.length !== octets.length) return false;
  return octets.every((octet, i) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff;
    return (octet & mask) === (network[i]! & mask);
  });
}

function octetsOf(address: Json | undefined): Buffer | null {
  if (typeof address !== 'string') return null;
  if (/^\d+(\.\d+){3}$/.test(address)) return Buffer.from(address.split('.').map(Number));
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return null;
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] =>
    text
      .split(':')
      .filter((one) => one !== '')
      .map((one) => Number.parseInt(one, 16));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const all =
    tail === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function splitTable(table: string): [string, string] {
  const [family = '', name = ''] = table.split(' ');
  return [family, name];
}
