/**
 * Says what a tunnel would do with a packet, by letting it: the packet goes through the receive lane's own stages
 * (`pullGre`, `validate`) over a SecY built from the configuration, with node:crypto. So the answer is the
 * daemon's, and a capture read in order meets the replay window as the daemon would.
 *
 * With `macsec.mka` the MKPDUs of the capture tell which SAs there are for the frames behind them.
 * A packet that this site has sent is judged by the mirrored configuration: what a peer with the same keys would do.
 */
import type { Config, TunnelConfig } from '../config/types.ts';
import { pullGre } from '../encap/gre.ts';
import { DROP_TEXTS, Drop } from '../frame/drop.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import type { SecY } from '../macsec/secy.ts';
import { ETHERNET_LEN, ETHERTYPE_EAPOL, etherTypeAt } from '../wire/ethernet.ts';
import { sciOf } from '../wire/sci.ts';
import { AN_MASK, tciAt } from '../wire/sectag.ts';
import { AgreedSas } from './agreed.ts';
import { hintsOf } from './hints.ts';
import type { Decoded } from './layers.ts';
import { judgeMkpdu, type MkpduVerdict } from './mka.ts';
import { Bench, createReceiver } from './receiver.ts';
import { type Direction, findTunnel, sciAt } from './which-tunnel.ts';

export interface Judgement {
  /** The tunnel that the packet belongs to; null: none of this configuration. */
  tunnel: string | null;
  direction: Direction | null;
  accepted: boolean;
  /** The counter that a refused packet bumps, and what it means; for an accepted one what it was accepted with. */
  reason: string;
  explanation: string;
  /** More that was found out. */
  hints: string[];
  /** The frame that the bridge gets, where the packet was accepted. */
  frame: Buffer | null;
}

/** Longest packet that an IP header can count. */
const MAX_PACKET_LEN = 65535;
const QUOTE_TEXT =
  "a packet was too big for a link on its way; this is for the kernel's path MTU, not for the tunnel";

const UNAGREED_TEXT =
  'with macsec.mka both ends agree on SAKs, and no MKPDU before this frame has told the SAK of its SCI and AN';

/** Judges the packets of one source, in order. */
export class Judge {
  readonly #config: Config;
  readonly #gates = new Map<string, { keyId: string | null; gate: Gate }>();
  /** By tunnel, where key agreement decides. */
  readonly #agreed = new Map<string, AgreedSas>();
  readonly #bench = new Bench(MAX_PACKET_LEN);

  constructor(config: Config) {
    this.#config = config;
  }

  /** The UDP ports that tunnels of this configuration use. */
  get udpPorts(): number[] {
    return this.#config.tunnels.filter(({ gre }) => gre.encap === 'udp').map(({ gre }) => gre.port);
  }

  judge(packet: Buffer, decoded: Decoded): Judgement {
    if (decoded.quoted !== null) return this.#judgeQuote(packet, decoded.quoted);
    const found = findTunnel(this.#config, packet, decoded);
    if (typeof found === 'string') return refused(null, null, 'no tunnel', found);
    const { tunnel, direction } = found;
    if (decoded.greAt < 0 && decoded.frameAt < 0) {
      return refused(tunnel.name, direction, 'not decoded', 'the packet is cut off before its GRE header');
    }
    const frame = decoded.frameAt < 0 ? null : packet.subarray(decoded.frameAt, decoded.end);
    const gate =
      tunnel.mka === null ? this.#gate(tunnel, direction, frame) : this.#agreedGate(tunnel, direction, frame);
    return gate.pass(packet, decoded, this.#bench);
  }

  /** An ICMP error goes to whoever sent the packet that it quotes. */
  #judgeQuote(packet: Buffer, quoted: Decoded): Judgement {
    const found = findTunnel(this.#config, packet, quoted);
    if (typeof found === 'string') return refused(null, null, 'no tunnel', found);
    const direction = found.direction === 'sent' ? 'received' : 'sent';
    return refused(found.tunnel.name, direction, 'ICMP error', QUOTE_TEXT);
  }

  /** One gate per tunnel and direction, so that replay protection sees the whole capture. */
  #gate(tunnel: TunnelConfig, direction: Direction, frame: Buffer | null): Gate {
    const own = direction === 'sent' && tunnel.tap.mac === null && frame !== null ? sciAt(frame) : null;
    return this.#gateOf(
      [tunnel.name, direction, own],
      null,
      () => new Gate(tunnel, direction, macsecOf(tunnel, direction, own)),
    );
  }

  /** One gate per sender and AN, as soon as MKPDUs have agreed on its key; another key makes a new one of it. */
  #agreedGate(tunnel: TunnelConfig, direction: Direction, frame: Buffer | null): Gate {
    const agreed = this.#agreedOf(tunnel);
    const sci = frame === null ? null : sciAt(frame);
    const an = sci === null ? null : tciAt(frame!, 0) & AN_MASK;
    const macsec = sci === null || an === null ? null : agreed.macsecFor(tunnel.macsec!, sci, an);
    const keyId = macsec === null ? null : macsec.rxSc[0]!.sa[0]!.keyId;
    const judgeMka = (eapol: Buffer): MkpduVerdict => {
      const mac = direction === 'received' ? tunnel.tap.mac : null;
      return judgeMkpdu(eapol, mac, tunnel, this.#config, agreed);
    };
    const make = (): Gate => new Gate(tunnel, direction, macsec ?? tunnel.macsec, judgeMka);
    const place = macsec === null ? [null, null] : [sci, an];
    return this.#gateOf([tunnel.name, direction, ...place], keyId, make);
  }

