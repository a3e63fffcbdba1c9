/**
 * The highest rate of small datagrams that a tunnel carries without loss, found by bounded search (the idea of
 * RFC 2544 §26.1): go up until a trial loses, then halve the interval between the best rate that passed and the
 * lowest that failed. A failed trial is repeated once before it is believed: one hiccup of the machine is no limit of
 * the tunnel. The rate reported is one that was measured: what arrived in the best passing trial.
 */
import type { Topology } from '../../lab/topology.ts';
import { runUdp } from './iperf.ts';

export interface UdpPlan {
  /** Octets of a datagram. */
  payload: number;
  /** Of each trial. */
  seconds: number;
  /** Trials of one search at most. */
  trials: number;
  /** Largest share of datagrams that may be missing. */
  tolerance: number;
}

export interface UdpRate {
  payload: number;
  /** Of the best trial that passed; 0 when none did. */
  framesPerSecond: number;
  /** Its loss, 0–1. */
  loss: number;
  trials: number;
  /** The sender could not offer more, or the trials ran out: the tunnel may carry more than this. */
  openEnded: boolean;
}

const FIRST_RATE = 40_000;
/** The search ends when what failed is no further above what passed. */
const RESOLUTION = 0.05;
/** While nothing has failed. From a hint a step of this leads over its spread soon. */
const GROWTH = 1.6;

/** `hint`: a rate that an earlier round found, to begin with. */
export async function searchUdpRate(
  topology: Topology,
  plan: UdpPlan,
  hint: number = FIRST_RATE,
): Promise<UdpRate> {
  const best: UdpRate = { payload: plan.payload, framesPerSecond: 0, loss: 0, trials: 0, openEnded: true };
  let passed = 0;
  let failed = Number.POSITIVE_INFINITY;
  let rate = hint;
  while (best.trials < plan.trials && failed - passed > passed * RESOLUTION) {
    let trial = await runUdp(topology, plan.payload, rate, plan.seconds);
    best.trials++;
    if (trial.loss > plan.tolerance) {
      trial = await runUdp(topology, plan.payload, rate, plan.seconds);
      best.trials++;
    }
    if (trial.loss <= plan.tolerance) {
      if (trial.arrived > best.framesPerSecond) {
        best.framesPerSecond = trial.arrived;
        best.loss = trial.loss;
      }
      if (trial.offered < rate * 0.9) return best;
      passed = Math.max(passed, trial.offered);
    } else {
      best.openEnded = false;
      failed = Math.min(failed, trial.offered, rate);
    }
    rate = failed === Number.POSITIVE_INFINITY ? rate * GROWTH : (passed + failed) / 2;
  }
  return best;
}
