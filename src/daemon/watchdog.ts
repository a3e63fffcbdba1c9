/**
 * The service manager's watchdog (`man 3 sd_watchdog_enabled`). It is fed by the main thread, and only while every worker
 * turns too: a daemon that is stopped, or of which one thread hangs, is killed and started anew.
 */
import type { Logger } from 'pino';

/** Looks per watchdog time: a worker has at least two of them to come round before the manager loses patience. */
const LOOKS = 4;

/** How long this process may go without a sign of life, or null: it is not watched. */
export function watchdogMs(env: NodeJS.ProcessEnv = process.env): number | null {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return null;
  const usec = Number(WATCHDOG_USEC);
  return Number.isSafeInteger(usec) && usec > 0 ? usec / 1000 : null;
}

export interface Watched {
  /** Those of the workers that have not turned since the last call, by number; asks all of them to turn. */
  stuckWorkers(): number[];
  /** A sign of life to the service manager. */
  feed(): void;
}

/** Begins; returns what ends it. */
export function startWatchdog(periodMs: number, watched: Watched, log: Logger): () => void {
  let told = '';
  const look = (): void => {
    const stuck = watched.stuckWorkers().join(', ');
    if (stuck === '') watched.feed();
    else if (stuck !== told) log.error(sayStuck(stuck, periodMs));
    if (stuck === '' && told !== '') log.warn('all worker threads turn again');
    told = stuck;
  };
  // What was asked for here is looked at in the first turn of the timer.
  watched.stuckWorkers();
  watched.feed();
  const timer = setInterval(look, periodMs / LOOKS);
  return () => clearInterval(timer);
}

function sayStuck(stuck: string, periodMs: number): string {
  const seconds = periodMs / 1000;
  return `worker thread ${stuck} does not turn: its tunnels carry nothing; the service manager restarts l2vpnd when that lasts ${seconds} s`;
}
