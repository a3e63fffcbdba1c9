/** Closing what `openTap`, `openGreSocket`, `openUdpSocket` and `openEvent` opened; ports leave it to their owner. */
import { loadAddon } from '../native/load.ts';

export function closeFds(fds: readonly number[]): void {
  for (const fd of fds) loadAddon().closeFd(fd);
}
