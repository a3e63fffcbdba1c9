/**
 * A process with a state store, in a mount namespace of its own: `state-child.js DIR [COMMAND...]`, where the commands
 * mount something first. Reads a request per line and answers each when it is done: `{"id", "result" | "error"}`.
 */
import { spawnSync } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { createInterface } from 'node:readline';
import { L2vpnError } from '../../src/errors.ts';
import { openStore } from '../../src/state/store.ts';

const [dir, ...mounts] = process.argv.slice(2);
for (const command of mounts) {
  const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}
const sak = createSecretKey(Buffer.alloc(16, 1));
const store = await openStore(dir!, { onEvent: ({ message }) => answer({ event: message }) });
const tx = await store.openTx({ sak, sci: '0000001111110001', ssci: null, keyId: '01' }, 1n);

const requests: Record<string, (argument: number) => unknown> = {
  volatile: () => store.volatile,
  next: () => Number(tx.next),
  reserve: (ceiling) => tx.reserve(BigInt(ceiling)),
  endpoint: (port) =>
    store.saveEndpoint(
      `t${port}`,
      { address: '192.0.2.1', port, lowestPn: 1n },
      createSecretKey(Buffer.alloc(16, 1)),
    ),
  lookup: async () => (await lookup('localhost', 4)).address,
  close: (next) => tx.close(BigInt(next)),
};

function answer(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

answer({ event: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, request, argument } = JSON.parse(line);
  Promise.resolve(requests[request]!(argument)).then(
    (result) => answer({ id, result: result ?? null }),
    (error) => answer({ id, error: error.message, code: error instanceof L2vpnError ? error.code : '' }),
  );
}
process.exit(0);
