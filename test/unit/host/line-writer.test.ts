/** Lines to a descriptor that takes none: a pipe that nobody reads, a full file system. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineWriter } from '../../../src/host/line-writer.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-lines-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const line = (i: number, len: number): string => `${String(i).padStart(len - 1, '0')}\n`;

/** A FIFO: its writing end blocks; its reading end does not. */
function openFifo(): { writeFd: number; readFd: number } {
  const path = join(dir, 'fifo');
  if (spawnSync('mkfifo', [path]).status !== 0) throw new Error('mkfifo failed');
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { readFd, writeFd: openSync(path, constants.O_WRONLY) };
}

/** Reads until `done` resolves. */
async function readUntil(readFd: number, done: Promise<unknown>): Promise<string> {
  let [text, finished] = ['', false];
  void done.then(() => {
    finished = true;
  });
  const buf = Buffer.alloc(65_536);
  for (;;) {
    let count = 0;
    try {
      count = readSync(readFd, buf);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    text += buf.toString('latin1', 0, count);
    if (count === 0 && finished) return text;
    if (count === 0) await new Promise(setImmediate);
  }
}

describe('a writer of lines', () => {
  it('writes them in order', async () => {
    const path = join(dir, 'file');
    const fd = openSync(path, 'w');
    const writer = new LineWriter(fd);
    for (let i = 0; i < 1000; i++) writer.push(line(i, 100));
    expect(await writer.flush(5000)).toBe(true);
    closeSync(fd);
    expect(readFileSync(path, 'latin1')).toBe(Array.from({ length: 1000 }, (_, i) => line(i, 100)).join(''));
    expect([writer.dropped, writer.faults, writer.blocked]).toEqual([0, 0, false]);
  });

  it.each([
    ['lines', 40, 20_000],
    ['octets', 10_000, 400],
  ])(
    'over a pipe that nobody reads keeps a bounded number of %s, drops the rest, says so when it drains',
    async (_, len, count) => {
      const { readFd, writeFd } = openFifo();
      const writer = new LineWriter(writeFd);
      writer.onDrained = (dropped) => writer.push(`dropped ${dropped}\n`);
      for (let i = 0; i < count; i++) writer.push(line(i, len));
      expect(await writer.flush(50)).toBe(false);
      for (let i = 0; i < count; i++) writer.push(line(i, len));
      const dropped = writer.dropped;
      expect(dropped).toBeGreaterThan(count / 2);
      const text = await readUntil(readFd, writer.flush(10_000));
      const lines = text.trimEnd().split('\n');
      // What was kept came whole and in order; the last line says what did not.
      expect(lines).toHaveLength(2 * count - dropped + 1);
      expect(lines.at(-1)).toBe(`dropped ${dropped}`);
      expect(lines.slice(0, -1).every((one) => one.length === len - 1)).toBe(true);
      expect(text.length).toBeLessThan((1 << 20) + 3 * 65_536);
      closeSync(readFd);
      closeSync(writeFd);
    },
  );

  it('over a full file system goes on, counts the failures, and gives up at once in a flush', async () => {
    const fd = openSync('/dev/full', 'w');
    const writer = new LineWriter(fd);
    writer.push('one\n');
    expect(await writer.flush(10_000)).toBe(false);
    expect([writer.faults, writer.blocked]).toEqual([1, false]);
    for (let i = 0; i < 10_000; i++) writer.push('line\n');
    expect(writer.dropped).toBeGreaterThan(5000);
    closeSync(fd);
  });

  it('over a pipe whose reader has gone keeps the lines for the next reader', async () => {
    const { readFd, writeFd } = openFifo();
    closeSync(readFd);
    const writer = new LineWriter(writeFd);
    writer.push('kept\n');
    expect(await writer.flush(10_000)).toBe(false);
    expect(writer.faults).toBe(1);
    const next = openSync(join(dir, 'fifo'), constants.O_RDONLY | constants.O_NONBLOCK);
    expect(await readUntil(next, writer.flush(10_000))).toBe('kept\n');
    closeSync(next);
    closeSync(writeFd);
  });
});
