/** The carrier of a TAP: gone at once, there after a while without a break, and told each time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Carrier } from '../../../src/tunnel/carrier.ts';
import type { Notice } from '../../../src/tunnel/notice.ts';

describe('the carrier of a TAP that follows the peer', () => {
  const set: boolean[] = [];
  const told: Notice[] = [];
  let carrier: Carrier;

  beforeEach(() => {
    vi.useFakeTimers();
    set.length = 0;
    told.length = 0;
    carrier = new Carrier(1000, (up) => void set.push(up));
    carrier.changed = (notice) => void told.push(notice);
  });
  afterEach(() => void vi.useRealTimers());

  it('comes when the peer has been there for the delay, once', () => {
    carrier.peerIs(true, '');
    vi.advanceTimersByTime(500);
    carrier.peerIs(true, '');
    vi.advanceTimersByTime(499);
    expect(set).toEqual([]);
    vi.advanceTimersByTime(1);
    carrier.peerIs(true, '');
    vi.advanceTimersByTime(5000);
    expect(set).toEqual([true]);
    expect(told).toEqual([{ level: 'info', text: 'carrier up: the peer is there' }]);
  });

  it('goes at once, with the reason', () => {
    carrier.peerIs(true, '');
    vi.advanceTimersByTime(1000);
    carrier.peerIs(false, 'nobody is live');
    carrier.peerIs(false, 'nobody is live');
    expect(set).toEqual([true, false]);
    expect(told.at(-1)).toEqual({ level: 'warn', text: 'carrier down: nobody is live' });
    expect(carrier).toMatchObject({ isUp: false, reason: 'nobody is live' });
  });

  it('does not come for a peer that comes and goes faster than the delay', () => {
    for (let i = 0; i < 20; i++) {
      carrier.peerIs(i % 2 === 0, '');
      vi.advanceTimersByTime(900);
    }
    expect(set).toEqual([]);
  });

  it('says what the kernel refuses, and is what it was', () => {
    const refusing = new Carrier(0, () => {
      throw new Error('EBADFD');
    });
    refusing.changed = (notice) => void told.push(notice);
    refusing.peerIs(true, '');
    vi.advanceTimersByTime(0);
    expect(refusing.isUp).toBe(false);
    expect(told).toEqual([{ level: 'warn', text: 'the carrier cannot be set up: EBADFD' }]);
  });

  it('is left as it is when the tunnel is closed', () => {
    carrier.peerIs(true, '');
    carrier.close();
    vi.advanceTimersByTime(5000);
    expect(set).toEqual([]);
  });
});
