/** The counters for Prometheus, read from shared memory when somebody asks. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Counters } from '../api/counters.ts';
import type {
  DownSnapshot,
  MacsecSnapshot,
  PeerSnapshot,
  SaSnapshot,
  TunnelSnapshot,
} from '../api/tunnel.ts';
import { MkaMetrics } from './mka-metrics.ts';

type Labels = Readonly<Record<string, string>>;

/** The registry whose figures `tunnels` gives at each scrape, and `down` of those that are to run and do not. */
export function createMetrics(tunnels: () => TunnelSnapshot[], down: () => DownSnapshot[]): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'l2vpnd_' });
  const metrics = new TunnelMetrics(registry, () => metrics.refresh(tunnels(), down()));
  return registry;
}

class TunnelMetrics {
  readonly #up: Gauge;
  readonly #peer: Gauge;
  readonly #heard: Gauge;
  readonly #frames: Counter;
  readonly #octets: Counter;
  readonly #drops: Counter;
  readonly #unsummed: Counter;
  readonly #icmp: Counter;
  readonly #macsec: Counter;
  readonly #pn: Gauge;
  readonly #mtu: Gauge;
  readonly #pathMtu: Gauge;
  readonly #tooBig: Counter;
  readonly #beganAgain: Gauge;
  readonly #carrier: Gauge;
  readonly #control: Counter;
  readonly #controlRefused: Counter;
  readonly #mka: MkaMetrics;

