/** Whose a configuration and a key file must be, and who else may touch them. */
import { chmodSync, chownSync, mkdtempSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { ANY_ACCESS, accessRemedy, foreignAccess, READ_OR_WRITE, WRITE } from '../../../src/config/access.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type Json, KEY_A, KEY_B, refusal, sample } from './sample.ts';

const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-access-'));
afterAll(() => rmSync(dir, { recursive: true }));

const euid = process.geteuid!();
const stranger = euid + 1234;
const isRoot = euid === 0;
if (!isRoot) process.stdout.write('SKIPPED: files of a foreign owner (needs root to make one)\n');

function file(name: string, text: string, mode: number): string {
  const path = join(dir, name);
  // Of our user again, where a test gave it to another.
  rmSync(path, { force: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** A configuration with key files only, which are as they should be. */
function withKeyFiles(mode: number): string {
  const value = sample();
  value.tunnels[0].macsec.txSa[0] = { keyFile: file('a.key', KEY_A, 0o600) };
  value.tunnels[0].macsec.rxSc[0].sa[0] = { keyFile: file('b.key', KEY_B, 0o400) };
  return file('files.json', JSON.stringify(value), mode);
}

describe('foreignAccess', () => {
  it.each([
    [0, 0o600, ANY_ACCESS, null],
    [euid, 0o600, ANY_ACCESS, null],
    [euid, 0o644, WRITE, null],
    [euid, 0o611, READ_OR_WRITE, null],
    [stranger, 0o600, ANY_ACCESS, `belongs to user ${stranger}; run chown ${euid} /f`],
    [stranger, 0o400, WRITE, `belongs to user ${stranger}; run chown ${euid} /f`],
    [0, 0o610, ANY_ACCESS, 'has mode 0610: others have access; run chmod 600 /f'],
    [euid, 0o602, READ_OR_WRITE, 'has mode 0602: others have access; run chmod 600 /f'],
    [euid, 0o664, WRITE, 'has mode 0664: others have access; run chmod go-w /f'],
  ])('of user %d, mode %d, with %d forbidden (decimal)', (uid, mode, forbidden, said) => {
    expect(foreignAccess('/f', { uid, mode: 0o100000 | mode } as Stats, forbidden)).toBe(said);
  });
});

describe('the group of the service', () => {
  afterEach(() => void vi.restoreAllMocks());
  const group = 4754;
  const asService = (): void => {
    vi.spyOn(process, 'geteuid').mockReturnValue(4754);
    vi.spyOn(process, 'getegid').mockReturnValue(group);
  };

  it.each([
    [0, group, 0o640, null],
    [0, group + 1, 0o640, 'has mode 0640: others have access; run chmod 600 /f'],
    [0, 0, 0o640, 'has mode 0640: others have access; run chmod 600 /f'],
    [0, group, 0o660, 'has mode 0660: others have access; run chmod 640 /f'],
    [0, group, 0o644, 'has mode 0644: others have access; run chmod 640 /f'],
    // Its own files are its owner's alone.
    [4754, group, 0o640, 'has mode 0640: others have access; run chmod 600 /f'],
  ])('may read what belongs to root: of user %d and group %d, mode %d (decimal)', (uid, gid, mode, said) => {
    asService();
    expect(foreignAccess('/f', { uid, gid, mode: 0o100000 | mode } as Stats, ANY_ACCESS)).toBe(said);
  });

  it('is offered no file by whoever is not the service', () => {
    asService();
    expect(accessRemedy('/etc/l2vpnd/site1.json')).toBe('');
  });
});

describe('a configuration with keys in it', () => {
  it.each(['0640', '0604', '0644', '0620', '0602', '0666'])('of mode %s is refused', (octal) => {
    const path = file('inline.json', JSON.stringify(sample()), Number.parseInt(octal, 8));
    expect(refusal(() => loadConfig(path))).toMatchObject({
      code: 'L2VPN_KEYFILE',
      exitStatus: 78,
      message: `${path} holds keys and has mode ${octal}: others have access; run chmod 600 ${path}`,
    });
  });

  it.each<[string, (text: string) => string]>([
    ['in a comment', (text) => `${text}\n// "key": "${'9e'.repeat(16)}"`],
    ['beside a syntax error', (text) => `${text.slice(0, -1)}, "key": "${KEY_A}" !`],
    ['with an escape in it', (text) => text.replace('"keyFile":"b.key"', `"key":"\\u0033${'c'.repeat(31)}"`)],
  ])('%s is refused as any', (_, change) => {
    const value = sample();
    file('a.key', KEY_A, 0o600);
    file('b.key', KEY_B, 0o600);
    value.tunnels[0].macsec.txSa[0] = { keyFile: 'a.key' };
    value.tunnels[0].macsec.rxSc[0].sa[0] = { keyFile: 'b.key' };
    const path = file('hidden.json', change(JSON.stringify(value)), 0o644);
    expect(refusal(() => loadConfig(path))).toMatchObject({
      code: 'L2VPN_KEYFILE',
      message: expect.stringMatching(/holds keys and has mode 0644: others have access; run chmod 600/),
    });
  });

  it.runIf(isRoot)('of another user is refused', () => {
    const path = file('inline.json', JSON.stringify(sample()), 0o600);
    chownSync(path, stranger, 0);
    expect(refusal(() => loadConfig(path)).message).toMatch(
      new RegExp(`holds keys and belongs to user ${stranger}; run chown 0 `),
    );
  });
});

describe('a configuration with key files only', () => {
  it.each(['0644', '0600', '0444'])('may have mode %s', (octal) => {
    expect(loadConfig(withKeyFiles(Number.parseInt(octal, 8))).tunnels).toHaveLength(1);
  });

  it.each(['0664', '0646', '0622'])('may not be written by others: mode %s', (octal) => {
    expect(refusal(() => loadConfig(withKeyFiles(Number.parseInt(octal, 8))))).toMatchObject({
      code: 'L2VPN_KEYFILE',
      exitStatus: 78,
      message: expect.stringMatching(
        /run chmod go-w .*files\.json; who writes a configuration chooses its keys$/,
      ),
    });
  });

  it.runIf(isRoot)('may not belong to another user', () => {
    const path = withKeyFiles(0o644);
    chownSync(path, stranger, 0);
    expect(refusal(() => loadConfig(path)).message).toMatch(/belongs to user .*; run chown 0 /);
  });

  it.runIf(isRoot)('nor may its key files', () => {
    const path = withKeyFiles(0o644);
    chownSync(join(dir, 'b.key'), stranger, 0);
    const change: Json = refusal(() => loadConfig(path));
    expect([change.code, change.exitStatus]).toEqual(['L2VPN_KEYFILE', 78]);
    expect(change.message).toMatch(
      /^files\.json:1: tunnels\[0\]\.macsec\.rxSc\[0\]\.sa\[0\]\.keyFile: key file \S+b\.key belongs to user \d+; run chown 0 /,
    );
  });
});
