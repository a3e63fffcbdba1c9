/**
 * Says what a tunnel would do with a packet, by letting it: the packet goes through the receive lane's own stages
 * (`pullGre`, `validate`) over a SecY built from the configuration, with node:crypto. So the answer is the
 * daemon's, and a capture read in order meets the replay window as the daemon would.
 *
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
import { hintsOf } from './hints.ts';
import type { Decoded } from './layers.ts';
import { judgeMkpdu } from './mka.ts';
import { Bench, createReceiver } from './receiver.ts';
import { type Direction, findTunnel, sciAt, sciOfFrame } from './which-tunnel.ts';

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

const AGREED_TEXT =
  'with macsec.mka both ends agree on SAKs; the configuration has none to open the frame with';

/** Judges the packets of one source, in order. */
export class Judge {
  readonly #config: Config;
  readonly #gates = new Map<string, Gate>();
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
    return this.#gate(tunnel, direction, sciOfFrame(packet, decoded)).pass(packet, decoded, this.#bench);
  }

  /** An ICMP error goes to whoever sent the packet that it quotes. */
  #judgeQuote(packet: Buffer, quoted: Decoded): Judgement {
    const found = findTunnel(this.#config, packet, quoted);
    if (typeof found === 'string') return refused(null, null, 'no tunnel', found);
    const direction = found.direction === 'sent' ? 'received' : 'sent';
    return refused(found.tunnel.name, direction, 'ICMP error', QUOTE_TEXT);
  }

  /** One gate per tunnel and direction, so that replay protection sees the whole capture. */
  #gate(tunnel: TunnelConfig, direction: Direction, sci: string | null): Gate {
    const own = direction === 'sent' && tunnel.tap.mac === null ? sci : null;
    const key = JSON.stringify([tunnel.name, direction, own]);
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      gate = new Gate(this.#config, tunnel, direction, own);
      this.#gates.set(key, gate);
    }
    return gate;
  }
}

/** The far end of one tunnel and direction. */
class Gate {
  readonly #config: Config;
  readonly #tunnel: TunnelConfig;
  readonly #direction: Direction;
  /** What validates; null: plain GRETAP. */
  readonly #macsec: MacsecConfig | null;
  readonly #secy: SecY | null;

  /** `randomSci`: the own SCI of a tunnel whose MAC is not configured. */
  constructor(config: Config, tunnel: TunnelConfig, direction: Direction, randomSci: string | null) {
    this.#config = config;
    this.#tunnel = tunnel;
    this.#direction = direction;
    const { macsec, tap } = tunnel;
    const sci = macsec === null || tap.mac === null ? randomSci : sciOf(tap.mac, macsec.port);
    this.#macsec = macsec !== null && direction === 'sent' ? mirrored(macsec, sci) : macsec;
    this.#secy = this.#macsec === null ? null : createReceiver(this.#macsec);
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
    if (this.#tunnel.mka !== null && etherTypeAt(frame, 0) === ETHERTYPE_EAPOL)
      return this.#judgeMkpdu(frame);
    const verified = this.#secy !== null && bench.validate(this.#secy);
    if (batch.verdict[0] !== 0) return this.#refuse(batch.verdict[0] as Drop, frame);
    return this.#accept(frame, bench.take(), verified);
  }

  /** Taken out of the lane before anything is validated, as the daemon does. */
  #judgeMkpdu(frame: Buffer): Judgement {
    const mac = this.#direction === 'received' ? this.#tunnel.tap.mac : null;
    const verdict = judgeMkpdu(frame, mac, this.#tunnel, this.#config);
    return { tunnel: this.#tunnel.name, direction: this.#direction, ...verdict, frame: null };
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
    const isAgreed = this.#tunnel.mka !== null && drop === Drop.InPktsNoSci;
    judgement.hints = isAgreed ? [AGREED_TEXT] : hintsOf(drop, frame, this.#macsec);
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
