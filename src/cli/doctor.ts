/** `l2vpnd doctor [--config F] [TUNNEL]`: what is wrong, why, and what to do; with a running daemon or without one. */

import { permitExampleKeys } from '../config/example-keys.ts';
import { worstLevel } from '../doctor/finding.ts';
import { jsonOf, textOf } from '../doctor/format.ts';
import { EXIT_STATUS, L2vpnError } from '../errors.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';
import { hardenForKeys, type KeyOptions } from './harden.ts';

export interface DoctorOptions extends DaemonChoice, KeyOptions {
  json?: boolean;
}

/** 0; where there is a fault, 69. Ends the process itself where something that was asked does not answer. */
export async function doctor(tunnel: string | undefined, options: DoctorOptions): Promise<number> {
  await hardenForKeys();
  if (options.insecureExampleKeys) permitExampleKeys();
  const [{ gather }, { examine }] = await Promise.all([
    import('../doctor/gather.ts'),
    import('../doctor/examine.ts'),
  ]);
  const socket = await socketPath(options).catch(notFound);
  const context = await gather({ config: options.config ?? null, socket, tunnel: tunnel ?? null });
  const lines = await examine(context);
  const text = options.json ? `${JSON.stringify(jsonOf(lines))}\n` : textOf(lines);
  const status = worstLevel(lines) === 'fault' ? EXIT_STATUS.L2VPN_UNAVAILABLE : 0;
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return endSoon(status);
}

/** Without a daemon there is still enough to look at. */
function notFound(error: unknown): L2vpnError {
  if (error instanceof L2vpnError && error.code !== 'L2VPN_USAGE' && error.code !== 'L2VPN_NOINPUT')
    return error;
  throw error;
}

/** What a check has given up on may hold the process. */
const LINGER_MS = 100;

async function endSoon(status: number): Promise<number> {
  const { exitNow } = await import('../host/process.ts');
  setTimeout(exitNow, LINGER_MS, status).unref();
  return status;
}
