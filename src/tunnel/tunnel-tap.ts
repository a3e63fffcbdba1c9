/** The TAP of a tunnel: made once, and changed while everything before and behind it is exchanged. */
import type { PortSettings, TapConfig } from '../config/types.ts';
import { messageOf } from '../errors.ts';
import type { BridgePortInfo } from '../host/bridge-port.ts';
import { closeFds } from '../host/close.ts';
import { txDropped } from '../host/link-stats.ts';
import { changeTapMtu, moveTap, type OpenTap, openTap, setCarrier } from '../host/tap.ts';
import { BridgePort, portSettings } from './bridge-port.ts';
import { type Notice, warning } from './notice.ts';
import { tapMtu } from './tap-mtu.ts';
import { TapWatch } from './tap-watch.ts';
import type { BridgePortView } from './view.ts';

export class TunnelTap {
  readonly opened: OpenTap;
  #config: TapConfig;
  /** What the LAN may send. */
  #mtu: number;
  #watch: TapWatch;
  readonly #port: BridgePort;

  /** `carried`: what the tunnel carries; `place` is where the configuration names it (`tunnels[0].tap`). Throws L2vpnError. */
  constructor(config: TapConfig, mac: string, carried: number, place: string) {
    this.#config = config;
    this.#mtu = tapMtu(config, carried);
    this.#port = new BridgePort(portSettings(config), place);
    const settings = { ...config, mac, mtu: this.#mtu, carrier: config.carrier === 'up' };
    this.opened = openTap(settings, place, (ifindex) => this.#port.joined(ifindex));
    this.#watch = this.#newWatch(config.ifname);
  }

  get ifindex(): number {
    return this.opened.ifindex;
  }

  /** As it is called now. */
  get ifname(): string {
    return this.#watch.ifname;
  }

  get mac(): string {
    return this.opened.mac;
  }

  get mtu(): number {
    return this.#mtu;
  }

  /** It can be what `config` wants: neither name, address nor queues are others. */
  takes({ ifname, mac, queues }: TapConfig): boolean {
    const was = this.#config;
    return ifname === was.ifname && mac === was.mac && queues === was.queues;
  }

  /** As `change`, by a tunnel that gets it of another one; its carrier is as if it were new. */
  adopt(config: TapConfig, carried: number, place: string): void {
    const was = this.#config.carrier;
    this.change(config, carried, place);
    if (was !== 'up' || config.carrier !== 'up') setCarrier(this.opened.fds[0]!, config.carrier === 'up');
  }

  /** MTU, bridge and port as `config` has them. Throws L2vpnError; what it was before brings it back. */
  change(config: TapConfig, carried: number, place: string): void {
    const { ifname } = this;
    const [mtu, was] = [tapMtu(config, carried), this.#config];
    if (mtu !== this.#mtu) changeTapMtu(ifname, mtu, place);
    this.#mtu = mtu;
    if (config.bridge !== was.bridge) this.#move(was.bridge, config, place);
    else this.#port.change(portSettings(config));
    this.#config = config;
    this.#watch = this.#newWatch(ifname);
  }

  /** Throws L2vpnError, with everything as it was. */
  changePort(settings: PortSettings): void {
    this.#port.change(settings);
    this.#config = { ...this.#config, ...settings };
  }

  /** Where somebody has taken it out of its bridge. */
  joinAgain(): void {
    this.#watch.forgive();
  }

  /** Null: it is to be in no bridge. */
  get bridgePort(): BridgePortView | null {
    const { membership } = this.#watch;
    return membership === null ? null : { membership, info: this.#portInfo() };
  }

  /** Frames that were not fetched in time; null: the kernel does not say. */
  get queueDrops(): number | null {
    return txDropped(this.ifindex);
  }

  look(): Notice[] {
    return [...this.#watch.look(), ...this.#port.look()];
  }

  close(): void {
    closeFds([...new Set([...this.opened.fds, this.opened.writeFd])]);
  }

  #move(from: string | null, config: TapConfig, place: string): void {
    moveTap(this.ifname, from, config.bridge, place);
    this.#port.left(portSettings(config));
    if (config.bridge !== null) this.#port.joined(this.ifindex);
  }

  #portInfo(): BridgePortInfo | null {
    try {
      return this.#port.info;
    } catch {
      // No descriptor for the question, say.
      return null;
    }
  }

  #joinedAgain(ifindex: number): Notice[] {
    try {
      this.#port.joined(ifindex);
      return [];
    } catch (error) {
      return [warning(messageOf(error))];
    }
  }

  #newWatch(ifname: string): TapWatch {
    const { bridge } = this.#config;
    const tap = { ifname, ifindex: this.ifindex, mtu: this.#mtu, bridge };
    return new TapWatch(tap, (ifindex) => this.#joinedAgain(ifindex));
  }
}
