/**
 * The set of tunnels, and the workers that run their lanes: what opens, changes and closes one, in the order in which no
 * packet number is lost or used twice. Nothing here decides; `daemon.ts` and a reload do.
 */
import type { Logger } from 'pino';
import type { Config, TunnelConfig } from '../config/types.ts';
import type { AeadProvider } from '../crypto/aead.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import { keySourceOf } from '../keys/key-source-of.ts';
import type { StaticKeys, StaticKeysContext } from '../keys/static.ts';
import type { PnState } from '../state/state.ts';
import { type LaneHost, Tunnel } from '../tunnel/tunnel.ts';
import { Workers, workerCount } from '../worker/workers.ts';
import { type DownTunnel, DownTunnels } from './down-tunnels.ts';
import { StateTrouble } from './state-trouble.ts';
import { logFresh, logPathMtu, logRemoved, logUp } from './tunnel-log.ts';

/** What the tunnels need of the daemon. */
export interface TunnelsContext extends StaticKeysContext {
  readonly log: Logger;
  readonly state: PnState;
}

/** A tunnel and who decides its SAs; null without MACsec. */
export interface KeyedTunnel {
  readonly tunnel: Tunnel;
  readonly keys: StaticKeys | null;
}

/** Paths whose MTU is asked for per tick, at most. */
const PATHS_PER_TICK = 64;

/** What reading from a TAP says whose interface is gone. */
const TAP_GONE = 'EBADFD';

export class Tunnels {
  #pathAt = 0;
  readonly #context: TunnelsContext;
  readonly #byName = new Map<string, KeyedTunnel>();
  /** Null until they have been given the lanes. */
  #workers: Promise<Workers> | null = null;
  /** What is ordered while the workers start reaches them then. */
  readonly #lanes: LaneHost = {
    configure: async (tunnel, spec) => (await this.#workers)?.configure(tunnel, spec),
    wake: () => void this.#workers?.then((workers) => workers.wake(), this.#context.failed),
  };

  readonly #down: DownTunnels;
  readonly #trouble: StateTrouble;

  constructor(context: TunnelsContext) {
    this.#context = context;
    this.#trouble = new StateTrouble(context.log);
    this.#down = new DownTunnels(context.log, (down) => context.inTurn(() => this.#bringUp(down)));
  }

  /** Tunnels that are to run and do not. */
  get down(): DownTunnels {
    return this.#down;
  }

  get size(): number {
    return this.#byName.size;
  }

  keyed(): IterableIterator<KeyedTunnel> {
    return this.#byName.values();
  }

  *all(): Generator<Tunnel> {
    for (const { tunnel } of this.keyed()) yield tunnel;
  }

  find(name: string): KeyedTunnel | null {
    return this.#byName.get(name) ?? null;
  }

  /** Throws L2VPN_INTERNAL where there is none. */
  get(name: string): KeyedTunnel {
    const keyed = this.find(name);
    if (keyed === null) throw new L2vpnError('L2VPN_INTERNAL', `there is no tunnel "${name}"`);
    return keyed;
  }

  /** Opens what `configs` name, before there are workers. Throws L2vpnError; `closeAll` closes what was opened. */
  async openAll(configs: readonly TunnelConfig[]): Promise<void> {
    for (const [index, config] of configs.entries()) await this.#open(config, index);
  }

