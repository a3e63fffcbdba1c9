/**
 * The tunnels, and the workers that run their lanes: what opens, changes and closes one, in the order in which no
 * packet number is lost or used twice. Nothing here decides; `daemon.ts`, a reload and a rotation do.
 */
import type { Logger } from 'pino';
import type { Config, TunnelConfig } from '../config/types.ts';
import type { AeadProvider } from '../crypto/aead.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type { PnState } from '../state/state.ts';
import { formatMtu } from '../tunnel/mtu.ts';
import { checkPath, closeTunnel, openTunnel, saveReceived, type Tunnel } from '../tunnel/tunnel.ts';
import { Workers, workerCount } from '../worker/workers.ts';

export class Tunnels {
  readonly #log: Logger;
  readonly #state: PnState;
  readonly #stateDir: string;
  /** Something has failed that the daemon cannot go on without. */
  readonly #failed: (error: unknown) => void;
  readonly #byName = new Map<string, Tunnel>();
  #workers: Workers | null = null;

  constructor(log: Logger, state: PnState, stateDir: string, failed: (error: unknown) => void) {
    this.#log = log;
    this.#state = state;
    this.#stateDir = stateDir;
    this.#failed = failed;
  }

  get size(): number {
    return this.#byName.size;
  }

  all(): IterableIterator<Tunnel> {
    return this.#byName.values();
  }

  /** Throws L2vpnError with the names there are. */
  get(name: string): Tunnel {
    const tunnel = this.#byName.get(name);
    if (tunnel !== undefined) return tunnel;
    throw new L2vpnError(
      'L2VPN_USAGE',
      `there is no tunnel "${name}"; tunnels are ${[...this.#byName.keys()].join(', ')}`,
    );
  }

  /** Opens what `config` names, before there are workers. Throws L2vpnError; `closeAll` closes what was opened. */
  openAll(configs: readonly TunnelConfig[]): void {
    configs.forEach((config, index) => {
      this.#byName.set(config.name, openTunnel(config, index, this.#state));
    });
  }

  /** Starts the lanes. Resolves with the number of workers when all lanes carry frames. */
  async start(workers: Config['workers'], provider: AeadProvider['name']): Promise<number> {
    const lanes = [...this.all()].flatMap((tunnel) => tunnel.lanes);
    this.#workers = await Workers.start(lanes, workerCount(workers, lanes.length), provider, {
      pnLow: (tunnel) => this.#grant(tunnel),
      failed: this.#failed,
    });
    for (const tunnel of this.all()) this.#tell(tunnel);
    return this.#workers.count;
  }

  /** Lanes drain and end; the tunnels stay open. */
  async stop(): Promise<void> {
    await this.#workers?.stop();
  }

  /** `clean`: no worker has failed, so what the lanes published is exact. */
  closeAll(clean: boolean): void {
    for (const tunnel of this.all()) closeTunnel(tunnel, clean);
  }

  /** A further tunnel, `tunnels[index]` of the configuration. Throws L2vpnError with nothing left open. */
  async add(config: TunnelConfig, index: number): Promise<void> {
    const tunnel = openTunnel(config, index, this.#state);
    this.#byName.set(config.name, tunnel);
    await this.#workers?.add(tunnel.lanes);
    this.#tell(tunnel);
  }

  async remove(name: string, clean: boolean): Promise<void> {
    const tunnel = this.get(name);
    await this.#workers?.remove(name);
    this.#byName.delete(name);
    closeTunnel(tunnel, clean);
    this.#log.info({ tunnel: name }, 'tunnel removed');
  }

  /** New numbers first, then the lanes, then the numbers that nobody uses any more. */
  async configure(tunnel: Tunnel, macsec: MacsecConfig): Promise<void> {
    saveReceived(tunnel);
    const spec = tunnel.numbers!.configure(macsec);
    tunnel.config = { ...tunnel.config, macsec };
    tunnel.settling = true;
    await this.#workers?.configure(tunnel.config.name, spec);
    tunnel.settling = false;
    tunnel.numbers!.retire();
  }

  /** Once a second: what was received is stored, the path's MTU looked at. */
  tick(): void {
    for (const tunnel of this.all()) {
      saveReceived(tunnel);
      this.#followPath(tunnel);
    }
  }

  /** Grants the next block of packet numbers: durable first, then the lanes may go on. */
  #grant(name: string): void {
    const tunnel = this.#byName.get(name);
    try {
      const tx = tunnel?.numbers?.txOf(tunnel.config.macsec?.encodingSa ?? 0);
      if (tx?.extend()) this.#workers?.wake();
    } catch (error) {
      this.#failed(error);
    }
  }

  #followPath(tunnel: Tunnel): void {
    const lowerMtu = checkPath(tunnel);
    if (lowerMtu === null) return;
    const { name } = tunnel.config;
    const fits = tunnel.pathMtu - tunnel.overhead;
    const text =
      fits < tunnel.mtu
        ? `frames above ${fits} octets are dropped: lower the MTU of the hosts`
        : 'every frame fits';
    this.#log.warn(
      { tunnel: name, pathMtu: tunnel.pathMtu, mtu: tunnel.mtu },
      `the path MTU has changed; ${text}`,
    );
    this.#workers?.setMtu(name, lowerMtu).catch(this.#failed);
  }

  #tell(tunnel: Tunnel): void {
    const { config, numbers } = tunnel;
    const { tap, gre, macsec } = config;
    const fields = {
      tunnel: config.name,
      ifname: tap.ifname,
      mac: tunnel.mac,
      local: gre.local,
      remote: gre.remote,
      encap: gre.encap,
      mtu: tunnel.mtu,
      arithmetic: formatMtu(tunnel.arithmetic),
      ...(macsec === null
        ? {}
        : { sci: tunnel.sci, cipher: macsec.cipher, nextPn: numbers?.tx.map((tx) => pnToJson(tx.start)) }),
    };
    this.#log.info(fields, 'tunnel up');
    for (const tx of numbers?.tx ?? []) {
      if (!tx.fresh) continue;
      const fresh = { tunnel: config.name, an: tx.an, pn: pnToJson(tx.start), stateDir: this.#stateDir };
      this.#log.info(fresh, 'no stored packet numbers for this key: starting at the configured one');
    }
  }
}
