/** The daemon as a process: log, signals, service manager, exit status. */
import type { Config } from '../config/types.ts';
import { messageOf } from '../errors.ts';
import { notifyServiceManager } from '../host/notify.ts';
import { Daemon } from './daemon.ts';
import { type LogFormat, openLog } from './log.ts';

export interface DaemonOptions {
  readonly configPath: string;
  readonly logFormat: LogFormat;
}

/** Runs until SIGTERM or SIGINT (0) or a fault (its exit status). Throws L2vpnError when it cannot start. */
export async function runDaemon(config: Config, options: DaemonOptions): Promise<number> {
  const log = openLog(config.log.level, options.logFormat);
  const daemon = new Daemon(config, options.configPath, log);
  const signal = new Promise<number>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        log.info({ signal: name }, 'stopping');
        resolve(0);
      });
    }
  });
  const reload = (): void => {
    notifyServiceManager('RELOADING=1');
    daemon
      .reload()
      .catch((error) => log.error(`not reloaded, everything stays as it was: ${messageOf(error)}`))
      .finally(() => notifyServiceManager('READY=1'));
  };
  try {
    await daemon.start();
    process.on('SIGHUP', reload);
    notifyServiceManager('READY=1');
    return await Promise.race([signal, daemon.failed]);
  } finally {
    process.off('SIGHUP', reload);
    notifyServiceManager('STOPPING=1');
    await daemon.stop();
    log.info('stopped');
  }
}
