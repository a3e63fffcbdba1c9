/** What is set at the TAP's port of its bridge: at each joining, by a reload, and back. */
import { describe, expect, it } from 'vitest';
import type { PortSettings } from '../../../src/config/types.ts';
import type { BridgePortInfo, PortVlan } from '../../../src/host/bridge-port.ts';
import { BridgePort, type Bridges } from '../../../src/tunnel/bridge-port.ts';
import { refusal } from '../config/sample.ts';

const UNSET: PortSettings = { isolated: false, stp: { cost: null, priority: null }, vlans: null };
const VLAN_10: PortVlan = { first: 10, last: 10, pvid: false, untagged: false };

/** A bridge of index 3 with the TAP 7 in it. */
class Kernel implements Bridges {
  info: BridgePortInfo = { isolated: false, cost: 100, priority: 32, state: 'forwarding' };
  filtersVlans = true;
  hasIsolation = true;
  refuses: string | null = null;
  readonly done: string[] = [];

  master(): number {
    return 3;
  }
  bridge() {
    return { filtersVlans: this.filtersVlans, defaultPvid: 1 };
  }
  port(): BridgePortInfo {
    return this.info;
  }
  isolate(_index: number, isolated: boolean): void {
    this.#do(`isolated ${isolated}`);
    if (this.hasIsolation) this.info = { ...this.info, isolated };
  }
  cost(_index: number, cost: number): void {
    this.#do(`cost ${cost}`);
  }
  priority(_index: number, priority: number): void {
    this.#do(`priority ${priority}`);
  }
  vlans(_index: number, vlans: readonly PortVlan[]): void {
    const texts = vlans.map(({ first, last, pvid }) => `${first}-${last}${pvid ? ' pvid' : ''}`);
    this.#do(`vlans ${texts.join()}`);
  }
  taken(): string[] {
    return this.done.splice(0);
  }
  #do(what: string): void {
    if (this.refuses !== null && what.startsWith(this.refuses))
      throw Object.assign(new Error(`rtnetlink ${what}: Operation not supported`), { code: 'EOPNOTSUPP' });
    this.done.push(what);
  }
}

function portOf(settings: Partial<PortSettings>) {
  const kernel = new Kernel();
  return { kernel, port: new BridgePort({ ...UNSET, ...settings }, 'tunnels[0].tap', kernel) };
}

describe('the port of a TAP', () => {
  it('without settings is left as the kernel makes it', () => {
    const { kernel, port } = portOf({});
    port.joined(7);
    expect(kernel.taken()).toEqual([]);
  });

  it('is set at each joining', () => {
    const { kernel, port } = portOf({ isolated: true, stp: { cost: 9, priority: 5 }, vlans: [VLAN_10] });
    const all = ['isolated true', 'cost 9', 'priority 5', 'vlans 10-10'];
    port.joined(7);
    expect(kernel.taken()).toEqual(all);
    kernel.info = { ...kernel.info, isolated: false };
    port.joined(7);
    expect(kernel.taken()).toEqual(all);
  });

  it('has what the kernel gave it when the settings go', () => {
    const { kernel, port } = portOf({ isolated: true, stp: { cost: 9, priority: 5 }, vlans: [VLAN_10] });
    kernel.info = { ...kernel.info, cost: 19 };
    port.joined(7);
    kernel.taken();
    port.change(UNSET);
    expect(kernel.taken()).toEqual(['isolated false', 'cost 19', 'priority 32', 'vlans 1-1 pvid']);
    port.change(UNSET);
    expect(kernel.taken()).toEqual([]);
  });

  it('keeps its settings for a bridge that it has not joined yet', () => {
    const { kernel, port } = portOf({});
    port.change({ ...UNSET, isolated: true });
    expect(kernel.taken()).toEqual([]);
    port.joined(7);
    expect(kernel.taken()).toEqual(['isolated true']);
  });

  it('a change that the kernel refuses is undone, and told by name', () => {
    const { kernel, port } = portOf({});
    port.joined(7);
    kernel.refuses = 'vlans';
    const error = refusal(() => port.change({ ...UNSET, isolated: true, vlans: [VLAN_10] }));
    expect(error.message).toMatch(/^tunnels\[0\]\.tap\.vlans: this kernel has no VLAN filtering of bridges/);
    expect(kernel.info.isolated).toBe(false);
    kernel.refuses = 'cost';
    const cost = refusal(() => port.change({ ...UNSET, stp: { cost: 7, priority: null } }));
    expect(cost.message).toMatch(/^tunnels\[0\]\.tap\.stp\.cost: refused \(rtnetlink cost 7/);
  });

  it('an old kernel that takes the isolation without a word is found out', () => {
    const { kernel, port } = portOf({ isolated: true });
    kernel.hasIsolation = false;
    const error = refusal(() => port.joined(7));
    expect(error.message).toMatch(/^tunnels\[0\]\.tap\.isolated: this kernel cannot isolate/);
  });

  it('VLANs on a bridge that does not filter are warned of once, and told when it does', () => {
    const { kernel, port } = portOf({ vlans: [VLAN_10] });
    port.joined(7);
    const look = (): string[] => port.look().map(({ level, text }) => `${level}: ${text}`);
    expect(look()).toEqual([]);
    kernel.filtersVlans = false;
    expect(look()).toEqual([
      expect.stringMatching(/^warn: tap\.vlans is of no effect: the bridge does not filter/),
    ]);
    expect(look()).toEqual([]);
    kernel.filtersVlans = true;
    expect(look()).toEqual(['info: the bridge filters VLANs: tap.vlans holds']);
  });
});
