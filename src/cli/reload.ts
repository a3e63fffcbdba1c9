/** `l2vpnd reload`: the running daemon applies its configuration file as it is now. */
import { ask } from '../api/client.ts';
import type { ReloadAnswer } from '../api/routes.ts';
import { EXIT_STATUS } from '../errors.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';
import { type OutputOptions, printFailure, printJson } from './output.ts';

/** A part of the configuration waits for a restart. */
const NEEDS_RESTART = EXIT_STATUS.L2VPN_UNAVAILABLE;

/** Prints what was done and what was not; 0 where everything was applied, NEEDS_RESTART where something was not. */
export async function reload(options: DaemonChoice & OutputOptions): Promise<number> {
  const answer = await ask(await socketPath(options), 'reload', {});
  if (options.json) printJson(answer);
  else sayAnswer(answer);
  return answer.refused.length === 0 ? 0 : NEEDS_RESTART;
}

function sayAnswer(answer: ReloadAnswer): void {
  for (const what of ['added', 'removed', 'changed', 'restarted'] as const) {
    for (const name of answer[what]) process.stdout.write(`tunnel ${name}: ${what}\n`);
  }
  if (answer.process !== undefined)
    process.stdout.write(`upgraded: process ${answer.process} runs the tunnels now\n`);
  for (const text of answer.refused) printFailure(text);
}
