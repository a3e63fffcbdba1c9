/** The service manager that started us, if one did (`man 3 sd_notify`). */
import { loadAddon } from '../native/load.ts';

/** One is there, and wants to hear. */
export function hasServiceManager(): boolean {
  return (process.env.NOTIFY_SOCKET ?? '') !== '';
}

/**
 * Sends `text` (`READY=1`), with descriptors beside it; nothing where nobody listens. Throws SystemError where the manager's
 * socket cannot be reached.
 */
export function notifyServiceManager(text: string, fds: readonly number[] = []): void {
  if (hasServiceManager()) loadAddon().notifySocket(process.env.NOTIFY_SOCKET!, text, Int32Array.from(fds));
}
