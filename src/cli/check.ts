/** `l2vpnd check`: validates a configuration and prints what the daemon would work with, keys hidden. */
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import { maskedConfig } from '../config/masked.ts';
import { configWarnings } from '../config/warnings.ts';
import { hardenForKeys, type KeyOptions } from './harden.ts';
import { type OutputOptions, printJson, printWarning } from './output.ts';

export async function check(path: string, options: KeyOptions & OutputOptions = {}): Promise<number> {
  await hardenForKeys();
  if (options.insecureExampleKeys) permitExampleKeys();
  const config = loadConfig(path);
  const warnings = configWarnings(config, path);
  if (options.json) {
    printJson({ config: maskedConfig(config), warnings });
    return 0;
  }
  for (const warning of warnings) printWarning(warning);
  process.stdout.write(`${JSON.stringify(maskedConfig(config), null, 2)}\n`);
  return 0;
}
