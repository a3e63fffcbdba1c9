/** `l2vpnd --config F`: runs the daemon in the foreground until a signal ends it. */
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import type { KeyOptions } from './harden.ts';

/** The addon and the daemon are imported here and not above: `check` needs neither. */
export async function run(
  configPath: string,
  logFormat: 'json' | 'pretty',
  options: KeyOptions = {},
): Promise<number> {
  const { hardenProcess } = await import('../host/process.ts');
  hardenProcess();
  if (options.insecureExampleKeys) permitExampleKeys();
  const config = loadConfig(configPath);
  const { runDaemon } = await import('../daemon/run.ts');
  return runDaemon(config, { configPath, logFormat });
}
