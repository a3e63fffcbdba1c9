/**
 * A restart by systemd, which ends the old process before it starts the new one: TAPs, sockets and, in memory, what else goes
 * over lie with the service manager in between (`man 5 systemd.service`, FileDescriptorStoreMax=). What comes meanwhile waits
 * in the kernel. When the service is stopped for good the manager closes them, and the TAPs go.
 *
 * What has been taken is emptied, so that it is never gone on from twice: a crash after that starts as any crash does.
 */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { closeFds } from '../host/close.ts';
import { closeOnExec, FdSource } from '../host/descriptors.ts';
import { emptyMemoryFile } from '../host/memory-file.ts';
import { notifyServiceManager } from '../host/notify.ts';
import { decodeState, type HandedState } from './handed-state.ts';
import type { Predecessor } from './take-over.ts';

const NAME = 'l2vpnd-';
const STATE = `${NAME}state`;
/** `man 3 sd_listen_fds`. */
const FIRST_FD = 3;
/** That and no more is stored for a service. systemd 254 says it; for an earlier one the unit does. */
const STORE_MAX = 'FDSTORE';

/** Whether the service manager keeps `count` descriptors for us until the next start. */
export function storeTakes(count: number): boolean {
  return (process.env.NOTIFY_SOCKET ?? '') !== '' && Number(process.env[STORE_MAX] ?? 0) >= count;
}

/** There is a store, however many descriptors it takes. */
export function hasStore(): boolean {
  return storeTakes(1);
}

/** Gives `fds` to the store, under their places, and `memory`, which has what is said of them. Throws SystemError. */
export function store(fds: readonly number[], memory: number): void {
  for (const [place, fd] of fds.entries()) put(`${NAME}${place}`, fd);
  put(STATE, memory);
}

/** Without FDPOLL=0 the manager lets go of a socket that has an error of ICMP, or a TAP without its interface. */
function put(name: string, fd: number): void {
  notifyServiceManager(`FDSTORE=1\nFDPOLL=0\nFDNAME=${name}`, [fd]);
}

/** What the process before this one has stored; null: nothing, or nothing that can be gone on from, which the log says. */
export function storedPredecessor(log: Logger): Predecessor | null {
  const stored = takeStored();
  if (stored.size === 0) return null;
  for (const name of stored.keys()) notifyServiceManager(`FDSTOREREMOVE=1\nFDNAME=${name}`);
  try {
    const octets = emptied(stored.get(STATE));
    stored.delete(STATE);
    return new StoredDaemon(decodeState(octets), new FdSource(byPlace(stored)));
  } catch (error) {
    log.warn(`what the process before has left is not gone on from: ${messageOf(error)}`);
    closeFds([...stored.values()]);
    return null;
  }
}

function emptied(memory: number | undefined): Buffer {
  if (memory === undefined) throw new Error('it did not come to its end');
  const octets = emptyMemoryFile(memory);
  closeFds([memory]);
  if (octets.length === 0) throw new Error('another process has had it already');
  return octets;
}

class StoredDaemon implements Predecessor {
  readonly waits = false;
  readonly #left: { readonly state: HandedState; readonly fds: FdSource };

  constructor(state: HandedState, fds: FdSource) {
    this.#left = { state, fds };
  }

  async take(): Promise<{ state: HandedState; fds: FdSource }> {
    return this.#left;
  }

  async confirm(): Promise<void> {}

  async left(): Promise<void> {}

  refuse(): void {}
}

/** Descriptors of ours that the service manager has passed, by name. Nobody else inherits them. */
function takeStored(): Map<string, number> {
  const { LISTEN_PID, LISTEN_FDS = '0', LISTEN_FDNAMES = '' } = process.env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name];
  const stored = new Map<string, number>();
  if (Number(LISTEN_PID) !== process.pid) return stored;
  const names = LISTEN_FDNAMES.split(':');
  for (let i = 0; i < Number(LISTEN_FDS); i++) {
    closeOnExec(FIRST_FD + i);
    if (names[i]?.startsWith(NAME)) stored.set(names[i]!, FIRST_FD + i);
  }
  return stored;
}

function byPlace(stored: ReadonlyMap<string, number>): number[] {
  const fds: number[] = [];
  for (const [name, fd] of stored) fds[Number(name.slice(NAME.length))] = fd;
  return Array.from(fds, (fd) => fd ?? -1);
}
