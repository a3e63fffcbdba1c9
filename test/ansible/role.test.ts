/** The role in packaging/ansible: without complaint by ansible-lint, and played against a Debian of its own. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianTree } from '../../lab/debian-tree.ts';
import { pathOf } from '../../lab/packages.ts';
import { must } from '../../lab/run.ts';
import { ansible, Playbook } from './playbook.ts';

const CAK = '5a'.repeat(32);

function lacking(programs: Record<string, string>): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = Object.keys(programs).filter((program) => pathOf(program) === undefined);
  if (missing.length === 0) return undefined;
  return `needs ${missing.join(', ')}: apt-get install ${missing.map((program) => programs[program]).join(' ')}`;
}

function suite(title: string, reason: string | undefined, body: () => void): void {
  if (reason !== undefined) process.stdout.write(`SKIPPED ${title}: ${reason}\n`);
  describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (${reason})`, body);
}

suite('ansible-lint', lacking({ 'ansible-lint': 'ansible-lint' }), () => {
  it('has nothing against playbook, inventory and role', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'l2vpnd-lint-'));
    const { code, stdout, stderr } = await ansible(dir, ['ansible-lint', '--offline', '--nocolor', '-p']);
    await rm(dir, { recursive: true });
    expect(stdout + (code === 0 ? '' : stderr)).toBe('');
    expect(code).toBe(0);
  });
});
