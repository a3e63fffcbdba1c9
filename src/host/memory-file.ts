/** Octets for another process in memory that has a descriptor and no name (`man 2 memfd_create`): never on a disk. */
import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { loadAddon } from '../native/load.ts';

/** A descriptor of memory with these octets, which nobody can change. The caller closes it. */
export function openMemoryFile(name: string, octets: Uint8Array): number {
  return loadAddon().openMemory(name, octets);
}

/** What is in it, and then is no more: whoever gets the descriptor again finds nothing. The caller clears it. */
export function emptyMemoryFile(fd: number): Buffer {
  const octets = Buffer.alloc(fstatSync(fd).size);
  let at = 0;
  while (at < octets.length) {
    const read = readSync(fd, octets, at, octets.length - at, at);
    if (read === 0) break;
    at += read;
  }
  ftruncateSync(fd, 0);
  return octets.subarray(0, at);
}
