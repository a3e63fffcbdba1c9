/** Counters by their names. */
import type { Counters } from '../api/counters.ts';

/** The `values` from `at` on, one per name. */
export function named(names: readonly string[], values: Float64Array, at: number): Counters {
  return Object.fromEntries(names.map((name, i) => [name, values[at + i]!]));
}
