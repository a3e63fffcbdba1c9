/** The far end of a tunnel, for single packets: the receive lane's own stages, and what their verdict means. */
import type { TunnelConfig } from '../config/types.ts';
import { pullGre } from '../encap/gre.ts';
import { DROP_TEXTS, Drop } from '../frame/drop.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import type { SecY } from '../macsec/secy.ts';
import { ETHERNET_LEN, ETHERTYPE_EAPOL, ETHERTYPE_LINK_CONTROL, etherTypeAt } from '../wire/ethernet.ts';
import { sciOf } from '../wire/sci.ts';
import { AN_MASK, tciAt } from '../wire/sectag.ts';
import { judgeControl } from './control.ts';
import { hintsOf } from './hints.ts';
import type { Decoded } from './layers.ts';
import type { MkpduVerdict } from './mka.ts';
import { type Bench, createReceiver } from './receiver.ts';
import { type Direction, sciAt } from './which-tunnel.ts';

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
export const MAX_PACKET_LEN: number = 65535;
const UNAGREED_TEXT =
  'with macsec.mka both ends agree on SAKs, and no MKPDU before this frame has told the SAK of its SCI and AN';

/** The far end of one tunnel and direction. */
export class Gate {
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
    // What comes back with our own SCI is a drop of its own; what we have sent is judged as the peer would.
    const { mac } = tunnel.tap;
    const own = direction === 'sent' || macsec === null || mac === null ? null : sciOf(mac, macsec.port);
    this.#secy = macsec === null ? null : createReceiver(macsec, own);
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
    const type = etherTypeAt(frame, 0);
    if (type === ETHERTYPE_LINK_CONTROL && (this.#judgeMka !== null || this.#tunnel.keepalive !== null))
      return { ...this.#whose(), ...judgeControl(frame, this.#tunnel, this.#macsec), frame: null };
    if (this.#judgeMka !== null && type === ETHERTYPE_EAPOL)
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

export function refused(
  tunnel: string | null,
  direction: Judgement['direction'],
  reason: string,
  explanation: string,
): Judgement {
  return { tunnel, direction, accepted: false, reason, explanation, hints: [], frame: null };
}

/** What a tunnel with the SAs of its file is judged by; `randomSci`: the own SCI where its MAC is not configured. */
export function macsecOf(
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
