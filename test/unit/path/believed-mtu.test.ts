/** How long ICMP is believed (RFC 1191, RFC 8201 4), and down to what. */
import { describe, expect, it } from 'vitest';
import { BelievedMtu, claimedMtu } from '../../../src/path/believed-mtu.ts';

const claim = (octets: number, proof: 'proven' | 'plausible' = 'proven') => ({
  octets,
  proof,
  from: '1.1.1.254',
});

describe('a believed MTU', () => {
  it('holds for ten minutes where it is proven, for two where it is not', () => {
    for (const [proof, ms] of [
      ['proven', 600_000],
      ['plausible', 120_000],
    ] as const) {
      const believed = new BelievedMtu();
      expect(believed.take(claim(1400, proof), 1500, 0)).toBe(true);
      expect(believed.expire(ms - 1)).toBe(false);
      expect(believed.claim?.octets).toBe(1400);
      expect(believed.expire(ms)).toBe(true);
      expect(believed.claim).toBeNull();
    }
  });

  it('goes down, not up, and not below 1280 octets', () => {
    const believed = new BelievedMtu();
    expect(believed.take(claim(1400), 1500, 0)).toBe(true);
    expect(believed.take(claim(1450), 1400, 0)).toBe(false);
    expect(believed.take(claim(1279), 1400, 0)).toBe(false);
    expect(believed.take(claim(1280), 1400, 0)).toBe(true);
    expect(believed.claim?.octets).toBe(1280);
  });

  it('holds longer when a proof comes, and no shorter for hearsay', () => {
    const believed = new BelievedMtu();
    believed.take(claim(1400, 'plausible'), 1500, 0);
    expect(believed.take(claim(1400, 'proven'), 1400, 1000)).toBe(false);
    expect(believed.take(claim(1400, 'plausible'), 1400, 2000)).toBe(false);
    expect(believed.expire(600_999)).toBe(false);
    expect(believed.expire(601_000)).toBe(true);
  });

  it('does not become what the own link carries anyway', () => {
    expect(new BelievedMtu().take(claim(1500), 1500, 0)).toBe(false);
  });
});

describe('the MTU of a router that names none (RFC 1191 7)', () => {
  it.each([
    [1500, 1492],
    [1492, 1280],
    [1300, 1280],
    [9000, 8166],
  ])('a packet of %i octets: %i', (totalLen, octets) => {
    expect(claimedMtu(0, totalLen)).toBe(octets);
    expect(claimedMtu(1400, totalLen)).toBe(1400);
  });
});
