/** Figures as the page writes them. */
import { describe, expect, it } from 'vitest';
import { bitRate, duration, percent } from '../../../web/src/format.ts';

describe('figures', () => {
  it.each([
    [null, '–'],
    [0, '0 bit/s'],
    [999, '999 bit/s'],
    [1000, '1.00 kbit/s'],
    [12_345, '12.3 kbit/s'],
    [999_600, '1.00 Mbit/s'],
    [5_300_000_000, '5.30 Gbit/s'],
  ])('%s is %s', (bits, text) => {
    expect(bitRate(bits)).toBe(text);
  });

  it.each([
    [0.000_25, '250 µs'],
    [0.0123, '12.3 ms'],
    [5.4, '5 s'],
    [65, '1 min 5 s'],
    [3600, '1 h'],
    [90_061, '1 d 1 h'],
    [40_000_000_000, '1,268 years'],
  ])('%d s are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [null, '–'],
    [0, '0 %'],
    [0.0002, '0.02 %'],
    [0.015, '1.50 %'],
    [0.2, '20.0 %'],
  ])('%s is %s', (ratio, text) => {
    expect(percent(ratio)).toBe(text);
  });
});
