/**
 * GRETAP: an Ethernet frame in GRE (protocol 0x6558) right in an IP packet (RFC 2784), what `ip link add … type gretap`
 * and `ip6gretap` speak. The socket is a raw one of protocol 47.
 *
 *     | outer IPv4 or IPv6 | GRE | frame |
 *
 * A raw IPv4 socket delivers the outer header, a raw IPv6 socket does not. We write the outer IPv4 header ourselves
 * (IP_HDRINCL), which spares the kernel a tenth of each send; not where it may have to fragment (`df: false`), which it
 * does only with headers of its own, and not for IPv6, which has no such socket.
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { viewOf } from '../frame/view.ts';
import { openGreSocket } from '../host/socket.ts';
import { wrapRawSocket } from '../ports/raw-socket-port.ts';
import { type GreOptions, greHeaderLen, writeGre } from '../wire/gre.ts';
import {
  IPV4_LEN,
  IPV4_LEN_MAX,
  ipv4HeaderLen,
  ipv4Template,
  ipv4TosAt,
  parseIpv4,
  setIpv4Tos,
  withTos,
  writeIpv4,
} from '../wire/ipv4.ts';
import { IPV6_LEN } from '../wire/ipv6.ts';
import { type GreConfig, ownTos } from './config.ts';
import type { Encap, EncapHeaders, EncapKind, Rehearsal, Wire } from './encap.ts';
import { greHeaderMax, greOptionsOf, greOverhead, pullGre, pullGreAt, pushGre, takeUnsummed } from './gre.ts';

/** What a lane is told. Survives a structured clone. */
export interface GretapSpec {
  readonly kind: 'gretap';
  readonly family: 4 | 6;
  readonly gre: GreOptions;
  /** The outer IPv4 header to send, on a socket with IP_HDRINCL; null: the kernel writes it. */
  readonly header: Uint8Array | null;
  /** The type of service of a packet is that in `batch.tos`, both ways. */
  readonly inheritsTos: boolean;
}

class Gretap implements Encap {
  readonly #family: 4 | 6;
  readonly #gre: GreOptions;
  readonly #header: DataView | null;
  readonly #inheritsTos: boolean;

  constructor({ family, gre, header, inheritsTos }: GretapSpec) {
    this.#family = family;
    this.#gre = gre;
    this.#header = header === null ? null : viewOf(header);
    this.#inheritsTos = inheritsTos;
  }

  push(batch: Batch): void {
    if (this.#header === null) {
      pushGre(batch, this.#gre);
      return;
    }
    pushIpv4(batch, this.#gre, this.#header);
    if (this.#inheritsTos) putTos(batch);
  }

  pull(batch: Batch, verified: boolean): number {
    if (this.#family === 4) {
      if (this.#inheritsTos) takeTos(batch);
      pullIpv4(batch, this.#gre);
    } else pullGre(batch, this.#gre);
    if (!this.#gre.checksum || !verified) return 0;
    return takeUnsummed(batch, this.#family === 4 ? ipv4HeaderLen : nothing);
  }
}

/** A raw IPv6 socket gives packets without their outer header. */
export function nothing(): number {
  return 0;
}

/** GRE, and the outer IPv4 header before it. HOT PATH: allocates nothing. */
function pushIpv4(batch: Batch, gre: GreOptions, header: DataView): void {
  const { count, at, len, verdict, arena, view } = batch;
  const greLen = greHeaderLen(gre);
  const added = greLen + IPV4_LEN;
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== 0) continue;
    const greAt = at[i]! - greLen;
    writeGre(arena, greAt, at[i]! + len[i]!, gre);
    at[i] = at[i]! - added;
    len[i] = len[i]! + added;
    writeIpv4(view, at[i]!, len[i]!, header);
  }
}

/** Into the outer IPv4 headers, whose checksums the kernel makes. HOT PATH: allocates nothing. */
function putTos({ count, at, verdict, view, tos }: Batch): void {
  for (let i = 0; i < count; i++) if (verdict[i] === 0) setIpv4Tos(view, at[i]!, tos[i]!);
}

/** From the outer IPv4 headers, where there are whole ones. HOT PATH: allocates nothing. */
function takeTos({ count, at, len, verdict, arena, tos }: Batch): void {
  for (let i = 0; i < count; i++) {
    if (verdict[i] === 0 && len[i]! >= IPV4_LEN) tos[i] = ipv4TosAt(arena, at[i]!);
  }
}

/** The outer IPv4 header and GRE. HOT PATH: allocates nothing. */
function pullIpv4(batch: Batch, gre: GreOptions): void {
  const { count, at, len, verdict, arena } = batch;
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== 0) continue;
    const ipLen = ipv4HeaderLen(arena, at[i]!, len[i]!);
    verdict[i] = ipLen === 0 ? Drop.OuterHeader : pullGreAt(batch, i, at[i]! + ipLen, gre);
  }
}

/** Whether we write the outer header; see above. */
function writesHeader({ family, df }: GreConfig): boolean {
  return family === 4 && df;
}

function specOf(config: GreConfig): GretapSpec {
  const { family, local, remote, ttl, tos, df } = config;
  const header = writesHeader(config)
    ? ipv4Template(parseIpv4(local), parseIpv4(remote), ttl, ownTos(config), df)
    : null;
  return { kind: 'gretap', family, gre: greOptionsOf(config), header, inheritsTos: tos === 'inherit' };
}

/** What an IPv4 packet of the warm-up begins with. */
function loopbackHeader(): Buffer {
  return ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 64, 0, true);
}

export const gretap: EncapKind<GretapSpec> = {
  overhead: (config: EncapHeaders) => [
    config.family === 4 ? { name: 'IPv4', octets: IPV4_LEN } : { name: 'IPv6', octets: IPV6_LEN },
    ...greOverhead(config),
  ],
  headersMax: (config: EncapHeaders) => IPV4_LEN_MAX + greHeaderMax(config),
  open: (config: GreConfig, place: string, _peer, _openUdp, handed) => ({
    fd: handed?.fd ?? openGreSocket({ ...config, tos: ownTos(config) }, place, writesHeader(config)),
    senders: [],
    spec: specOf(config),
  }),
  attach: (spec: GretapSpec, fd: number, traffic: Float64Array): Wire => ({
    // What we write and read ourselves the kernel need not say.
    port: wrapRawSocket(fd, traffic, spec.inheritsTos && spec.header === null),
    encap: new Gretap(spec),
    learn: null,
    senderOf: null,
    shared: null,
  }),
  beside: (spec: GretapSpec, tos: number) =>
    new Gretap({
      ...spec,
      header: spec.header === null ? null : withTos(spec.header, tos),
      inheritsTos: false,
    }),
  rehearsal(): Rehearsal<GretapSpec> {
    const gre = { key: null, checksum: false };
    const both: GretapSpec = {
      kind: 'gretap',
      family: 4,
      gre,
      header: loopbackHeader(),
      inheritsTos: false,
    };
    return { sends: both, receives: both, alsoSends: [], outer: loopbackHeader() };
  },
};

/** For stages without a socket (tests, benchmarks). */
export function createGretap(
  spec: Omit<GretapSpec, 'kind' | 'inheritsTos'> & Partial<Pick<GretapSpec, 'inheritsTos'>>,
): Encap {
  return new Gretap({ kind: 'gretap', inheritsTos: false, ...spec });
}
