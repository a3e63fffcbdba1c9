/** `l2vpnd reload`: the running daemon applies its configuration file as it is now. */
import { askDaemon } from '../api/client.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';

interface Reloaded {
  added: string[];
  removed: string[];
  changed: string[];
  refused: string[];
}

/** Prints what was done and what was not; 0 where everything was applied, 69 where something needs a restart. */
export async function reload(options: DaemonChoice): Promise<number> {
  const answer = (await askDaemon(await socketPath(options), 'POST', '/v1/reload')) as Reloaded;
  for (const what of ['added', 'removed', 'changed'] as const) {
    for (const name of answer[what]) process.stdout.write(`tunnel ${name}: ${what}\n`);
  }
  for (const text of answer.refused) process.stderr.write(`l2vpnd: ${text}\n`);
  return answer.refused.length === 0 ? 0 : 69;
}
