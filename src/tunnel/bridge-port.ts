/**
 * The TAP as a port of its bridge: isolation, STP cost and priority, VLANs. The kernel forgets them whenever the TAP leaves a
 * bridge, so they are set at each joining; a reload changes them while it runs.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PortSettings, TapConfig } from '../config/types.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import {
  type BridgeInfo,
  type BridgePortInfo,
  bridgeInfo,
  bridgePortInfo,
  type PortStp,
  type PortVlan,
  setCost,
  setIsolated,
  setPriority,
  setVlans,
} from '../host/bridge-port.ts';
import { linkState } from '../host/link.ts';
import { type Notice, news, warning } from './notice.ts';

/** Who knows the bridges of this host. */
export interface Bridges {
  /** Index of the bridge that a link is a port of; 0: of none. */
  master(index: number): number;
  bridge(index: number): BridgeInfo | null;
  port(index: number): BridgePortInfo | null;
  isolate(index: number, isolated: boolean): void;
  cost(index: number, cost: number): void;
  priority(index: number, priority: number): void;
  vlans(index: number, vlans: readonly PortVlan[]): void;
}

const KERNEL: Bridges = {
  master: (index) => linkState(index)?.master ?? 0,
  bridge: bridgeInfo,
  port: bridgePortInfo,
  isolate: setIsolated,
  cost: setCost,
  priority: setPriority,
  vlans: setVlans,
};

/** As the kernel makes a port. */
const UNSET: PortSettings = { isolated: false, stp: { cost: null, priority: null }, vlans: null };
/** What a port has of which the kernel tells nothing; which cost a TAP has depends on the kernel. */
const KERNEL_STP: PortStp = { cost: 100, priority: 32 };

/** What of a TAP's configuration is set at its port. */
export function portSettings({ isolated, stp, vlans }: TapConfig): PortSettings {
  return { isolated, stp, vlans };
}

/** What a port has come to. */
export interface HandedPort {
  readonly index: number;
  readonly kernelStp: PortStp;
}

export class BridgePort {
  readonly #place: string;
  readonly #bridges: Bridges;
  #settings: PortSettings;
  /** 0: it has joined no bridge. */
  #index = 0;
  /** As the kernel had it when it joined. */
  #kernelStp: PortStp = KERNEL_STP;
  /** That VLANs are of no effect is told once. */
  #filters = true;

  /** `place` is where the configuration names the TAP (`tunnels[0].tap`). */
  constructor(settings: PortSettings, place: string, bridges: Bridges = KERNEL) {
    this.#settings = settings;
    this.#place = place;
    this.#bridges = bridges;
  }

  /** As the kernel has it now; null: it is in no bridge. Throws SystemError. */
  get info(): BridgePortInfo | null {
    return this.#index === 0 ? null : this.#bridges.port(this.#index);
  }

  /** For another process, which goes on with the TAP. */
  get handed(): HandedPort {
    return { index: this.#index, kernelStp: this.#kernelStp };
  }

  /** The TAP is the port that it was in another process, with the settings that this was made with. */
  goOn({ index, kernelStp }: HandedPort): void {
    this.#index = index;
    this.#kernelStp = kernelStp;
  }

  /** The TAP `index` has just become a port: nothing is set at it. Throws L2vpnError where the kernel refuses. */
  joined(index: number): void {
    this.#index = index;
    const { cost, priority } = this.#bridges.port(index) ?? KERNEL_STP;
    this.#kernelStp = { cost, priority };
    this.#set(UNSET, this.#settings);
  }

  /** It is in no bridge any more; `settings` are for the next one. */
  left(settings: PortSettings): void {
    this.#index = 0;
    this.#settings = settings;
  }

  /** Other settings while it runs. Throws L2vpnError, with everything as it was. */
  change(settings: PortSettings): void {
    const was = this.#settings;
    try {
      // Out of the bridge it has nothing to set: the next joining does it.
      if (this.info !== null) this.#set(was, settings);
    } catch (error) {
      this.#setBack(settings, was);
      throw error;
    }
    this.#settings = settings;
  }

  /** What is new since the last look. Throws SystemError. */
  look(): Notice[] {
    if (this.#index === 0 || this.#settings.vlans === null) return [];
    const bridge = this.#bridges.bridge(this.#bridges.master(this.#index));
    if (bridge === null || bridge.filtersVlans === this.#filters) return [];
    this.#filters = bridge.filtersVlans;
    if (bridge.filtersVlans) return [news('the bridge filters VLANs: tap.vlans holds')];
    return [
      warning(
        'tap.vlans is of no effect: the bridge does not filter VLANs; "ip link set BRIDGE type bridge vlan_filtering 1" makes it',
      ),
    ];
  }

  #set(was: PortSettings, now: PortSettings): void {
    const index = this.#index;
    if (now.isolated !== was.isolated) this.#isolate(now.isolated);
    this.#setStp('cost', was, now, (cost) => this.#bridges.cost(index, cost));
    this.#setStp('priority', was, now, (priority) => this.#bridges.priority(index, priority));
    if (isDeepStrictEqual(was.vlans, now.vlans)) return;
    this.#trying('vlans', NO_VLANS, () => this.#bridges.vlans(index, now.vlans ?? this.#kernelVlans()));
  }

  #setBack(now: PortSettings, was: PortSettings): void {
    try {
      this.#set(now, was);
    } catch {
      // The first error is the one to tell.
    }
  }

  /** A kernel that does not know the attribute takes it without a word. */
  #isolate(isolated: boolean): void {
    this.#trying('isolated', NO_ISOLATION, () => this.#bridges.isolate(this.#index, isolated));
    if ((this.#bridges.port(this.#index)?.isolated ?? isolated) === isolated) return;
    throw new L2vpnError('L2VPN_UNAVAILABLE', `${this.#place}.isolated: ${NO_ISOLATION}`);
  }

  #setStp(
    name: 'cost' | 'priority',
    was: PortSettings,
    now: PortSettings,
    set: (value: number) => void,
  ): void {
    const [before, wanted] = [was, now].map(({ stp }) => stp[name] ?? this.#kernelStp[name]);
    if (wanted !== before) this.#trying(`stp.${name}`, '', () => set(wanted!));
  }

  /** Those that a port is in without any setting. */
  #kernelVlans(): PortVlan[] {
    const vid = this.#bridges.bridge(this.#bridges.master(this.#index))?.defaultPvid ?? 0;
    return vid === 0 ? [] : [{ first: vid, last: vid, pvid: true, untagged: true }];
  }

  #trying(field: string, unsupported: string, step: () => void): void {
    try {
      step();
    } catch (cause) {
      const errno = errnoName(cause);
      const why =
        errno === 'EOPNOTSUPP' && unsupported !== '' ? unsupported : `refused (${messageOf(cause)})`;
      throw new L2vpnError('L2VPN_UNAVAILABLE', `${this.#place}.${field}: ${why}`, { cause });
    }
  }
}

const NO_VLANS =
  'this kernel has no VLAN filtering of bridges (CONFIG_BRIDGE_VLAN_FILTERING); remove the setting or take another kernel';
const NO_ISOLATION =
  'this kernel cannot isolate the ports of a bridge (Linux 4.18 can); remove the setting or take another kernel';
