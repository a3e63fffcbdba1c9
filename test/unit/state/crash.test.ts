import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropDir, makeChannel, makeDir, startStore } from './kit.ts';

const CHANNEL = makeChannel();
let dir: string;
beforeEach(() => {
  dir = makeDir();
});
afterEach(() => dropDir(dir));

/** Grants numbers one after another, says each ceiling once it is granted, until it is killed. */
const RESERVE_FOREVER = `
import { createSecretKey } from 'node:crypto';
import { writeSync } from 'node:fs';
const { openStore } = await import(process.argv[2]);
const sak = createSecretKey(Buffer.from('${CHANNEL.sak.export().toString('hex')}', 'hex'));
const store = await openStore(process.argv[3], { onEvent: () => {} });
const channel = { sak, sci: '${CHANNEL.sci}', ssci: null, keyId: '01', keyFile: process.argv[4] };
const tx = await store.openTx(channel, 1n);
const rx = await store.openRx(channel, 1n);
for (let ceiling = tx.next + 1n; ; ceiling++) {
  await Promise.all([tx.reserve(ceiling), rx.save(ceiling)]);
  writeSync(1, ceiling + '\\n');
}
`;

/** Kills the script `afterMs` after it began to speak, or before; returns the highest ceiling that it said. */
function runAndKill(script: string, args: string[], afterMs: number): Promise<number> {
  const entry = new URL('../../../dist/src/state/store.js', import.meta.url).href;
  const child = spawn(process.execPath, [script, entry, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
      said += chunk;
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(Number(said.split('\n').slice(0, -1).at(-1)));
      else reject(new Error('the child ended by itself; npm run build:ts first'));
    });
  });
}

describe('kill -9', () => {
  it('at any moment while numbers are stored leaves the last granted, or the one being granted', {
    timeout: 120_000,
  }, async () => {
    const script = join(dir, 'reserve.mjs');
    writeFileSync(script, RESERVE_FOREVER);
    const [stateDir, keyFile] = [join(dir, 'state'), join(dir, 'a.key')];
    for (let round = 0; round < 10; round++) {
      const granted = await runAndKill(script, [stateDir, keyFile], Math.random() * 25);
      const { store } = await startStore(stateDir);
      const tx = await store.openTx({ ...CHANNEL, keyFile }, 1n);
      expect([granted, granted + 1]).toContain(Number(tx.next));
      const rx = await store.openRx(CHANNEL, 1n);
      expect([granted, granted + 1]).toContain(Number(rx.lowest));
    }
  });
});
