/** All micro benchmarks of this machine. */
import type { AeadProvider } from '../../src/crypto/aead.ts';
import { batchProvider } from '../../src/crypto/batch-provider.ts';
import { nodeProvider } from '../../src/crypto/node-provider.ts';
import { loadAddon } from '../../src/native/load.ts';
import { type AllocationResult, measureAllocation } from './allocation.ts';
import { type MicroCase, type MicroPlan, type MicroResult, timeCase } from './bench.ts';
import { codecCases } from './codecs.ts';
import { laneCases } from './lanes.ts';
import { aeadCases, encapsulationCases, secyCases } from './stages.ts';

/** Octets of the frames: the smallest, a middling one, and what fills the reference tunnel less its Ethernet header. */
export const FRAME_LENS: readonly number[] = [64, 512, 1430];

/** Both providers, or `node` alone where this process gives no access to its OpenSSL. */
export function providers(): AeadProvider[] {
  const batch = batchProvider(loadAddon());
  return batch === null ? [nodeProvider] : [nodeProvider, batch];
}

export function runMicro(plan: MicroPlan, progress: (result: MicroResult) => void): MicroResult[] {
  const results: MicroResult[] = [];
  const time = (cases: readonly MicroCase[]): void => {
    for (const one of cases) {
      const result = timeCase(one, plan);
      progress(result);
      results.push(result);
    }
  };
  time(codecCases());
  for (const frameLen of FRAME_LENS) {
    time(encapsulationCases(frameLen));
    for (const provider of providers()) {
      time(aeadCases(frameLen, provider));
      time(secyCases(frameLen, provider));
      time(laneCases(frameLen, provider));
    }
    time(laneCases(frameLen, null));
  }
  return results;
}

export function runAllocation(): AllocationResult[] {
  return FRAME_LENS.flatMap((frameLen) =>
    providers().flatMap((provider) => measureAllocation(frameLen, provider)),
  );
}
