/**
 * Locks that end with their process: on an open file, and on a name that is one in the whole host, whatever
 * directories two daemons use. The name is an abstract Unix socket, which each network namespace has for itself.
 */
import { loadAddon } from '../native/load.ts';
import { closeFds } from './close.ts';

/** A name that this process holds. */
export interface HeldName {
  /** What holds it, also while another process has it too. */
  readonly fd: number;
  release(): void;
}

/** The process that holds a name; −1 where the kernel does not say. */
export interface NameHolder {
  readonly pid: number;
  readonly uid: number;
}

/** What the state directory asks of the host. */
export interface HostLocks {
  /** Locks the open file `fd` until it is closed; false where another process has locked it. */
  lockFd(fd: number): boolean;
  /** Takes `name`, or says who has it. */
  lockName(name: string): HeldName | NameHolder;
}

export const hostLocks: HostLocks = {
  lockFd: (fd) => loadAddon().lockFd(fd),
  lockName: (name) => {
    const holder = new Int32Array(2);
    const fd = loadAddon().lockName(name, holder);
    return fd < 0 ? { pid: holder[0]!, uid: holder[1]! } : heldBy(fd);
  },
};

/** The name that the socket `fd` holds, which came from another process. */
export function takeOverName(fd: number): HeldName {
  loadAddon().listenAgain(fd);
  return heldBy(fd);
}

function heldBy(fd: number): HeldName {
  return { fd, release: () => closeFds([fd]) };
}
