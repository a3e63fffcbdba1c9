/** Closing what `openTap`, `openGreSocket`, `openUdpSocket` and `openEvent` opened; ports leave it to their owner. */
import { loadAddon } from '../native/load.ts';

export function closeFd(fd: number): void {
  loadAddon().closeFd(fd);
}
