/** Whether the program on disk is the one that runs. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProgramOnDisk } from '../../../src/daemon/successor.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-program-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('the program on disk', () => {
  it('is another one when a file of it has been replaced, and not while one is missing', () => {
    const [first, second] = ['main.js', 'package.json'].map((name) => join(dir, name)) as [string, string];
    writeFileSync(first, 'one');
    writeFileSync(second, '{}');
    const program = new ProgramOnDisk([first, second]);
    expect(program.isAnother).toBe(false);
    rmSync(second);
    expect(program.isAnother).toBe(false);
    // As a package manager does it.
    writeFileSync(`${second}.new`, '{}');
    renameSync(`${second}.new`, second);
    expect(program.isAnother).toBe(true);
    expect(new ProgramOnDisk([first, second]).isAnother).toBe(false);
  });

  it('is this one as long as nobody touches it', () => {
    expect(new ProgramOnDisk().isAnother).toBe(false);
  });
});
