/** What the process asks of the kernel for itself. */
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
