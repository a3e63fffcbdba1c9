/** `l2vpnd doctor [--config F] [TUNNEL]`: what is wrong, why, and what to do; with a running daemon or without one. */

import { join } from 'node:path';
import { permitExampleKeys } from '../config/example-keys.ts';
import { worstLevel } from '../doctor/finding.ts';
import { jsonOf, textOf } from '../doctor/format.ts';
import { EXIT_STATUS, L2vpnError } from '../errors.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';
import { hardenForKeys, type KeyOptions } from './harden.ts';
import { type OutputOptions, printJson, printText, type Rule } from './output.ts';

export interface DoctorOptions extends DaemonChoice, KeyOptions, OutputOptions {}

/** Where the configuration of an instance lies. */
const CONFIG_DIR = '/etc/l2vpnd';

const COLORS: readonly Rule[] = [
  [/^ok\b/gm, 'good'],
  [/^warning\b|^skipped\b/gm, 'doubtful'],
  [/^fault\b/gm, 'bad'],
];

/** 0; where there is a fault, 69. Ends the process itself where something that was asked does not answer. */
export async function doctor(tunnel: string | undefined, options: DoctorOptions): Promise<number> {
  await hardenForKeys();
  if (options.insecureExampleKeys) permitExampleKeys();
  const [{ gather }, { examine }] = await Promise.all([
    import('../doctor/gather.ts'),
    import('../doctor/examine.ts'),
  ]);
  const socket = await socketPath(options).catch(notFound);
  const context = await gather({ config: configOf(options), socket, tunnel: tunnel ?? null });
  const lines = await examine(context);
  if (options.json) printJson(jsonOf(lines));
  else printText(textOf(lines), COLORS);
  return endSoon(worstLevel(lines) === 'fault' ? EXIT_STATUS.L2VPN_UNAVAILABLE : 0);
}

/** Null: the one that the daemon says. */
function configOf({ config, instance }: DoctorOptions): string | null {
  return config ?? (instance === undefined ? null : join(CONFIG_DIR, `${instance}.json`));
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
