/** What C and TypeScript both count on: what TypeScript keeps too, and who must do without the addon. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NO_SLOT } from '../../../src/crypto/aead.ts';
import { ICV_LEN, IV_LEN } from '../../../src/crypto/cipher-suite.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { packageRoot } from '../../../src/package-root.ts';

const { constants } = loadAddon();
const folder = mkdtempSync(join(tmpdir(), 'l2vpnd-constants-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the constants of the addon', () => {
  it('are those that the crypto room keeps for where there is no addon', () => {
    expect({ IV_LEN, NO_SLOT, ICV_LEN }).toEqual({
      IV_LEN: constants.IV_LEN,
      NO_SLOT: constants.NO_SLOT,
      ICV_LEN: constants.ICV_MAX,
    });
  });

  it('are numbers that nobody can change, and verdicts that no drop reason has', () => {
    for (const value of Object.values(constants)) expect(value).toBeGreaterThan(0);
    expect(Object.isFrozen(constants)).toBe(true);
    const reasons: number[] = Object.values(Drop);
    expect(reasons).not.toContain(constants.VERDICT_TOO_LONG);
    expect(reasons).not.toContain(constants.VERDICT_MALFORMED);
  });
});

describe('commands that do without the addon', () => {
  const hook = join(folder, 'no-addons.cjs');
  writeFileSync(hook, "process.dlopen = () => { throw new Error('an addon was loaded'); };");
  const run = (...args: string[]): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, ['--require', hook, join(packageRoot(), 'dist/src/main.js'), ...args], {
      encoding: 'utf8',
    });

  it('--version', () => {
    expect(run('--version')).toMatchObject({ status: 0, stderr: '' });
  });

  it('check, which says that it could not be hardened', () => {
    const site = join(folder, 'site1.json');
    writeFileSync(site, readFileSync(join(packageRoot(), 'examples/site1.json')));
    for (const name of ['site1', 'site2'])
      writeFileSync(join(folder, `${name}.key`), randomBytes(16).toString('hex'), { mode: 0o600 });
    const checked = run('check', '--config', site);
    expect(checked).toMatchObject({ status: 0 });
    expect(checked.stderr).toContain('warning');
  });
});
