/** What the process asks of the kernel for itself. */
import { readFileSync, readlinkSync } from 'node:fs';
import { loadAddon } from '../native/load.ts';

/**
 * No core dumps, no ptrace by others: keys stay in memory. Before the first key is read.
 *
 * What is left in memory: each key in its KeyObject and, expanded, in the contexts of each lane, as long as the
 * SA lives; OpenSSL wipes both. Their hex is never in a string (config/stand-ins.ts, config/keys.ts). V8 runs on no
 * locked memory, so that nothing is swapped is for the service manager to see to: MemorySwapMax=0.
 */
export function hardenProcess(): void {
  loadAddon().hardenProcess();
}

/** The network namespace of this process, by the kernel's name for it. */
export function networkNamespace(): string {
  return readlinkSync('/proc/self/ns/net');
}

/** `man 7 capabilities`: TAP, links and bridges; raw sockets. */
const CAP_NET_ADMIN = 12;
const CAP_NET_RAW = 13;

/**
 * Gives up what the daemon does not need, in every thread and for good: CAP_NET_ADMIN and CAP_NET_RAW stay where they
 * are there. Root keeps its user id and what belongs to it, and no longer reads the files of others.
 */
export function dropPrivileges(): void {
  loadAddon().keepCapabilities((1 << CAP_NET_ADMIN) | (1 << CAP_NET_RAW));
}

/** A program that `start` starts has the capabilities of this process, whoever its user is; others have none of them. */
export function withOurPrivileges<T>(start: () => T): T {
  loadAddon().lendCapabilities(true);
  try {
    return start();
  } finally {
    loadAddon().lendCapabilities(false);
  }
}

/** Ends the process at once, though a thread of it waits in a system call that never returns. */
export function exitNow(status: number): never {
  return loadAddon().exitNow(status);
}

/** Whether NTP or the like keeps the clock right, as far as the kernel knows; null where it does not say. */
export function clockIsSynchronised(): boolean | null {
  try {
    return loadAddon().clockIsSynchronised();
  } catch {
    return null;
  }
}

/**
 * How many descriptors the process may have open, or null where /proc does not say. It is the hard limit already:
 * node raises the soft one to it before it runs any script.
 */
export function openFilesLimit(): number | null {
  try {
    const found = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
