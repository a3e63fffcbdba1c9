/** `l2vpnd --config F`: runs the daemon in the foreground until a signal ends it. */
import { loadConfig } from '../config/load.ts';

/** The addon and the daemon are imported here and not above: `check` needs neither. */
export async function run(configPath: string, logFormat: 'json' | 'pretty'): Promise<number> {
  const { hardenProcess } = await import('../host/process.ts');
  hardenProcess();
  const config = loadConfig(configPath);
  const { runDaemon } = await import('../daemon/run.ts');
  return runDaemon(config, { configPath, logFormat });
}