  /** Metrics are collected in the order of their making: `collect` is called with the first, for all of them. */
  constructor(registry: Registry, collect: () => void) {
    const about = (name: string, help: string, ...labelNames: string[]) => ({
      name: `l2vpnd_${name}`,
      help,
      labelNames,
      registers: [registry],
    });
    this.#up = new Gauge({ ...about('tunnel_up', '1: the tunnel runs, 0: it is down', 'tunnel'), collect });
    this.#peer = new Gauge(
      about(
        'peer_up',
        '1: authentic frames come, 0: the peer is lost; none: not known, or not watched',
        'tunnel',
      ),
    );
    this.#heard = new Gauge(
      about('peer_last_authentic_timestamp_seconds', 'When an authentic frame last came', 'tunnel'),
    );
    this.#frames = new Counter(about('frames_total', 'Frames carried all the way', 'tunnel', 'direction'));
    this.#octets = new Counter(about('octets_total', 'Octets carried all the way', 'tunnel', 'direction'));
    this.#drops = new Counter(about('drops_total', 'Frames dropped, by reason', 'tunnel', 'reason'));
    this.#unsummed = new Counter(
      about(
        'gre_checksums_left_total',
        'Packets taken without the GRE checksum, which an offload owed',
        'tunnel',
      ),
    );
    this.#icmp = new Counter(about('icmp_errors_total', 'ICMP errors that came, by kind', 'tunnel', 'kind'));
    this.#macsec = new Counter(
      about('macsec_total', 'The counters of ip -s macsec show', 'tunnel', 'part', 'sci', 'an', 'counter'),
    );
    this.#pn = new Gauge(about('macsec_pn', 'Next packet number', 'tunnel', 'part', 'sci', 'an'));
    this.#beganAgain = new Gauge(
      about(
        'macsec_peer_began_again',
        'Late frames since the last accepted, of a peer that began again at packet number 1',
        'tunnel',
        'sci',
        'an',
      ),
    );
    this.#mtu = new Gauge(about('mtu_octets', 'What the tunnel carries', 'tunnel'));
    this.#carrier = new Gauge(
      about('carrier_up', '1: the TAP has carrier, 0: it has none; none: it always has', 'tunnel'),
    );
    this.#control = new Counter(
      about(
        'control_frames_total',
        'Control frames sent, and received with a right ICV and new',
        'tunnel',
        'direction',
      ),
    );
    this.#controlRefused = new Counter(
      about('control_frames_refused_total', 'Control frames refused, by reason', 'tunnel', 'reason'),
    );
    this.#pathMtu = new Gauge(
      about('path_mtu_octets', 'What the path is believed to carry, and what limits it', 'tunnel', 'limit'),
    );
    this.#tooBig = new Counter(
      about(
        'icmp_too_big_total',
        'ICMP messages that a packet was too big, by what their quotes prove',
        'tunnel',
        'verdict',
      ),
    );
    this.#mka = new MkaMetrics(registry);
  }

  refresh(tunnels: readonly TunnelSnapshot[], down: readonly DownSnapshot[]): void {
    const counts = [
      this.#frames,
      this.#octets,
      this.#drops,
      this.#unsummed,
      this.#icmp,
      this.#macsec,
      this.#pn,
      this.#mtu,
      this.#control,
      this.#controlRefused,
      this.#pathMtu,
      this.#tooBig,
    ];
    for (const metric of [this.#up, this.#peer, this.#carrier, this.#heard, this.#beganAgain, ...counts])
      metric.reset();
    this.#mka.reset();
    for (const { name } of down) this.#up.set({ tunnel: name }, 0);
    for (const tunnel of tunnels) this.#setTunnel(tunnel);
  }

  #setPeer(name: Labels, { state, last_authentic }: PeerSnapshot): void {
    if (state === 'alive' || state === 'lost') this.#peer.set(name, state === 'alive' ? 1 : 0);
    if (last_authentic !== null) this.#heard.set(name, Date.parse(last_authentic) / 1000);
  }

  #setLink(name: Labels, { carrier, control_frames }: TunnelSnapshot): void {
    if (carrier !== null) this.#carrier.set(name, carrier.state === 'up' ? 1 : 0);
    if (control_frames === null) return;
    const { frames_in, frames_out, refused } = control_frames;
    this.#control.inc({ ...name, direction: 'rx' }, frames_in);
    this.#control.inc({ ...name, direction: 'tx' }, frames_out);
    for (const [reason, count] of Object.entries(refused))
      this.#controlRefused.inc({ ...name, reason }, count);
  }

  #setTunnel(tunnel: TunnelSnapshot): void {
    const name = { tunnel: tunnel.name };
    this.#up.set(name, 1);
    this.#setPeer(name, tunnel.peer);
    this.#setLink(name, tunnel);
    this.#mtu.set(name, tunnel.mtu);
    this.#pathMtu.set({ ...name, limit: tunnel.path.limit }, tunnel.path_mtu);
    for (const [verdict, value] of Object.entries(tunnel.path.icmp_too_big))
      this.#tooBig.inc({ ...name, verdict }, value);
    for (const direction of ['tx', 'rx'] as const) {
      this.#frames.inc({ ...name, direction }, tunnel[direction].frames_out);
      this.#octets.inc({ ...name, direction }, tunnel[direction].octets_out);
    }
    for (const [reason, value] of Object.entries(tunnel.drops)) this.#drops.inc({ ...name, reason }, value);
    for (const { sci, an, frames } of tunnel.seen?.began_again ?? [])
      this.#beganAgain.set({ ...name, sci, an: String(an) }, frames);
    this.#unsummed.inc(name, tunnel.gre_checksums_left);
    for (const [kind, value] of Object.entries(tunnel.icmp)) this.#icmp.inc({ ...name, kind }, value);
    if (tunnel.macsec !== null) this.#setSecy(name, tunnel.macsec);
    if (tunnel.agreement !== null) this.#mka.set(tunnel.name, tunnel.agreement);
  }

  #setSecy(name: Labels, secy: MacsecSnapshot): void {
    const { sci } = secy;
    this.#count({ ...name, part: 'secy' }, secy.stats);
    this.#count({ ...name, part: 'txsc', sci }, secy.tx_stats);
    for (const sa of secy.sa_list) this.#setSa({ ...name, part: 'txsa', sci }, sa);
    for (const sc of secy.rx_sc) {
      this.#count({ ...name, part: 'rxsc', sci: sc.sci }, sc.stats);
      for (const sa of sc.sa_list) this.#setSa({ ...name, part: 'rxsa', sci: sc.sci }, sa);
    }
  }

  #setSa(channel: Labels, sa: SaSnapshot): void {
    const labels = { ...channel, an: String(sa.an) };
    this.#count(labels, sa.stats);
    this.#pn.set(labels, Number(sa.pn));
  }

  #count(labels: Labels, stats: Counters): void {
    for (const [counter, value] of Object.entries(stats)) this.#macsec.inc({ ...labels, counter }, value);
  }
}
