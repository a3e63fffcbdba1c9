/**
 * Says what a tunnel would do with a packet, by letting it: the packet goes through the receive lane's own stages
 * (`pullGre`, `validate`) over a SecY built from the configuration, with node:crypto. So the answer is the
 * daemon's, and a capture read in order meets the replay window as the daemon would.
 *
 * With `macsec.mka` the MKPDUs of the capture tell which SAs there are for the frames behind them.
 * A packet that this site has sent is judged by the mirrored configuration: what a peer with the same keys would do.
 */
import type { Config, TunnelConfig } from '../config/types.ts';
import { AN_MASK, tciAt } from '../wire/sectag.ts';
import { AgreedSas } from './agreed.ts';
import { Gate, type Judgement, MAX_PACKET_LEN, macsecOf, refused } from './gate.ts';
import type { Decoded } from './layers.ts';
import { judgeMkpdu, type MkpduVerdict } from './mka.ts';
import { Bench } from './receiver.ts';
import { type Direction, findTunnel, sciAt } from './which-tunnel.ts';

const QUOTE_TEXT =
  "a packet was too big for a link on its way; this is for the kernel's path MTU, not for the tunnel";

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
