/**
 * Handing on, the giver's side: a daemon that is asked for it over its control socket gives tunnels that run, their TAPs,
 * sockets, SAs and packet numbers, to the process that asks, and ends. Between 2 and 4 nobody forwards; what comes waits in
 * the kernel.
 *
 *   1. `quiet`    nothing is being stored any more
 *   2. `rest`     lanes end: from here on no packet number is taken
 *   3. state      in memory that only its descriptor leads to, with all other descriptors
 *   4. `ready`    the taker has everything in place and has sent nothing: it runs when it hears `go`, and not before
 *   5. `go`       once it is sent, this process never goes on; then the servers close, and it ends
 *
 * What fails before 5, the taker's end too, costs the moment: this process goes on.
 */
import type { Logger } from 'pino';
import { L2vpnError, messageOf } from '../errors.ts';
import { closeFds } from '../host/close.ts';
import { FdSink } from '../host/descriptors.ts';
import { FdChannel } from '../host/fd-channel.ts';
import { openMemoryFile } from '../host/memory-file.ts';
import { store, storeTakes } from './fd-store.ts';
import { encodeState, type HandedState } from './handed-state.ts';
import type { Tunnels } from './tunnels.ts';

/** A disk that does not answer sooner holds a hand-over up for too long. */
const QUIET_MS = 5000;
/** The taker has tunnels to open; while it does, nothing is forwarded. */
const READY_MS = 10_000;

export interface GiverContext {
  readonly log: Logger;
  readonly tunnels: Tunnels;
  /** The other process is about to run: servers close, and the service manager hears of it. */
  leave(pid: number): Promise<void>;
}

/** To the process that waits at `name`. Throws L2VPN_PERMISSION where that is somebody else's, SystemError. */
export function meetTaker(name: string): FdChannel {
  const channel = FdChannel.connect(name);
  const { uid } = channel.peer;
  if (uid === 0 || uid === process.geteuid!()) return channel;
  channel.close();
  throw new L2vpnError('L2VPN_PERMISSION', `hand-over: uid ${uid} does not get the keys of this daemon`);
}

/** Resolves when the other process runs the tunnels: true; false: this one goes on with them, which the log says. Never rejects. */
export async function giveTo(channel: FdChannel, context: GiverContext): Promise<boolean> {
  const { log, tunnels } = context;
  const { pid } = channel.peer;
  const beganMs = performance.now();
  let rested = false;
  try {
    await within(QUIET_MS, tunnels.quiet(), 'the state directory does not answer');
    // Once in vain: what has never run would be compiled while nothing is forwarded.
    closeFds([memoryOf(tunnels.handOn(new FdSink(), true))]);
    const restMs = performance.now();
    rested = true;
    await tunnels.rest();
    give(channel, tunnels);
    await hear(channel, 'ready');
    channel.send({ type: 'go' });
    log.info({ pid, ms: Math.round(performance.now() - restMs) }, `handed over to process ${pid}`);
  } catch (error) {
    channel.close();
    await tunnels.goOn(rested);
    const ms = Math.round(performance.now() - beganMs);
    log.error({ pid, ms }, `not handed over, this process goes on: ${messageOf(error)}`);
    return false;
  }
  await context.leave(pid);
  channel.close();
  return true;
}

function give(channel: FdChannel, tunnels: Tunnels): void {
  const sink = new FdSink();
  const memory = memoryOf(tunnels.handOn(sink, true));
  try {
    channel.send({ type: 'state', fds: sink.fds.length }, [memory]);
    channel.sendFds(sink.fds);
  } finally {
    closeFds([memory]);
  }
}

/**
 * Leaves everything to the next process by way of the service manager; packet numbers are stored and unlocked as at any stop.
 * Returns false, with nothing left and nothing lost, where that takes less than there is, which the log says.
 */
export async function leaveInStore(tunnels: Tunnels, log: Logger): Promise<boolean> {
  try {
    await within(QUIET_MS, tunnels.quiet(), 'the state directory does not answer');
    await tunnels.rest();
    const sink = new FdSink();
    const memory = memoryOf(tunnels.handOn(sink, false));
    const count = sink.fds.length + 1;
    if (!storeTakes(count))
      throw new Error(
        `it takes fewer than the ${count} descriptors that there are (FileDescriptorStoreMax=)`,
      );
    store(sink.fds, memory);
    closeFds([memory]);
    log.info({ descriptors: count }, 'left to the service manager for the next start');
    return true;
  } catch (error) {
    log.warn(`nothing is left to the service manager for the next start: ${messageOf(error)}`);
    return false;
  }
}

/** A descriptor of `state` in memory. */
export function memoryOf(state: HandedState): number {
  const octets = encodeState(state);
  try {
    return openMemoryFile('l2vpnd-state', octets);
  } finally {
    octets.fill(0);
  }
}

async function hear(channel: FdChannel, type: 'ready'): Promise<void> {
  const came = await channel.receive(READY_MS);
  const { type: heard, reason = '' } = (came?.message ?? { type: 'gone' }) as {
    type: string;
    reason?: string;
  };
  if (heard === type) return;
  throw new L2vpnError(
    'L2VPN_UNAVAILABLE',
    `the new process ${heard === 'gone' ? 'has ended' : `says: ${reason}`}`,
  );
}

/** As `work`; rejects with L2VPN_BUSY where that takes longer. */
function within<T>(ms: number, work: Promise<T>, why: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new L2vpnError('L2VPN_BUSY', why)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
