/** `l2vpnd --config F`: runs the daemon in the foreground until a signal ends it. */
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import type { Log, LogFormat } from '../daemon/log.ts';
import { exitStatusOf, printError, sayError } from './failures.ts';
import type { KeyOptions } from './harden.ts';

export interface RunOptions extends KeyOptions {
  /** The tunnels of the daemon that runs at the same control socket, which then ends. */
  takeOver?: boolean;
}

/** What the log may still write at the end. */
const FLUSH_MS = 500;
/** What still waits for a disk after the stop. */
const LINGER_MS = 500;

/**
 * Returns the exit status; a fault that ended the daemon has been told then, in the log and on stderr. The addon
 * and the daemon are imported here and not above: `check` needs neither.
 */
export async function run(
  configPath: string,
  logFormat: LogFormat | null,
  options: RunOptions = {},
): Promise<number> {
  const { openLog, stderrIsLog } = await import('../daemon/log.ts');
  const log = openLog(logFormat);
  const tellFatal = (error: unknown): number => {
    log.logger.fatal(sayError(error));
    if (!stderrIsLog()) printError(error);
    return exitStatusOf(error);
  };
  try {
    return await end(log, await runLogged(configPath, log, tellFatal, options));
  } catch (error) {
    return await end(log, tellFatal(error));
  }
}

async function runLogged(
  configPath: string,
  log: Log,
  tellFatal: (error: unknown) => number,
  options: RunOptions,
): Promise<number> {
  const { refuseDebugging } = await import('../host/node-options.ts');
  refuseDebugging();
  const { dropPrivileges, hardenProcess } = await import('../host/process.ts');
  hardenProcess();
  dropPrivileges();
  if (options.insecureExampleKeys) permitExampleKeys();
  const { holdYoungGeneration } = await import('../host/memory.ts');
  const grow = holdYoungGeneration();
  const { Daemon } = await import('../daemon/daemon.ts');
  const { runDaemon } = await import('../daemon/run.ts');
  const { storedPredecessor } = await import('../daemon/fd-store.ts');
  const { RunningDaemon } = await import('../daemon/take-over.ts');
  // In no variable of a function that waits: the keys in a configuration go when the daemon lets go of them.
  const daemonOf = (): InstanceType<typeof Daemon> => {
    const config = loadConfig(configPath);
    log.logger.level = config.log.level;
    const predecessor = options.takeOver
      ? new RunningDaemon(config.controlSocket)
      : storedPredecessor(log.logger);
    return new Daemon(config, configPath, log, predecessor);
  };
  return runDaemon(daemonOf(), { log, tellFatal, started: grow, end: (status) => end(log, status) });
}

/**
 * Returns `status` when the log is written; where it cannot be, the process ends here. It ends soon all the same where a
 * call to a disk that does not answer would keep it: as soon, that is, as the kernel lets go of that call.
 */
async function end(log: Log, status: number): Promise<number> {
  await log.writer.flush(FLUSH_MS);
  const { exitNow } = await import('../host/process.ts');
  if (log.writer.blocked) return exitNow(status);
  setTimeout(exitNow, LINGER_MS, status).unref();
  return status;
}