  #gateOf(place: (string | number | null)[], keyId: string | null, make: () => Gate): Gate {
    const name = JSON.stringify(place);
    const found = this.#gates.get(name);
    if (found !== undefined && found.keyId === keyId) return found.gate;
    const gate = make();
    this.#gates.set(name, { keyId, gate });
    return gate;
  }

  #agreedOf({ name }: TunnelConfig): AgreedSas {
    const agreed = this.#agreed.get(name) ?? new AgreedSas();
    this.#agreed.set(name, agreed);
    return agreed;
  }
}

/** The far end of one tunnel and direction. */
class Gate {
  readonly #tunnel: TunnelConfig;
  readonly #direction: Direction;
  /** What validates; null: plain GRETAP. */
  readonly #macsec: MacsecConfig | null;
  readonly #secy: SecY | null;
  readonly #judgeMka: ((eapol: Buffer) => MkpduVerdict) | null;

  /** `judgeMka`: for the MKPDUs of a tunnel with key agreement. */
  constructor(
    tunnel: TunnelConfig,
    direction: Direction,
    macsec: MacsecConfig | null,
    judgeMka: ((eapol: Buffer) => MkpduVerdict) | null = null,
  ) {
    this.#tunnel = tunnel;
    this.#direction = direction;
    this.#macsec = macsec;
    this.#secy = macsec === null ? null : createReceiver(macsec);
    this.#judgeMka = judgeMka;
  }

  pass(packet: Buffer, decoded: Decoded, bench: Bench): Judgement {
    const { batch } = bench;
    const from = decoded.greAt >= 0 ? decoded.greAt : decoded.frameAt;
    if (decoded.end - from > MAX_PACKET_LEN) return this.#refuse(Drop.Oversized, null);
    bench.put(packet.subarray(from, decoded.end));
    if (decoded.greAt >= 0) pullGre(batch, this.#tunnel.gre);
    if (batch.verdict[0] === 0 && batch.len[0]! < ETHERNET_LEN) batch.verdict[0] = Drop.InnerRunt;
    if (batch.verdict[0] !== 0) return this.#refuse(batch.verdict[0] as Drop, null);
    const frame = bench.take();
    // Taken out of the lane before anything is validated, as the daemon does.
    if (this.#judgeMka !== null && etherTypeAt(frame, 0) === ETHERTYPE_EAPOL)
      return { ...this.#whose(), ...this.#judgeMka(frame), frame: null };
    const verified = this.#secy !== null && bench.validate(this.#secy);
    if (batch.verdict[0] !== 0) return this.#refuse(batch.verdict[0] as Drop, frame);
    return this.#accept(frame, bench.take(), verified);
  }

  #whose(): Pick<Judgement, 'tunnel' | 'direction'> {
    return { tunnel: this.#tunnel.name, direction: this.#direction };
  }

  /** `verified`: its ICV was right. Other validate modes than strict deliver more than that. */
  #accept(frame: Buffer, delivered: Buffer, verified: boolean): Judgement {
    const macsec = this.#macsec;
    const base = {
      tunnel: this.#tunnel.name,
      direction: this.#direction,
      accepted: true,
      hints: [],
      frame: delivered,
    };
    if (macsec === null)
      return { ...base, reason: 'in clear', explanation: 'macsec is null: the frame is delivered as it is' };
    const sa = verified ? saOf(macsec, frame) : null;
    if (sa === null) {
      return {
        ...base,
        reason: 'not verified',
        explanation: `nothing verified this frame, and validate "${macsec.validate}" delivers it`,
      };
    }
    return { ...base, reason: 'ok', explanation: `key ${sa.keyId}, AN ${sa.an}` };
  }

  #refuse(drop: Drop, frame: Buffer | null): Judgement {
    const { name, cause } = DROP_TEXTS[drop]!;
    const judgement = refused(this.#tunnel.name, this.#direction, name, cause);
    if (frame === null || this.#macsec === null) return judgement;
    const isUnagreed = this.#judgeMka !== null && drop === Drop.InPktsNoSci;
    judgement.hints = isUnagreed ? [UNAGREED_TEXT] : hintsOf(drop, frame, this.#macsec);
    return judgement;
  }
}

function refused(
  tunnel: string | null,
  direction: Judgement['direction'],
  reason: string,
  explanation: string,
): Judgement {
  return { tunnel, direction, accepted: false, reason, explanation, hints: [], frame: null };
}

/** What a tunnel with the SAs of its file is judged by; `randomSci`: the own SCI where its MAC is not configured. */
function macsecOf(
  { macsec, tap }: TunnelConfig,
  direction: Direction,
  randomSci: string | null,
): MacsecConfig | null {
  if (macsec === null || direction === 'received') return macsec;
  return mirrored(macsec, tap.mac === null ? randomSci : sciOf(tap.mac, macsec.port));
}

/** What a peer with the same keys would be configured as: it receives what `macsec` sends. */
function mirrored(macsec: MacsecConfig, sci: string | null): MacsecConfig {
  return { ...macsec, rxSc: sci === null ? [] : [{ sci, active: true, sa: macsec.txSa }] };
}

/** The SA that the frame names, where it is one of `macsec`. */
function saOf(macsec: MacsecConfig, frame: Buffer): SaConfig | null {
  const sci = sciAt(frame);
  const channel = sci === null ? macsec.rxSc[0] : macsec.rxSc.find((sc) => sc.sci === sci);
  return channel?.sa.find((sa) => sa.an === (tciAt(frame, 0) & AN_MASK)) ?? null;
}