  /** Starts the lanes. Resolves with the number of workers when all lanes carry frames. */
  async start(workers: Config['workers'], provider: AeadProvider['name']): Promise<number> {
    const lanes = [...this.all()].flatMap((tunnel) => tunnel.lanes());
    this.#workers = Workers.start(lanes, workerCount(workers, lanes.length), provider, {
      pnLow: (tunnel) => this.#grant(tunnel),
      uncontrolled: (tunnel) => this.find(tunnel)?.tunnel.uncontrolled?.told(),
      laneFailed: (tunnel, reason, errno) => this.#laneFailed(tunnel, reason, errno),
      failed: this.#context.failed,
    });
    const { count } = await this.#workers;
    for (const tunnel of this.all()) this.#logUp(tunnel);
    return count;
  }

  /** Lanes drain and end; the tunnels stay open. */
  async stop(): Promise<void> {
    await (await this.#workers)?.stop();
  }

  /** Key sources order nothing more. */
  stopKeys(): void {
    this.#down.stop();
    for (const { keys } of this.keyed()) keys?.stop();
  }

  /** `clean`: no worker has failed, so what the lanes published is exact. */
  closeAll(clean: boolean): void {
    for (const tunnel of this.all()) tunnel.close(clean);
  }

  /** A further tunnel, `tunnels[index]` of the configuration. Throws L2vpnError with nothing left open. */
  async add(config: TunnelConfig, index: number): Promise<void> {
    const tunnel = await this.#open(config, index);
    try {
      await (await this.#workers)?.add(tunnel.lanes());
    } catch (error) {
      this.#byName.delete(config.name);
      tunnel.close(true);
      throw error;
    }
    this.#logUp(tunnel);
  }

  async remove(name: string, clean: boolean): Promise<void> {
    if (this.#down.forget(name) === null) await this.#close(name, clean);
    logRemoved(this.#context.log, name);
  }

  /** The configuration that it runs by, or will when it is up again. Throws L2VPN_INTERNAL where there is no such tunnel. */
  configOf(name: string): TunnelConfig {
    return this.#down.get(name)?.config ?? this.get(name).tunnel.config;
  }

  /** In its turn: a reload before it may have changed the tunnel, or removed it. */
  async #bringUp(down: DownTunnel): Promise<boolean> {
    if (!this.#down.isDown(down)) return false;
    await this.add(down.config, down.index);
    return true;
  }

  async #close(name: string, clean: boolean): Promise<void> {
    const { tunnel, keys } = this.get(name);
    keys?.stop();
    await (await this.#workers)?.remove(name);
    this.#byName.delete(name);
    tunnel.close(clean);
  }

  /** Something of the tunnel is gone: it goes down by itself, and is tried again; the others do not notice. */
  #laneFailed(name: string, reason: string, errno: string): void {
    const failed = async (): Promise<void> => {
      const keyed = this.find(name);
      if (keyed === null) return;
      const { config, index } = keyed.tunnel;
      try {
        // What its lanes had taken counts as used.
        await this.#close(name, false);
      } catch (error) {
        this.#context.log.error({ tunnel: name }, messageOf(error));
      }
      this.#down.add(
        config,
        index,
        errno === TAP_GONE ? `interface ${config.tap.ifname} was deleted` : reason,
      );
    };
    this.#context.inTurn(failed).catch((error: unknown) => this.#context.failed(error));
  }

  /** Once a second: what was received is stored, the path's MTU looked at. */
  tick(): void {
    for (const tunnel of this.all()) this.#store(tunnel);
    for (const tunnel of this.#nextPaths()) this.#followPath(tunnel);
  }

  /** Whose path is looked at in this tick: all in turn, so that a hub with many does not ask for all at once. */
  #nextPaths(): Tunnel[] {
    const tunnels = [...this.all()];
    const from = tunnels.length <= PATHS_PER_TICK ? 0 : this.#pathAt % tunnels.length;
    this.#pathAt = from + PATHS_PER_TICK;
    return tunnels.slice(from, from + PATHS_PER_TICK);
  }

  /** Its key source first, and with it the packet numbers. Throws L2vpnError; nothing is left open then. */
  async #open(config: TunnelConfig, index: number): Promise<Tunnel> {
    const keys = keySourceOf(config, this.#context);
    const tunnel = new Tunnel(config, index, this.#context.state, this.#lanes, keys?.etherTypes);
    try {
      if (tunnel.macsec !== null) await keys?.start(tunnel.macsec.sas, tunnel.uncontrolled);
      tunnel.open();
    } catch (error) {
      tunnel.close(true);
      throw error;
    }
    this.#byName.set(config.name, { tunnel, keys });
    return tunnel;
  }

  /** A disk that does not take the numbers now may do so in a second; until then frames go on within what is granted. */
  #grant(name: string): void {
    try {
      this.find(name)?.tunnel.grant();
      this.#trouble.over(name, 'grant');
    } catch (error) {
      this.#trouble.tell(name, 'grant', error);
    }
  }

  #store(tunnel: Tunnel): void {
    const { name } = tunnel;
    if (this.#trouble.has(name, 'grant')) this.#grant(name);
    try {
      tunnel.saveReceived();
      if (tunnel.secy?.keep()) {
        const { dir } = this.#context.state;
        this.#context.log.warn({ tunnel: name }, `packet numbers in ${dir} had been removed: stored again`);
      }
      this.#trouble.over(name, 'store');
    } catch (error) {
      this.#trouble.tell(name, 'store', error);
    }
  }

  #followPath(tunnel: Tunnel): void {
    const change = tunnel.checkPath();
    if (change === null) return;
    logPathMtu(this.#context.log, tunnel, change);
    const { lowerMtu } = change;
    if (lowerMtu === null) return;
    this.#workers
      ?.then((workers) => workers.setMtu(tunnel.name, lowerMtu))
      .catch((error: unknown) => this.#context.failed(error));
  }

  #logUp(tunnel: Tunnel): void {
    const { log, state } = this.#context;
    logUp(log, tunnel);
    logFresh(log, tunnel, state.dir);
  }
}
