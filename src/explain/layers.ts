/** What `explain` makes of a packet: layers with fields, outermost first. Plain data, ready for JSON. */
import type { Field } from '../wire/field.ts';

export interface Layer {
  name: string;
  /** Offset in the packet, and octets. */
  at: number;
  len: number;
  fields: Field[];
  /** What is wrong with it, if anything. */
  fault?: string;
}

/** What the first octet of a packet belongs to. */
export type FirstLayer = 'ethernet' | 'ip' | 'gre';

/** A decoded packet and where its parts lie. */
export interface Decoded {
  layers: Layer[];
  /** Outer addresses as text; null where the packet begins further in. */
  ends: { src: string; dst: string } | null;
  udp: { srcPort: number; dstPort: number } | null;
  /** Where GRE begins; −1: nowhere. */
  greAt: number;
  /** Where the inner Ethernet frame begins; −1: nowhere. */
  frameAt: number;
  /** One past the last octet that the outer headers count in. */
  end: number;
  /** The packet of a tunnel that an ICMP error quotes, in the same octets; null: the packet is no such error. */
  quoted: Decoded | null;
}

/** Nothing decoded yet of a packet that ends at `end`. */
export function undecoded(end: number): Decoded {
  return { layers: [], ends: null, udp: null, greAt: -1, frameAt: -1, end, quoted: null };
}

/** Adds a layer; false where the packet ends inside it. */
export function add(decoded: Decoded, name: string, at: number, len: number, fields: () => Field[]): boolean {
  const there = decoded.end - at;
  const layer: Layer = { name, at, len, fields: [] };
  decoded.layers.push(layer);
  if (there < len) layer.fault = `cut off: ${Math.max(there, 0)} of ${len} octets are there`;
  else layer.fields = fields();
  return there >= len;
}
