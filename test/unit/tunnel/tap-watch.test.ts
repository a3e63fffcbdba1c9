/** What somebody else does to a TAP: told once, and only a lost bridge is mended. */
import { describe, expect, it } from 'vitest';
import type { LinkState } from '../../../src/host/link.ts';
import { type Links, TapWatch } from '../../../src/tunnel/tap-watch.ts';

const TAP = { ifname: 'macsec1', ifindex: 7, mtu: 1430, bridge: 'br0' };

function errno(code: string): Error {
  return Object.assign(new Error(`ioctl SIOCBRADDIF br0: ${code}`), { code });
}

/** A host whose links are the test's to change: the TAP in br0, and another bridge. */
class Host implements Links {
  tap: LinkState | null = { ifname: 'macsec1', mtu: 1430, up: true, master: 3 };
  readonly bridges: Map<string, number> = new Map([
    ['br0', 3],
    ['br9', 9],
  ]);
  joinError: string | null = null;
  readonly joined: string[] = [];

  state(index: number): LinkState | null {
    if (index === 7) return this.tap;
    for (const [ifname, at] of this.bridges)
      if (at === index) return { ifname, mtu: 1500, up: true, master: 0 };
    return null;
  }
  index(ifname: string): number {
    return this.bridges.get(ifname) ?? 0;
  }
  join(bridge: string, ifname: string): void {
    if (this.joinError !== null) throw errno(this.joinError);
    if (!this.bridges.has(bridge)) throw errno('ENODEV');
    this.joined.push(`${ifname} to ${bridge}`);
    this.set({ master: this.index(bridge) });
  }
  set(changes: Partial<LinkState>): void {
    this.tap = { ...this.tap!, ...changes };
  }
}

function watched(bridge: string | null = 'br0') {
  const host = new Host();
  const ports: number[] = [];
  const joined = (ifindex: number): [] => {
    ports.push(ifindex);
    return [];
  };
  const watch = new TapWatch({ ...TAP, bridge }, joined, host);
  const look = (): string[] => watch.look().map(({ level, text }) => `${level}: ${text}`);
  expect(look()).toEqual([]);
  return { host, watch, look, ports };
}

/** Each of these once. */
function expectOnce(look: () => string[], ...texts: (string | RegExp)[]): void {
  expect(look()).toEqual(texts.map((text) => expect.stringMatching(text)));
  expect(look()).toEqual([]);
}

describe('a TAP', () => {
  it('that somebody sets down is told, and not set up; up again is told too', () => {
    const { host, look } = watched();
    host.set({ up: false });
    expectOnce(look, /^warn: TAP macsec1 is down: set down by somebody; .*ip link set macsec1 up/);
    expect(host.tap?.up).toBe(false);
    host.set({ up: true });
    expectOnce(look, /^info: TAP macsec1 is up again$/);
  });

  it('that is renamed is told by both names, and by the new one from then on', () => {
    const { host, watch, look } = watched();
    host.set({ ifname: 'lan5' });
    expectOnce(look, /^warn: TAP macsec1 is called lan5 now: renamed by somebody$/);
    expect(watch.ifname).toBe('lan5');
    host.set({ up: false });
    expectOnce(look, /^warn: TAP lan5 is down/);
    host.bridges.set('br0', 12);
    host.set({ master: 0 });
    expectOnce(look, /^warn: TAP lan5 was in bridge br0 no more: joined again$/);
    expect(host.joined).toEqual(['lan5 to br0']);
  });

  it('whose MTU is changed is told with both numbers', () => {
    const { host, look } = watched();
    host.set({ mtu: 1500 });
    expectOnce(look, /^warn: the MTU of TAP macsec1 is 1500 now, not 1430: changed by somebody$/);
  });

  it("that went is told at the second look: a deleted one is its lane's to tell", () => {
    const { host, look } = watched();
    host.tap = null;
    expect(look()).toEqual([]);
    expectOnce(look, /^warn: TAP macsec1 is in this network namespace no more/);
  });
});

describe('the bridge of a TAP', () => {
  it('that was made anew is joined again', () => {
    const { host, look, ports } = watched();
    host.bridges.set('br0', 12);
    host.set({ master: 0 });
    expectOnce(look, /^warn: TAP macsec1 was in bridge br0 no more: joined again$/);
    expect(host.tap?.master).toBe(12);
    // The kernel has forgotten what was set at the port.
    expect(ports).toEqual([7]);
  });

  it('that is gone is told once, and joined when it is back', () => {
    const { host, look } = watched();
    host.bridges.delete('br0');
    host.set({ master: 0 });
    expectOnce(look, /^warn: TAP macsec1 is in no bridge: br0 is gone; joined again when it is there$/);
    host.bridges.set('br0', 12);
    expectOnce(look, /^warn: .*joined again$/);
    expect(host.joined).toEqual(['macsec1 to br0']);
  });

  it('that does not take it is told with the reason', () => {
    const { host, look } = watched();
    host.joinError = 'EOPNOTSUPP';
    host.bridges.set('br0', 12);
    host.set({ master: 0 });
    expectOnce(look, /^warn: .*br0 does not take it \(ioctl SIOCBRADDIF br0: EOPNOTSUPP\)/);
  });

  it('that somebody else has put it into meanwhile is no fault', () => {
    const { host, look, ports } = watched();
    host.joinError = 'EBUSY';
    host.bridges.set('br0', 12);
    host.set({ master: 0 });
    expect(look()).toEqual([]);
    host.set({ master: 12 });
    expect(look()).toEqual([]);
    expect(ports).toEqual([7]);
  });

  it('that somebody has taken it out of is told once, and not joined again before a reload', () => {
    const { host, watch, look } = watched();
    host.set({ master: 0 });
    const back = 'until "ip link set macsec1 master br0", a reload or a restart';
    expectOnce(look, `warn: TAP macsec1 was taken out of bridge br0 by somebody: it stays out ${back}`);
    expect([host.joined, watch.membership]).toEqual([[], 'taken']);
    watch.forgive();
    expectOnce(look, /joined again$/);
    expect(watch.membership).toBe('joined');
  });

  it('that somebody has taken it out of and put back has to be told of the port', () => {
    const { host, look, ports } = watched();
    host.set({ master: 0 });
    look();
    host.set({ master: 3 });
    expectOnce(look, /^info: TAP macsec1 is in bridge br0 again$/);
    expect(ports).toEqual([7]);
  });

  it('that it was taken out of and that is made anew is joined', () => {
    const { host, look } = watched();
    host.set({ master: 0 });
    look();
    host.bridges.set('br0', 12);
    expectOnce(look, /joined again$/);
  });

  it('that is another one is told and left alone', () => {
    const { host, look } = watched();
    host.set({ master: 9 });
    expectOnce(look, /^warn: TAP macsec1 is in br9, not in bridge br0: moved by somebody$/);
    expect(host.joined).toEqual([]);
    host.set({ master: 3 });
    expectOnce(look, /^info: TAP macsec1 is in bridge br0 again$/);
  });

  it("is nobody's business where the configuration names none", () => {
    const { host, look } = watched(null);
    host.set({ master: 0 });
    expect(look()).toEqual([]);
    host.set({ master: 9 });
    expect(look()).toEqual([]);
  });
});
