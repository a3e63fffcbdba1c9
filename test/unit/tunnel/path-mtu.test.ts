/** Whom a tunnel believes what the path carries. */
import { describe, expect, it } from 'vitest';
import type { GreConfig } from '../../../src/encap/config.ts';
import { LEAST_BELIEVED, type MtuSource, PathMtu } from '../../../src/tunnel/path-mtu.ts';

const GRE = { local: '1.1.1.1', remote: '2.2.2.2', df: true } as GreConfig;

/** A host whose MTUs are the test's to change. */
class Host implements MtuSource {
  routeMtu: number | null = 1500;
  linkMtu = 1500;
  route(): number | null {
    return this.routeMtu;
  }
  link(): number {
    return this.linkMtu;
  }
}

describe('what a path is believed to carry', () => {
  it.each([1499, 1400, LEAST_BELIEVED])('%i octets: believed, told once', (octets) => {
    const host = new Host();
    const path = new PathMtu(GRE, 'gre', host);
    host.routeMtu = octets;
    expect(path.refresh()).toEqual({ octets, believed: true });
    expect(path.octets).toBe(octets);
    expect(path.refresh()).toBeNull();
  });

  it.each([LEAST_BELIEVED - 1, 552, 68])('%i octets: not believed, told once', (octets) => {
    const host = new Host();
    const path = new PathMtu(GRE, 'gre', host);
    host.routeMtu = octets;
    expect(path.refresh()).toEqual({ octets, believed: false });
    expect(path.octets).toBe(1500);
    expect(path.refresh()).toBeNull();
    host.routeMtu = 1500;
    expect(path.refresh()).toBeNull();
    host.routeMtu = octets;
    expect(path.refresh()).toEqual({ octets, believed: false });
  });

  it('a link of our own that carries less is believed', () => {
    const host = new Host();
    const path = new PathMtu(GRE, 'gre', host);
    Object.assign(host, { routeMtu: 1000, linkMtu: 1000 });
    expect(path.refresh()).toEqual({ octets: 1000, believed: true });
  });

  it('what was forged before the start is not believed either, and told with the first look', () => {
    const host = new Host();
    host.routeMtu = 552;
    const path = new PathMtu(GRE, 'gre', host);
    expect(path.octets).toBe(1500);
    expect(path.refresh()).toEqual({ octets: 552, believed: false });
  });

  it('stays as it was while there is no route', () => {
    const host = new Host();
    const path = new PathMtu(GRE, 'gre', host);
    host.routeMtu = null;
    expect(path.refresh()).toBeNull();
    expect(path.octets).toBe(1500);
  });
});
