/** Counters as the control protocol has them. */

/** By name. */
export type Counters = Record<string, number>;
