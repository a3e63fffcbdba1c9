/**
 * Octets that a batch of a lane leaves on V8's heap and outside it (Buffers, node:crypto's objects), per frame. The
 * heap is collected before each batch, so whatever is there after it was allocated by it. The readings themselves
 * cost something: that is measured over an empty function, and taken off.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AeadProvider } from '../../src/crypto/aead.ts';
import { median } from '../report/statistics.ts';
import { createLanePair } from './lanes.ts';

export interface AllocationResult {
  lane: 'transmit' | 'receive';
  provider: string;
  frameLen: number;
  heapOctetsPerFrame: number;
  externalOctetsPerFrame: number;
}

const WARMUP_BATCHES = 600;
const MEASURED_BATCHES = 40;

export function measureAllocation(frameLen: number, provider: AeadProvider): AllocationResult[] {
  const collect = exposeGc();
  const pair = createLanePair(frameLen, provider);
  let frames = 0;
  for (let i = 0; i < WARMUP_BATCHES; i++) {
    frames = pair.transmit();
    pair.receive();
  }
  const idle = readings(collect, () => undefined);
  const transmit: Reading[] = [];
  const receive: Reading[] = [];
  for (let i = 0; i < MEASURED_BATCHES; i++) {
    transmit.push(reading(collect, pair.transmit));
    receive.push(reading(collect, pair.receive));
  }
  pair.check();
  return (['transmit', 'receive'] as const).map((lane) => {
    const all = lane === 'transmit' ? transmit : receive;
    const perFrame = (pick: (one: Reading) => number): number =>
      Math.max(0, median(all.map(pick)) - median(idle.map(pick))) / frames;
    return {
      lane,
      provider: provider.name,
      frameLen,
      heapOctetsPerFrame: perFrame(({ heap }) => heap),
      externalOctetsPerFrame: perFrame(({ external }) => external),
    };
  });
}

interface Reading {
  heap: number;
  external: number;
}

function readings(collect: () => void, work: () => unknown): Reading[] {
  return Array.from({ length: MEASURED_BATCHES }, () => reading(collect, work));
}

function reading(collect: () => void, work: () => unknown): Reading {
  collect();
  const before = process.memoryUsage();
  work();
  const after = process.memoryUsage();
  return { heap: after.heapUsed - before.heapUsed, external: after.external - before.external };
}

/** `gc`, without the command line flag. */
function exposeGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
