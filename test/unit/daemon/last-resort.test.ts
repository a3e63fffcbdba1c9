/** Faults that nobody caught, in a process of their own. Runs dist/, which `npm test` builds. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const dist = (file: string): string => JSON.stringify(resolve('dist/src', file));

/** Runs `fault` under the handlers; `stop` is the daemon's. */
function runUnder(fault: string, stop: string) {
  const script = `
    const { openLog } = await import(${dist('daemon/log.js')});
    const { installLastResort } = await import(${dist('daemon/last-resort.js')});
    const { logger, writer } = openLog('json');
    const exit = (status) => writer.flush(1000).then(() => process.exit(status));
    installLastResort(logger, ${stop}, exit);
    setInterval(() => {}, 1000);
    ${fault}`;
  const argv = ['--input-type=module', '-e', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 20_000 });
  const records = stdout.trimEnd().split('\n');
  return {
    status,
    stderr,
    records: records.map((line) => JSON.parse(line) as { level: number; msg: string }),
  };
}

const STOP = `async () => { logger.info('numbers are stored'); }`;
const FATAL = { level: 60, msg: 'internal fault: it broke; please report it' };

describe('a fault that nobody caught', () => {
  it.each([
    ['an exception', `setTimeout(() => { throw new Error('it broke'); }, 0);`],
    ['a rejection', `Promise.reject(new Error('it broke'));`],
  ])('%s: one fatal record, a clean stop, exit 70, nothing on stderr', (_, fault) => {
    const { status, stderr, records } = runUnder(fault, STOP);
    expect([status, stderr]).toEqual([70, '']);
    expect(records).toMatchObject([FATAL, { msg: 'numbers are stored' }]);
  });

  it('a stop that fails is told, and the exit is the same', () => {
    const stop = `async () => { throw new Error('no disk'); }`;
    const { status, records } = runUnder(`Promise.reject(new Error('it broke'));`, stop);
    expect(status).toBe(70);
    expect(records).toMatchObject([FATAL, { level: 50, msg: 'no disk' }]);
  });

  it('a stop that hangs is given up', () => {
    const { status, records } = runUnder(
      `Promise.reject(new Error('it broke'));`,
      '() => new Promise(() => {})',
    );
    expect(status).toBe(70);
    expect(records).toMatchObject([FATAL]);
  });

  it('warnings of node are log records', () => {
    const { stderr, records } = runUnder(
      `process.emitWarning('mind this'); setImmediate(() => Promise.reject(new Error('it broke')));`,
      STOP,
    );
    expect(stderr).toBe('');
    expect(records[0]).toMatchObject({ level: 40, msg: 'node: mind this' });
  });
});
