/** What of a dynamic peer is stored: the number below which frames do not move it is always ahead of what has come. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LearnedEndpoint } from '../../../src/tunnel/learned-endpoint.ts';

const key = (octet: number) => createSecretKey(Buffer.alloc(16, octet));
const [OLD, NEW] = [key(1), key(2)];
const PEER = { address: '2.2.2.2', port: 4754 };
const on = (nextPn: number, sak = OLD) => ({ sak, nextPn: BigInt(nextPn) });

describe('where a peer is', () => {
  it('is due when it is learned, when it moves, and not in between', () => {
    const learned = new LearnedEndpoint();
    expect(learned.due(null, [on(1)])).toBeNull();
    expect(learned.due(PEER, [on(10)])).toMatchObject({ endpoint: { ...PEER, lowestPn: 164n } });
    expect(learned.due(PEER, [on(12)])).toBeNull();
    const moved = { ...PEER, port: 5000 };
    expect(learned.due(moved, [on(13)])).toMatchObject({ endpoint: { ...moved, lowestPn: 13n + 64n + 10n } });
    expect(learned.due(moved, [on(13)])).toBeNull();
  });

  it('is due again where it could not be stored', () => {
    const learned = new LearnedEndpoint();
    learned.due(PEER, [on(10)]);
    learned.failed();
    expect(learned.due(PEER, [on(10)])).not.toBeNull();
  });

  it('is stored with the number that is next as the tunnel closes', () => {
    const learned = new LearnedEndpoint();
    learned.due(PEER, [on(10)]);
    expect(learned.last(PEER, [on(500)])).toMatchObject({ endpoint: { ...PEER, lowestPn: 500n } });
    expect(learned.last(null, [on(500)])).toBeNull();
  });

  it('goes over to a new key with its frames, and back to none that is silent', () => {
    const learned = new LearnedEndpoint();
    expect(learned.due(PEER, [on(1000), on(1, NEW)])?.sak).toBe(OLD);
    expect(learned.due(PEER, [on(1001), on(5, NEW)])).toMatchObject({
      sak: NEW,
      endpoint: { lowestPn: 109n },
    });
    expect(learned.due(PEER, [on(1001), on(5, NEW)])).toBeNull();
  });
});

it('at rates up to any, and as they change by half, two seconds of frames are always below what is stored', () => {
  const rate = fc.integer({ min: 0, max: 300_000 });
  fc.assert(
    fc.property(
      rate,
      fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), { maxLength: 60 }),
      (first, changes) => {
        const learned = new LearnedEndpoint();
        let [nextPn, came, stored] = [1, first, 0n];
        learned.due(PEER, [on(nextPn)]);
        for (const change of changes) {
          came = Math.min(Math.max(Math.round(came * change), 0), 300_000);
          nextPn += came;
          stored = learned.due(PEER, [on(nextPn)])?.endpoint.lowestPn ?? stored;
          if (nextPn > 1) expect(Number(stored)).toBeGreaterThan(nextPn + 2 * came);
        }
      },
    ),
  );
});
