/** The log's lines: JSON, for people, and for the journal (`man 3 sd-daemon`). */
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isJournal, type LogFormat, openLog } from '../../../src/daemon/log.ts';

let dir: string;
let fd: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-log-'));
  fd = openSync(join(dir, 'log'), 'w');
});
afterEach(() => {
  vi.unstubAllEnvs();
  closeSync(fd);
  rmSync(dir, { recursive: true, force: true });
});

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

async function logged(format: LogFormat | null): Promise<string[]> {
  const { logger, writer } = openLog(format, fd);
  logger.level = 'trace';
  for (const level of LEVELS) logger[level]({ tunnel: 'a' }, `it is ${level}`);
  expect(await writer.flush(5000)).toBe(true);
  return readFileSync(join(dir, 'log'), 'utf8').trimEnd().split('\n');
}

const journalStream = (): string => {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
};

describe('the log', () => {
  it('is JSON where stdout is no terminal', async () => {
    const lines = await logged(null);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject(
      LEVELS.map((level) => ({ tunnel: 'a', msg: `it is ${level}` })),
    );
  });

  it('is for people where that is asked for', async () => {
    expect(await logged('pretty')).toEqual(LEVELS.map((level) => expect.stringContaining(`it is ${level}`)));
  });

  it.each<LogFormat>(['json', 'pretty'])(
    'in the journal each line (%s) begins with its priority',
    async (format) => {
      vi.stubEnv('JOURNAL_STREAM', journalStream());
      expect((await logged(format)).map((line) => line.slice(0, 3))).toEqual([
        '<2>',
        '<3>',
        '<4>',
        '<6>',
        '<7>',
        '<7>',
      ]);
    },
  );

  it('in the journal, every line of a message for people has it', async () => {
    vi.stubEnv('JOURNAL_STREAM', journalStream());
    const { logger, writer } = openLog('pretty', fd);
    logger.error('one\ntwo');
    await writer.flush(5000);
    const lines = readFileSync(join(dir, 'log'), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.startsWith('<3>'))).toBe(true);
  });

  it('is not the journal where JOURNAL_STREAM names another file, or none', () => {
    expect(isJournal(fd, '1:2')).toBe(false);
    expect(isJournal(fd, '')).toBe(false);
    expect(isJournal(fd, journalStream())).toBe(true);
  });
});
