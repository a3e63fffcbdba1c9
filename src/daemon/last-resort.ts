/**
 * For faults of our own that nobody caught: one record in the log, a stop that keeps the packet numbers, exit 70.
 * Also routes node's own warnings into the log, which otherwise go to stderr by a write that may block.
 */
import type { Logger } from 'pino';
import { EXIT_STATUS, messageOf } from '../errors.ts';

/** A stop after a fault may hang on what the fault has left. */
const STOP_MS = 5000;

/** `stop` undoes what the daemon has made; `exit` ends the process. Returns what takes the handlers away again. */
export function installLastResort(
  log: Logger,
  stop: () => Promise<void>,
  exit: (status: number) => void,
): () => void {
  let stopping = false;
  const fail = (error: unknown): void => {
    log.fatal(fieldsOf(error), `internal fault: ${messageOf(error)}; please report it`);
    if (stopping) return;
    stopping = true;
    const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS));
    const stopped = stop().catch((cause) => log.error(messageOf(cause)));
    void Promise.race([stopped, late]).then(() => exit(EXIT_STATUS.L2VPN_INTERNAL));
  };
  const warn = (warning: Error): void => log.warn(`node: ${warning.message}`);
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', warn).on('uncaughtException', fail).on('unhandledRejection', fail);
  return () => {
    process.off('warning', warn).off('uncaughtException', fail).off('unhandledRejection', fail);
    for (const printer of printers) process.on('warning', printer);
  };
}

function fieldsOf(error: unknown): object {
  return error instanceof Error ? { stack: error.stack } : {};
}
