/** Tunnels that are down: tried again, later and later, but not once a reload or the stop has forgotten them. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TunnelConfig } from '../../../src/config/types.ts';
import { type DownTunnel, DownTunnels, downSnapshot } from '../../../src/daemon/down-tunnels.ts';
import { L2vpnError } from '../../../src/errors.ts';

const CONFIG = { name: 'site2', tap: { ifname: 'macsec1' }, macsec: null } as TunnelConfig;

function downTunnels(bringUp: (down: DownTunnel) => Promise<boolean>) {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
  return { down: new DownTunnels(log, bringUp), lines };
}

describe('tunnels that are down', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are tried after 1, 2, 4 s … and a minute, with the reason of the last try, until one succeeds', async () => {
    const tries: number[] = [];
    let works = false;
    const { down, lines } = downTunnels(async () => {
      tries.push(Date.now());
      if (!works) throw new Error('br0 is gone');
      return true;
    });
    const start = Date.now();
    down.add(CONFIG, 0, null, 'interface macsec1 was deleted');
    await vi.advanceTimersByTimeAsync(200_000);
    expect(tries.map((at) => (at - start) / 1000)).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
    expect(downSnapshot(down.get('site2')!)).toMatchObject({
      ...{ name: 'site2', ifname: 'macsec1', reason: 'br0 is gone', retry_seconds: 60 },
      since: new Date(start).toISOString(),
    });
    works = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(down.get('site2')).toBeNull();
    expect(lines[0]).toBe('tunnel down: interface macsec1 was deleted');
    expect(lines[1]).toBe('tunnel still down: br0 is gone');
    expect(lines.at(-1)).toBe('tunnel up again');
    await vi.advanceTimersByTimeAsync(600_000);
    expect(tries).toHaveLength(9);
  });

  it('whose turn comes after a reload has removed them are not up again, and nothing says so', async () => {
    let turn: () => void = () => {};
    const opened: string[] = [];
    const { down, lines } = downTunnels(async (one) => {
      await new Promise<void>((resolve) => {
        turn = resolve;
      });
      if (!down.isDown(one)) return false;
      opened.push(one.config.name);
      return true;
    });
    down.add(CONFIG, 0, null, 'gone');
    await vi.advanceTimersByTimeAsync(1000);
    expect(down.forget('site2')).toBe(CONFIG);
    turn();
    await vi.advanceTimersByTimeAsync(600_000);
    expect([opened, lines]).toEqual([[], ['tunnel down: gone']]);
  });

  it('that wait for something are looked for each second, which is said once', async () => {
    const missing = (): L2vpnError =>
      new L2vpnError('L2VPN_UNAVAILABLE', 'no such interface', { waitsFor: 'bridge br9' });
    const tries: number[] = [];
    let error: Error | null = missing();
    const { down, lines } = downTunnels(async () => {
      tries.push(Date.now());
      if (error !== null) throw error;
      return true;
    });
    const start = Date.now();
    down.await(CONFIG, 0, missing());
    await vi.advanceTimersByTimeAsync(5000);
    expect(tries.map((at) => (at - start) / 1000)).toEqual([1, 2, 3, 4, 5]);
    expect(downSnapshot(down.get('site2')!)).toMatchObject({
      reason: 'waiting for bridge br9',
      retry_seconds: 1,
    });
    error = new Error('it is no bridge');
    await vi.advanceTimersByTimeAsync(1000);
    error = null;
    await vi.advanceTimersByTimeAsync(2000);
    expect(lines).toEqual([
      'tunnel down: waiting for bridge br9: no such interface',
      'tunnel still down: it is no bridge',
      'tunnel up again',
    ]);
  });

  it('are not tried after the stop', async () => {
    const bringUp = vi.fn(async () => true);
    const { down } = downTunnels(bringUp);
    down.add(CONFIG, 0, null, 'gone');
    down.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(bringUp).not.toHaveBeenCalled();
  });
});
