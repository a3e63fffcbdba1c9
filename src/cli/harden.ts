/** What a command does before it reads keys, as the daemon does: no core dumps, no ptrace. */
import { L2vpnError } from '../errors.ts';
import { printWarning } from './output.ts';

export interface KeyOptions {
  /** Take the published example keys. */
  insecureExampleKeys?: boolean;
}

/** Goes on with a warning where the addon is missing: it is the daemon that cannot do without. */
export async function hardenForKeys(): Promise<void> {
  const { hardenProcess } = await import('../host/process.ts');
  try {
    hardenProcess();
  } catch (error) {
    if (!(error instanceof L2vpnError)) throw error;
    printWarning(`a core dump would hold keys: ${error.message}`);
  }
}
