/** The metrics of tunnels with key agreement (MKA); `metrics.ts` sets them at each scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { AgreementSnapshot } from '../api/agreement.ts';

export class MkaMetrics {
  readonly #livePeers: Gauge;
  readonly #keyServer: Gauge;
  readonly #sakAge: Gauge;
  readonly #saks: Counter;
  readonly #mkpdus: Counter;
  readonly #refused: Counter;

  constructor(registry: Registry) {
    const about = (name: string, help: string, ...labelNames: string[]) => ({
      name: `l2vpnd_mka_${name}`,
      help,
      labelNames: ['tunnel', ...labelNames],
      registers: [registry],
    });
    this.#livePeers = new Gauge(about('live_peers', 'Peers that are live'));
    this.#keyServer = new Gauge(
      about('key_server', '1: this end is the key server, 0: another is, or nobody', 'sci'),
    );
    this.#sakAge = new Gauge(about('sak_age_seconds', 'Age of the latest SAK; none: there is none'));
    this.#saks = new Counter(about('saks_total', 'SAKs, by where they were made', 'origin'));
    this.#mkpdus = new Counter(
      about('mkpdus_total', 'MKPDUs sent, and received with a right ICV', 'direction'),
    );
    this.#refused = new Counter(
      about('refused_total', 'MKPDUs, and what they said, that were refused, by reason', 'reason'),
    );
  }

  reset(): void {
    for (const gauge of [this.#livePeers, this.#keyServer, this.#sakAge]) gauge.reset();
    for (const counter of [this.#saks, this.#mkpdus, this.#refused]) counter.reset();
  }

  set(tunnel: string, agreement: AgreementSnapshot): void {
    const { live_peers, role, key_server_sci, latest, refused } = agreement;
    this.#livePeers.set({ tunnel }, live_peers);
    this.#keyServer.set({ tunnel, sci: key_server_sci ?? '' }, role === 'key server' ? 1 : 0);
    if (latest !== null) this.#sakAge.set({ tunnel }, latest.age_seconds);
    this.#saks.inc({ tunnel, origin: 'made' }, agreement.saks_made);
    this.#saks.inc({ tunnel, origin: 'received' }, agreement.saks_received);
    this.#mkpdus.inc({ tunnel, direction: 'rx' }, agreement.mkpdus_in);
    this.#mkpdus.inc({ tunnel, direction: 'tx' }, agreement.mkpdus_out);
    for (const [reason, count] of Object.entries(refused)) this.#refused.inc({ tunnel, reason }, count);
  }
}
