import { spawn } from 'node:child_process';
import { createHash, createSecretKey } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { L2vpnError } from '../../../src/errors.ts';
import type { StateFs } from '../../../src/state/pn-file.ts';
import { channelId, type LockFile, openState, type PnChannel } from '../../../src/state/state.ts';

const KEY = createSecretKey(Buffer.from('c0ffee00c0ffee00c0ffee00c0ffee00', 'hex'));
const OTHER_KEY = createSecretKey(Buffer.alloc(16, 2));
const CHANNEL: PnChannel = { sak: KEY, sci: '0000001111110001', ssci: null, keyId: '01' };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-state-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Locks as one process sees them: nobody else holds one. */
const free: LockFile = (path) => openSync(path, 'w', 0o600);
const held: LockFile = () => -1;

function refusal(run: () => unknown): L2vpnError {
  try {
    run();
  } catch (error) {
    if (error instanceof L2vpnError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('openState', () => {
  it('makes the directory, its parents too, for its owner only', () => {
    const deep = join(dir, 'a/b/c');
    openState(deep, free);
    expect(statSync(deep).mode & 0o777).toBe(0o700);
  });

  it('a directory that cannot be made ends with 73', () => {
    writeFileSync(join(dir, 'file'), '');
    const error = refusal(() => openState(join(dir, 'file/state'), free));
    expect(error).toMatchObject({ code: 'L2VPN_CANTCREATE', exitStatus: 73 });
    expect(error.message).toMatch(/stateDir \S+\/file\/state cannot be written: ENOTDIR/);
  });

  it('a directory that cannot be written ends with 73', () => {
    const readOnly = failing({ accessSync: 'EROFS' });
    expect(refusal(() => openState(dir, free, readOnly))).toMatchObject({
      code: 'L2VPN_CANTCREATE',
      exitStatus: 73,
    });
  });
});

describe('transmit numbers', () => {
  it('begin at the pn of the configuration, and say that nothing was stored', () => {
    expect(openState(dir, free).openTx(CHANNEL, 7n)).toMatchObject({ next: 7n, fresh: true });
  });

  it('go on at the ceiling after a crash', () => {
    openState(dir, free).openTx(CHANNEL, 1n).reserve(1000n);
    expect(openState(dir, free).openTx(CHANNEL, 1n)).toMatchObject({ next: 1000n, fresh: false });
  });

  it('go on where they stopped after a clean stop', () => {
    const tx = openState(dir, free).openTx(CHANNEL, 1n);
    tx.reserve(1000n);
    tx.close(17n);
    expect(openState(dir, free).openTx(CHANNEL, 1n).next).toBe(17n);
  });

  it('belong to key and SCI, not to key identifier or tunnel', () => {
    openState(dir, free).openTx(CHANNEL, 1n).reserve(1000n);
    expect(openState(dir, free).openTx({ ...CHANNEL, keyId: 'ff' }, 1n).next).toBe(1000n);
    expect(openState(dir, free).openTx({ ...CHANNEL, sak: OTHER_KEY }, 1n).next).toBe(1n);
    expect(openState(dir, free).openTx({ ...CHANNEL, sci: '0000001111110002' }, 1n).next).toBe(1n);
  });

  it('belong to key and SSCI with XPN, whose nonce has no SCI', () => {
    openState(dir, free)
      .openTx({ ...CHANNEL, ssci: 1 }, 1n)
      .reserve(1000n);
    expect(openState(dir, free).openTx({ ...CHANNEL, ssci: 1, sci: '0000009999990001' }, 1n).next).toBe(
      1000n,
    );
    expect(openState(dir, free).openTx({ ...CHANNEL, ssci: 2 }, 1n).next).toBe(1n);
  });

  it('reach the numbers of XPN', () => {
    const tx = openState(dir, free).openTx({ ...CHANNEL, ssci: 0 }, 2n ** 52n);
    for (const ceiling of [2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n + 12345n, 2n ** 64n - 1n, 2n ** 64n]) {
      tx.reserve(ceiling);
      expect(openState(dir, free).openTx({ ...CHANNEL, ssci: 0 }, 1n).next).toBe(ceiling);
    }
    const rx = openState(dir, free).openRx({ ...CHANNEL, ssci: 0 }, 2n ** 60n);
    rx.save(2n ** 60n + 1n);
    expect(openState(dir, free).openRx({ ...CHANNEL, ssci: 0 }, 1n).lowest).toBe(2n ** 60n + 1n);
  });

  it.each([
    ['a number, as it was written before there were longer ones', 1000, 1000n],
    ['the largest number that it was', Number.MAX_SAFE_INTEGER, 2n ** 53n - 1n],
    ['digits beyond that', '9007199254740992', 2n ** 53n],
    ['the end of all', '18446744073709551616', 2n ** 64n],
  ])('are read from the file: %s', (_, stored, next) => {
    const { path } = openState(dir, free).openTx(CHANNEL, 1n);
    const fields = { version: 1, sci: CHANNEL.sci, keyId: '01', pn: stored };
    const signed = JSON.stringify([1, basename(path), CHANNEL.sci, '01', stored]);
    const checksum = createHash('sha256').update(signed).digest('hex').slice(0, 16);
    writeFileSync(path, JSON.stringify({ ...fields, checksum }));
    expect(openState(dir, free).openTx(CHANNEL, 1n)).toMatchObject({ next, fresh: false });
  });

  it('never go back, whatever is reserved and closed', () => {
    const steps = fc.array(
      fc.record({
        grant: fc.bigInt({ min: 1n, max: 1000n }),
        used: fc.double({ min: 0, max: 1, noNaN: true }),
        crash: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(steps, (list) => {
        rmSync(dir, { recursive: true, force: true });
        let used = 1n;
        for (const { grant, used: share, crash } of list) {
          const tx = openState(dir, free).openTx(CHANNEL, 1n);
          expect(tx.next).toBeGreaterThanOrEqual(used);
          const start = tx.next;
          tx.reserve(start + grant);
          used = start + BigInt(Math.floor(Number(grant) * share));
          if (!crash) tx.close(used);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each([0n, 1n, 999n, 1000n, -1n, 2n ** 64n + 1n])(
    'a ceiling of %d is refused after 1000 was granted',
    (ceiling) => {
      const tx = openState(dir, free).openTx(CHANNEL, 1n);
      tx.reserve(1000n);
      expect(refusal(() => tx.reserve(ceiling)).code).toBe('L2VPN_INTERNAL');
      expect(tx.next).toBe(1000n);
    },
  );

  it('cannot be closed below where they began', () => {
    openState(dir, free).openTx(CHANNEL, 500n).reserve(1000n);
    const tx = openState(dir, free).openTx(CHANNEL, 1n);
    expect(refusal(() => tx.close(999n)).code).toBe('L2VPN_INTERNAL');
    expect(openState(dir, free).openTx(CHANNEL, 1n).next).toBe(1000n);
  });

  it('serve one daemon at a time', () => {
    const error = refusal(() => openState(dir, held).openTx(CHANNEL, 1n));
    expect(error).toMatchObject({ code: 'L2VPN_UNAVAILABLE', exitStatus: 69 });
    expect(error.message).toMatch(/another l2vpnd sends with key 01 and SCI 0000001111110001/);
  });

  it('release the lock at close, and where the state is refused', () => {
    const descriptors: number[] = [];
    const watched: LockFile = (path) => {
      const fd = free(path);
      descriptors.push(fd);
      return fd;
    };
    const tx = openState(dir, watched).openTx(CHANNEL, 1n);
    tx.reserve(10n);
    tx.close(5n);
    refusal(() => openState(dir, watched).openTx(CHANNEL, 50n));
    expect(descriptors).toHaveLength(2);
    for (const fd of descriptors) expect(() => nodeFs.fstatSync(fd)).toThrow(/EBADF/);
  });
});

describe('stored numbers that cannot be believed', () => {
  it('older than the configuration: 71 and a remedy', () => {
    openState(dir, free).openTx(CHANNEL, 1n).reserve(1000n);
    const error = refusal(() => openState(dir, free).openTx(CHANNEL, 1001n));
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(error.message).toMatch(
      /stand at 1000, older than the pn 1001 that the configuration demands.*new key/,
    );
  });

  it.each<[string, (text: string) => string]>([
    ['empty', () => ''],
    ['cut off', (text) => text.slice(0, -20)],
    ['no JSON', () => 'next = 5'],
    ['edited', (text) => text.replace('"pn":1000', '"pn":1001')],
    ['of another version', (text) => text.replace('"version":1', '"version":2')],
    ['a list', () => '[]'],
    ['null', () => 'null'],
    ['very long', (text) => text + ' '.repeat(10_000)],
    ['binary', () => '\0\0\0\0'],
  ])('%s: 71 and a remedy, never from 1 again', (_what, damage) => {
    const state = openState(dir, free);
    const tx = state.openTx(CHANNEL, 1n);
    tx.reserve(1000n);
    const rx = state.openRx(CHANNEL, 1n);
    rx.save(1000n);
    for (const path of [tx.path, rx.path]) writeFileSync(path, damage(readFileSync(path, 'utf8')));
    for (const open of [() => state.openTx(CHANNEL, 1n), () => state.openRx(CHANNEL, 1n)]) {
      const error = refusal(open);
      expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
      expect(error.message).toMatch(/are corrupt: restore the file, or take a new key/);
    }
  });

  it('exchanged for the file of another channel: refused', () => {
    const state = openState(dir, free);
    const [a, b] = [state.openTx(CHANNEL, 1n), state.openTx({ ...CHANNEL, sak: OTHER_KEY }, 1n)];
    a.reserve(10n);
    b.reserve(1000n);
    nodeFs.copyFileSync(a.path, b.path);
    expect(refusal(() => state.openTx({ ...CHANNEL, sak: OTHER_KEY }, 1n)).code).toBe('L2VPN_STATE');
  });

  it('unreadable: refused', () => {
    const state = openState(dir, free);
    nodeFs.mkdirSync(state.openTx(CHANNEL, 1n).path);
    expect(refusal(() => state.openTx(CHANNEL, 1n)).message).toMatch(/cannot be read: EISDIR/);
  });
});

describe('receive numbers', () => {
  it('begin at the pn of the configuration', () => {
    expect(openState(dir, free).openRx(CHANNEL, 5n)).toMatchObject({ lowest: 5n, fresh: true });
  });

  it('go forward only', () => {
    const rx = openState(dir, free).openRx(CHANNEL, 1n);
    rx.save(100n);
    rx.save(50n);
    rx.close();
    expect(openState(dir, free).openRx(CHANNEL, 1n)).toMatchObject({ lowest: 100n, fresh: false });
  });

  it('follow a configuration that demands more', () => {
    openState(dir, free).openRx(CHANNEL, 1n).save(100n);
    expect(openState(dir, free).openRx(CHANNEL, 200n).lowest).toBe(200n);
  });
});

describe('the files', () => {
  it('hold no key, nor does their name, and only their owner reads them', () => {
    const state = openState(dir, free);
    state.openTx(CHANNEL, 1n).reserve(10n);
    state.openRx(CHANNEL, 1n).save(10n);
    for (const name of readdirSync(dir)) {
      expect(name + readFileSync(join(dir, name), 'utf8')).not.toMatch(/c0ffee/i);
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    }
    expect(channelId(CHANNEL)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('a disk that fails', () => {
  const calls = ['openSync', 'writeSync', 'fsyncSync', 'renameSync'] as const;

  it.each(calls)('%s: nothing is granted, and trying again works', (call) => {
    let broken = false;
    const fs = failing({ [call]: 'ENOSPC' }, () => broken);
    const tx = openState(dir, free, fs).openTx(CHANNEL, 1n);
    tx.reserve(100n);
    broken = true;
    const error = refusal(() => tx.reserve(200n));
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(error.message).toMatch(/cannot be stored in \S+: ENOSPC/);
    expect(tx.next).toBe(100n);
    expect(openState(dir, free).openTx(CHANNEL, 1n).next).toBeGreaterThanOrEqual(100n);
    broken = false;
    tx.reserve(200n);
    expect(openState(dir, free).openTx(CHANNEL, 1n).next).toBe(200n);
  });

  it('a short write is a failure', () => {
    const fs: StateFs = { ...nodeFs, writeSync: (() => 3) as StateFs['writeSync'] };
    expect(refusal(() => openState(dir, free, fs).openTx(CHANNEL, 1n).reserve(5n)).message).toMatch(
      /a part only/,
    );
    expect(openState(dir, free).openTx(CHANNEL, 1n).next).toBe(1n);
  });

  it('file, then name, then directory: each is on disk before the next step', () => {
    const done: string[] = [];
    const fs: StateFs = {
      ...nodeFs,
      fsyncSync: (fd) => {
        done.push(`fsync ${nodeFs.fstatSync(fd).isDirectory() ? 'directory' : 'file'}`);
        nodeFs.fsyncSync(fd);
      },
      renameSync: (from, to) => {
        done.push('rename');
        nodeFs.renameSync(from, to);
      },
    };
    openState(dir, free, fs).openTx(CHANNEL, 1n).reserve(100n);
    expect(done).toEqual(['fsync file', 'rename', 'fsync directory']);
  });
});

describe('kill -9', () => {
  it('at any moment while numbers are granted never yields a number that was granted before', {
    timeout: 60_000,
  }, async () => {
    const script = join(dir, 'reserve.mjs');
    writeFileSync(script, RESERVE_FOREVER);
    const stateDir = join(dir, 'state');
    for (let round = 0; round < 8; round++) {
      const granted = await runAndKill(script, stateDir, 3 + Math.random() * 25);
      const { next } = openState(stateDir, free).openTx(CHANNEL, 1n);
      expect(next).toBeGreaterThanOrEqual(granted);
    }
  });
});

/** Grants numbers one after another, says each ceiling once it is granted, until it is killed. */
const RESERVE_FOREVER = `
import { createSecretKey } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
const { openState } = await import(process.argv[2]);
const sak = createSecretKey(Buffer.from('${KEY.export().toString('hex')}', 'hex'));
const state = openState(process.argv[3], (path) => openSync(path, 'w'));
const tx = state.openTx({ sak, sci: '${CHANNEL.sci}', ssci: null, keyId: '01' }, 1n);
for (let ceiling = tx.next + 1n; ; ceiling++) {
  tx.reserve(ceiling);
  writeSync(1, ceiling + '\\n');
}
`;

/** Kills the script `afterMs` after its first grant; returns the highest ceiling that it said. */
function runAndKill(script: string, stateDir: string, afterMs: number): Promise<number> {
  const entry = new URL('../../../dist/src/state/state.js', import.meta.url).href;
  const child = spawn(process.execPath, [script, entry, stateDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
      said += chunk;
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      const ceilings = said.split('\n').slice(0, -1);
      if (signal !== 'SIGKILL' || ceilings.length === 0)
        reject(new Error('the child did not run; npm run build:ts first'));
      else resolve(Number(ceilings.at(-1)));
    });
  });
}

/** node:fs whose `calls` fail with an errno while `broken` says so. */
function failing(calls: Partial<Record<keyof StateFs, string>>, broken: () => boolean = () => true): StateFs {
  const broke = Object.entries(calls).map(([name, code]) => [
    name,
    (...args: unknown[]) => {
      if (broken()) throw Object.assign(new Error(`${code}: injected`), { code });
      return (nodeFs as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
    },
  ]);
  return { ...nodeFs, ...Object.fromEntries(broke) };
}
