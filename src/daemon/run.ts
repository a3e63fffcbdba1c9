/** The daemon as a process: log, signals, service manager, exit status. */
import type { Config } from '../config/types.ts';
import { messageOf } from '../errors.ts';
import { Daemon } from './daemon.ts';
import { type LogFormat, openLog } from './log.ts';
import { ServiceManager } from './service-manager.ts';

export interface DaemonOptions {
  readonly configPath: string;
  readonly logFormat: LogFormat;
}

/** Runs until SIGTERM or SIGINT (0) or a fault (its exit status). Throws L2vpnError when it cannot start. */
export async function runDaemon(config: Config, options: DaemonOptions): Promise<number> {
  const log = openLog(config.log.level, options.logFormat);
  const daemon = new Daemon(config, options.configPath, log);
  const manager = new ServiceManager(log);
  const signal = new Promise<number>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        log.info({ signal: name }, 'stopping');
        resolve(0);
      });
    }
  });
  const reload = async (): Promise<void> => {
    manager.notify('RELOADING=1');
    try {
      await daemon.reload();
    } catch (error) {
      log.error(`not reloaded, everything stays as it was: ${messageOf(error)}`);
    }
    manager.notify('READY=1');
  };
  try {
    await daemon.start();
    process.on('SIGHUP', reload);
    manager.notify('READY=1');
    return await Promise.race([signal, daemon.failed]);
  } finally {
    process.off('SIGHUP', reload);
    manager.notify('STOPPING=1');
    await daemon.stop();
    log.info('stopped');
  }
}
