/** The TAP of a tunnel: made once, and changed while everything before and behind it is exchanged. */
import type { TapConfig } from '../config/types.ts';
import { closeFds } from '../host/close.ts';
import { changeTapMtu, moveTap, type OpenTap, openTap, setCarrier } from '../host/tap.ts';
import type { Notice } from './notice.ts';
import { tapMtu } from './tap-mtu.ts';
import { TapWatch } from './tap-watch.ts';

export class TunnelTap {
  readonly opened: OpenTap;
  #config: TapConfig;
  /** What the LAN may send. */
  #mtu: number;
  #watch: TapWatch;

  /** `carried`: what the tunnel carries; `place` is where the configuration names it (`tunnels[0].tap`). Throws L2vpnError. */
  constructor(config: TapConfig, mac: string, carried: number, place: string) {
    this.#config = config;
    this.#mtu = tapMtu(config, carried);
    this.opened = openTap({ ...config, mac, mtu: this.#mtu, carrier: config.carrier === 'up' }, place);
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

  /** MTU and bridge as `config` has them. Throws L2vpnError; what it was before brings it back. */
  change(config: TapConfig, carried: number, place: string): void {
    const { ifname } = this;
    const [mtu, was] = [tapMtu(config, carried), this.#config];
    if (mtu !== this.#mtu) changeTapMtu(ifname, mtu, place);
    this.#mtu = mtu;
    if (config.bridge !== was.bridge) moveTap(ifname, was.bridge, config.bridge, place);
    this.#config = config;
    this.#watch = this.#newWatch(ifname);
  }

  look(): Notice[] {
    return this.#watch.look();
  }

  close(): void {
    closeFds([...new Set([...this.opened.fds, this.opened.writeFd])]);
  }

  #newWatch(ifname: string): TapWatch {
    const { bridge } = this.#config;
    return new TapWatch({ ifname, ifindex: this.ifindex, mtu: this.#mtu, bridge });
  }
}
