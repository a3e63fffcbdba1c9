/**
 * Signals, from the first line of our code on. `holdSignals` comes before the program is loaded: what arrives
 * while nobody knows yet what to do about it is remembered. A daemon takes them over with `takeSignals`; every
 * other command hands them back with `releaseSignals`, and ends as any program does.
 *
 * SIGUSR1 makes node open its debugger at 127.0.0.1:9229, where any user of the host may run code as the daemon's.
 * A listener takes the place of node's own handler, in every thread: a signal belongs to the process. Node has
 * handled it since some ten milliseconds after exec, and our code runs some forty later; what a signal in
 * between opened is closed here. `--disable-sigusr1` (Node 22.14 and later) leaves no such gap.
 */
import * as inspector from 'node:inspector';

const HELD = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export type HeldSignal = (typeof HELD)[number];

/** Turns of the event loop in which a debugger that was asked for before our first line may still open, or open again. */
const TURNS = 3;
const LOOK_MS = 25;
const LATE_MS = 5000;

const arrived: HeldSignal[] = [];
let taker: ((signal: HeldSignal) => void) | null = null;

function receive(signal: HeldSignal): void {
  if (taker !== null) taker(signal);
  else arrived.push(signal);
}

/**
 * From now on the signals above are kept, and none opens a debugger. Resolves when one that was asked for before is
 * closed: node has two ways to start it, an interrupt and a task of the loop, and the second opens it again.
 */
export async function holdSignals(): Promise<void> {
  process.on('SIGUSR1', () => {});
  for (const signal of HELD) process.on(signal, receive);
  for (let turn = 0; turn < TURNS; turn++) {
    closeDebugger();
    await new Promise(setImmediate);
  }
  closeDebugger();
  const look = setInterval(closeDebugger, LOOK_MS).unref();
  setTimeout(() => clearInterval(look), LATE_MS).unref();
}

/** `listener` gets every signal from now on, those first that have arrived already. */
export function takeSignals(listener: (signal: HeldSignal) => void): void {
  taker = listener;
  for (const signal of arrived.splice(0)) listener(signal);
}

/** Signals do again what they do by default; one that has arrived already does it now. */
export function releaseSignals(): void {
  for (const signal of HELD) process.off(signal, receive);
  const [first] = arrived.splice(0);
  if (first !== undefined) process.kill(process.pid, first);
}

/** One that `--inspect` opened is left to `refuseDebugging`, which names the option. */
function closeDebugger(): void {
  if (inspector.url() !== undefined && !process.execArgv.some((arg) => arg.startsWith('--inspect')))
    inspector.close();
}
