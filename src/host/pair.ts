/** Two connected sockets that keep the borders of what is written: they stand for a TAP or a wire. */
import { loadAddon } from '../native/load.ts';

/** Two descriptors; what is written to one is read from the other. The caller closes them. */
export function openPair(): [number, number] {
  const fds = new Int32Array(2);
  loadAddon().openPair(fds);
  return [fds[0]!, fds[1]!];
}
