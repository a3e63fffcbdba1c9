/** All checks at once: what does not answer, what many tunnels are, and what is printed. */
import { describe, expect, it } from 'vitest';
import { examine, type Line } from '../../../src/doctor/examine.ts';
import { jsonOf, textOf } from '../../../src/doctor/format.ts';
import { contextOf, LINKS, seen } from './kit.ts';

const never = (): Promise<never> => new Promise(() => {});
const of = (lines: readonly Line[], check: string): Line[] => lines.filter((line) => line.check === check);

describe('a host on which nothing answers', () => {
  it('costs each check its deadline, and they run at the same time', async () => {
    const host = { run: never, roomOn: never, distrustOf: never, read: never, modeOf: never };
    const started = performance.now();
    const lines = await examine(contextOf({ host, tunnels: [seen(), seen({ name: 'two' })] }), 100);
    // A dozen checks, one after the other, would take that long.
    expect(performance.now() - started).toBeLessThan(1200);
    expect(of(lines, 'disk')).toMatchObject([
      { level: 'skipped', says: expect.stringMatching(/longer than 0\.1 s/) },
    ]);
    expect(of(lines, 'firewall')).toHaveLength(1);
    expect(of(lines, 'route')).toMatchObject([{ level: 'ok' }]);
  });

  it('is told of a check that fails itself', async () => {
    const links = () => {
      throw new Error('EMFILE');
    };
    const lines = await examine(contextOf({ host: { links }, tunnels: [seen()] }));
    expect(of(lines, 'tap')).toMatchObject([{ level: 'skipped', says: 'it could not be looked at: EMFILE' }]);
  });
});

describe('many tunnels', () => {
  const tunnels = Array.from({ length: 300 }, (_, i) => seen({ name: `t${i}` }));

  it('are one line where all is well, and one per tunnel where it is not', async () => {
    const lines = await examine(contextOf({ tunnels }));
    expect(of(lines, 'route')).toMatchObject([{ level: 'ok', tunnel: null, says: 'all 300 tunnels' }]);
    const down = { links: () => LINKS.map((one) => ({ ...one, isUp: one.ifname !== 'macsec1' })) };
    const some = of(await examine(contextOf({ tunnels: tunnels.slice(0, 3), host: down })), 'tap');
    expect(some.map(({ tunnel, level }) => `${tunnel} ${level}`)).toEqual([
      't0 fault',
      't1 fault',
      't2 fault',
    ]);
  });
});

describe('without a daemon', () => {
  it('nothing is said of what only a daemon knows', async () => {
    const lines = await examine(contextOf({ daemon: null, tunnels: [seen({ now: null })] }));
    for (const check of ['peer', 'frames', 'mtu', 'strangers', 'wrong-key'])
      expect(of(lines, check)).toEqual([]);
    expect(of(lines, 'route')).toHaveLength(1);
  });
});

const LINES: Line[] = [
  { check: 'tun', tunnel: null, level: 'ok', id: null, says: 'it is there', cause: null, remedy: null },
  {
    check: 'route',
    tunnel: 'site2',
    level: 'fault',
    id: 'noRoute',
    says: 'no route',
    cause: 'link down',
    remedy: 'ip link',
  },
];

describe('what is printed', () => {
  it('is a line each, and how many there are of which kind', () => {
    expect(textOf(LINES)).toBe(
      'ok     tun    it is there\n' +
        'fault  route  site2: no route: link down; ip link\n' +
        '1 fault, 0 warnings, 1 ok\n',
    );
  });

  it('as JSON has the worst, and all that a script may go by', () => {
    expect(jsonOf(LINES)).toMatchObject({ worst: 'fault', findings: [{ check: 'tun' }, { id: 'noRoute' }] });
  });
});
