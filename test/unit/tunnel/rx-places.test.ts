/** A channel's counters and key slots stay its own while it lives. */
import { describe, expect, it } from 'vitest';
import { RxPlaces } from '../../../src/tunnel/rx-places.ts';

describe('the places of receive channels', () => {
  it('stay, and a new channel gets the first that is free', () => {
    const places = new RxPlaces();
    const assign = (...scis: string[]): number[] => {
      places.assign(scis);
      return scis.map((sci) => places.of(sci));
    };
    expect(assign('a', 'b', 'c')).toEqual([0, 1, 2]);
    expect(assign('c', 'a')).toEqual([2, 0]);
    expect(places.has('b')).toBe(false);
    expect(() => places.of('b')).toThrow(/RxSC b has no place/);
    expect(assign('d', 'c', 'a')).toEqual([1, 2, 0]);
  });
});
