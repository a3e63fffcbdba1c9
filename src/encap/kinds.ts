/** The kinds of encapsulation: the one place that names them all. */
import { openUdpSocket } from '../host/socket.ts';
import type { FlowSenders } from '../ports/flow-port.ts';
import type { EncapWord, GreConfig } from './config.ts';
import type {
  Encap,
  EncapHeaders,
  EncapKind,
  HandedSockets,
  OpenedWire,
  OpenUdp,
  OverheadPart,
  PeerAddress,
  Rehearsal,
  Wire,
} from './encap.ts';
import { type GreUdpSpec, greUdp } from './gre-udp.ts';
import { type GretapSpec, gretap } from './gretap.ts';

/** What a worker is told of a lane's far end: which kind, and what that kind needs. */
export type EncapSpec = GretapSpec | GreUdpSpec;

/** By the word in the configuration, and by the specs of each. */
const BY_CONFIG: Readonly<Record<EncapWord, EncapKind<EncapSpec, EncapSpec>>> = {
  none: gretap as EncapKind<EncapSpec, EncapSpec>,
  udp: greUdp as EncapKind<EncapSpec, EncapSpec>,
};
const BY_KIND: Readonly<Record<EncapSpec['kind'], EncapKind<EncapSpec, EncapSpec>>> = {
  gretap: BY_CONFIG.none,
  'gre-udp': BY_CONFIG.udp,
};

/** The headers around an inner Ethernet header, outermost first. */
export function encapOverhead(config: EncapHeaders): readonly OverheadPart[] {
  return BY_CONFIG[config.encap].overhead(config);
}

/** The most that a peer may put before a frame, in octets. */
export function encapHeadersMax(config: EncapHeaders): number {
  return BY_CONFIG[config.encap].headersMax(config);
}

/** Opens the socket of a tunnel: `EncapKind.open` of the kind that it has. */
export function openWire(
  config: GreConfig,
  place: string,
  peer: PeerAddress | null = null,
  openUdp: OpenUdp = openUdpSocket,
  handed: HandedSockets | null = null,
): OpenedWire<EncapSpec> {
  return BY_CONFIG[config.encap].open(config, place, peer, openUdp, handed);
}

/** The far end of a lane over the descriptor `fd`, which stays its owner's; `traffic`: of the lane. */
export function attachWire(spec: EncapSpec, fd: number, traffic: Float64Array): Wire {
  return BY_KIND[spec.kind].attach(spec, fd, traffic);
}

/** What the specs of a tunnel with this configuration are called. */
export function kindOf({ encap }: Pick<GreConfig, 'encap'>): EncapSpec['kind'] {
  return encap === 'udp' ? 'gre-udp' : 'gretap';
}

/** Where the packets of a tunnel go, in shared memory (`createEndpoint`); null where its socket knows. */
export function endpointOf(spec: EncapSpec): Uint8Array | null {
  return 'endpoint' in spec ? spec.endpoint : null;
}

/** As `endpointOf`, where the peer may move; null where it is where it is. */
export function movingEndpointOf(spec: EncapSpec): Uint8Array | null {
  return 'learns' in spec && spec.learns ? spec.endpoint : null;
}

/** The sockets that lanes spread their flows over; null: they send by the one that they receive by. */
export function flowSendersOf(spec: EncapSpec): FlowSenders | null {
  return 'flow' in spec ? spec.flow : null;
}

/** `EncapKind.beside` of the kind that it is. */
export function encapBeside(spec: EncapSpec, tos: number): Encap {
  return BY_KIND[spec.kind].beside(spec, tos);
}

/** What the warm-up needs for lanes of this kind. */
export function rehearsalOf(kind: EncapSpec['kind']): Rehearsal<EncapSpec, EncapSpec> {
  return BY_KIND[kind].rehearsal();
}
