/**
 * What somebody else does to a TAP while it runs: renames it, sets it down, changes its MTU, takes its bridge away, or it
 * out of its bridge. All of it is told, each once; only a lost bridge is mended, as soon as it is there again: `ifdown` and
 * `ifup` of a bridge make a new one, and nobody else would put the TAP in. A TAP that was taken out of a bridge that is still
 * there stays out, as somebody has wanted it so.
 */
import { errnoName, messageOf } from '../errors.ts';
import { addToBridge, type LinkState, linkIndex, linkState } from '../host/link.ts';
import { type Notice, news, warning } from './notice.ts';

/** Who knows the links of this host. */
export interface Links {
  state(index: number): LinkState | null;
  index(ifname: string): number;
  join(bridge: string, ifname: string): void;
}

const KERNEL: Links = { state: linkState, index: linkIndex, join: addToBridge };

/** The TAP as it was made. */
export interface WatchedTap {
  readonly ifname: string;
  readonly ifindex: number;
  readonly mtu: number;
  /** That it was put into; null: none. */
  readonly bridge: string | null;
}

/** `taken`: out of the bridge, by somebody's wish; `waiting`: for the bridge. */
export type Membership = 'joined' | 'waiting' | 'elsewhere' | 'taken';

export class TapWatch {
  readonly #tap: WatchedTap;
  readonly #links: Links;
  #ifname: string;
  #mtu: number;
  #up = true;
  /** How often in a row it was not there. One that was deleted takes its lane with it, and the tunnel is closed. */
  #missed = 0;
  /** Index of its bridge, when it was seen there last. */
  #bridgeIndex: number;
  #membership: Membership = 'joined';
  readonly #joined: (ifindex: number) => Notice[];

  /** `joined`: it has become a port of its bridge again, of which the kernel knows nothing yet. */
  constructor(tap: WatchedTap, joined: (ifindex: number) => Notice[] = () => [], links: Links = KERNEL) {
    this.#tap = tap;
    this.#joined = joined;
    this.#links = links;
    this.#bridgeIndex = tap.bridge === null ? 0 : links.index(tap.bridge);
    this.#ifname = tap.ifname;
    this.#mtu = tap.mtu;
  }

  /** What it is called now. */
  get ifname(): string {
    return this.#ifname;
  }

  /** Null: it is to be in no bridge. */
  get membership(): Membership | null {
    return this.#tap.bridge === null ? null : this.#membership;
  }

  /** A TAP that was taken out joins its bridge again at the next look. */
  forgive(): void {
    if (this.#membership === 'taken') this.#bridgeIndex = 0;
  }

  /** What is new since the last look. Throws SystemError where the kernel cannot be asked. */
  look(): Notice[] {
    const state = this.#links.state(this.#tap.ifindex);
    if (state === null) return this.#miss();
    this.#missed = 0;
    return [
      ...this.#lookAtName(state),
      ...this.#lookAtFlag(state),
      ...this.#lookAtMtu(state),
      ...this.#lookAtBridge(state),
    ];
  }

  #miss(): Notice[] {
    this.#missed++;
    if (this.#missed !== 2) return [];
    return [warning(`TAP ${this.#ifname} is in this network namespace no more: moved by somebody`)];
  }

  #lookAtName({ ifname }: LinkState): Notice[] {
    if (ifname === this.#ifname) return [];
    const before = this.#ifname;
    this.#ifname = ifname;
    return [warning(`TAP ${before} is called ${ifname} now: renamed by somebody`)];
  }

  #lookAtFlag({ up }: LinkState): Notice[] {
    if (up === this.#up) return [];
    this.#up = up;
    const set = `"ip link set ${this.#ifname} up"`;
    if (up) return [news(`TAP ${this.#ifname} is up again`)];
    return [
      warning(`TAP ${this.#ifname} is down: set down by somebody; frames are carried again after ${set}`),
    ];
  }

  #lookAtMtu({ mtu }: LinkState): Notice[] {
    if (mtu === this.#mtu) return [];
    const before = this.#mtu;
    this.#mtu = mtu;
    return [warning(`the MTU of TAP ${this.#ifname} is ${mtu} now, not ${before}: changed by somebody`)];
  }

  #lookAtBridge({ master }: LinkState): Notice[] {
    const { bridge } = this.#tap;
    if (bridge === null) return [];
    if (master === 0) return this.#isTaken(bridge) ? this.#takenOut(bridge) : this.#join(bridge);
    if (master !== this.#bridgeIndex && master !== this.#links.index(bridge)) {
      return this.#become('elsewhere', () => {
        const other = this.#links.state(master)?.ifname ?? `interface ${master}`;
        return warning(`TAP ${this.#ifname} is in ${other}, not in bridge ${bridge}: moved by somebody`);
      });
    }
    // It has been made anew, and somebody was faster than we.
    const isNew = this.#membership !== 'joined' || master !== this.#bridgeIndex;
    this.#bridgeIndex = master;
    const told = this.#become('joined', () => news(`TAP ${this.#ifname} is in bridge ${bridge} again`));
    return isNew ? [...told, ...this.#joined(this.#tap.ifindex)] : told;
  }

  /** The bridge that it was in is still there. */
  #isTaken(bridge: string): boolean {
    return this.#bridgeIndex !== 0 && this.#links.index(bridge) === this.#bridgeIndex;
  }

  #takenOut(bridge: string): Notice[] {
    const back = `"ip link set ${this.#ifname} master ${bridge}"`;
    return this.#become('taken', () =>
      warning(
        `TAP ${this.#ifname} was taken out of bridge ${bridge} by somebody: it stays out until ${back}, a reload or a restart`,
      ),
    );
  }

  #join(bridge: string): Notice[] {
    try {
      this.#links.join(bridge, this.#ifname);
    } catch (error) {
      const errno = errnoName(error);
      // Somebody was faster, or the TAP went: the next look tells.
      if (errno === 'EBUSY') return [];
      const why = errno === 'ENODEV' ? 'is gone' : `does not take it (${messageOf(error)})`;
      return this.#become('waiting', () =>
        warning(`TAP ${this.#ifname} is in no bridge: ${bridge} ${why}; joined again when it is there`),
      );
    }
    this.#bridgeIndex = this.#links.index(bridge);
    this.#membership = 'joined';
    return [
      warning(`TAP ${this.#ifname} was in bridge ${bridge} no more: joined again`),
      ...this.#joined(this.#tap.ifindex),
    ];
  }

  /** A notice where that is not so already. */
  #become(membership: Membership, notice: () => Notice): Notice[] {
    if (this.#membership === membership) return [];
    this.#membership = membership;
    return [notice()];
  }
}
