/** The service manager that started us, if one did (`man 3 sd_notify`). */
import { loadAddon } from '../native/load.ts';

/**
 * Sends `text` (`READY=1`), with descriptors beside it; nothing where nobody listens. Throws SystemError where the manager's
 * socket cannot be reached.
 */
export function notifyServiceManager(text: string, fds: readonly number[] = []): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (socket !== undefined && socket !== '') loadAddon().notifySocket(socket, text, Int32Array.from(fds));
}
