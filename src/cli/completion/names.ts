/** `l2vpnd __names`: the names of tunnels, a line each, for completion scripts. Whatever is wrong, it says nothing of it. */
import { ask } from '../../api/client.ts';
import { type DaemonChoice, socketPaths } from '../daemon-choice.ts';

export async function printNames(options: DaemonChoice): Promise<number> {
  const names = await socketPaths(options).then(namesOf, () => []);
  process.stdout.write(names.map((name) => `${name}\n`).join(''));
  return 0;
}

async function namesOf(sockets: readonly string[]): Promise<string[]> {
  const answers = await Promise.allSettled(
    sockets.flatMap((socket) => [ask(socket, 'tunnels', {}), ask(socket, 'down', {})]),
  );
  return answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? answer.value.map(({ name }) => name) : [],
  );
}
