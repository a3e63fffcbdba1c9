/** `l2vpnd check`: validates a configuration and prints what the daemon would work with, keys hidden. */
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import { maskedConfig } from '../config/masked.ts';
import { configWarnings } from '../config/warnings.ts';
import { hardenForKeys, type KeyOptions } from './harden.ts';

export async function check(path: string, options: KeyOptions = {}): Promise<number> {
  await hardenForKeys();
  if (options.insecureExampleKeys) permitExampleKeys();
  const config = loadConfig(path);
  for (const warning of configWarnings(config, path)) process.stderr.write(`l2vpnd: warning: ${warning}\n`);
  process.stdout.write(`${JSON.stringify(maskedConfig(config), null, 2)}\n`);
  return 0;
}
