/** A raw socket as a port, over a socket pair: how many packets one call takes. */
import { afterEach, describe, expect, it } from 'vitest';
import { createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openPair } from '../../../src/host/pair.ts';
import { wrapRawSocket } from '../../../src/ports/raw-socket-port.ts';

const opened: number[] = [];
afterEach(() => closeFds(opened.splice(0)));

describe('receiving from a raw socket', () => {
  it.each([
    ['a burst after a lone packet', [1, 100]],
    ['a burst after many lone ones, and one after a burst', [1, 1, 1, 60, 1, 60]],
    ['as many as were expected, exactly', [8, 16, 32, 64]],
    ['nothing in between', [100, 0, 100]],
  ])('%s comes whole, in order, in one call', (_, bursts) => {
    const fds = openPair();
    opened.push(...fds);
    const [near, far] = [wrapRawSocket(fds[0]), wrapRawSocket(fds[1])];
    const out = createBatch(100);
    const into = createBatch(100);
    for (const burst of bursts) {
      resetBatch(out);
      for (let i = 0; i < burst; i++) {
        out.arena[out.at[i]!] = i;
        out.len[i] = 20 + i;
        out.verdict[i] = 0;
      }
      out.count = burst;
      expect(near.send(out, 0)).toBe(burst);
      resetBatch(into);
      expect(far.receive(into, into.capacity)).toBe(burst);
      const got = Array.from({ length: burst }, (_frame, i) => [into.arena[into.at[i]!], into.len[i]]);
      expect(got).toEqual(Array.from({ length: burst }, (_frame, i) => [i, 20 + i]));
    }
    near.close();
    far.close();
  });
});
