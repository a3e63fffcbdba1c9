import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HeldName, hostLocks, type NameHolder } from '../../../src/host/host-lock.ts';
import { loadAddon } from '../../../src/native/load.ts';

let folder: string;
let name: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'l2vpnd-lock-'));
  name = `l2vpnd-test/${folder}`;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function held(taken: HeldName | NameHolder): HeldName {
  if ('release' in taken) return taken;
  throw new Error(`held by ${taken.pid}`);
}

describe('a name of the host', () => {
  it('is held once, and the second is told by whom', () => {
    const lock = held(hostLocks.lockName(name));
    expect(hostLocks.lockName(name)).toEqual({ pid: process.pid, uid: process.geteuid!() });
    lock.release();
    held(hostLocks.lockName(name)).release();
  });

  it('is free when its process is killed', async () => {
    const addon = new URL('../../../native/build/Release/l2vpnd.node', import.meta.url).pathname;
    const code = `
      const fd = require(${JSON.stringify(addon)}).lockName(${JSON.stringify(name)}, new Int32Array(2));
      require('node:fs').writeSync(1, String(fd));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(hostLocks.lockName(name)).toEqual({ pid: child.pid, uid: process.geteuid!() });
    child.kill('SIGKILL');
    await once(child, 'close');
    held(hostLocks.lockName(name)).release();
  });

  it('stays held, by somebody, when strangers have filled its backlog', async () => {
    const lock = held(hostLocks.lockName(name));
    // Python: node's net fills a name in the abstract namespace up with zeros.
    const code = `
import socket, sys
held = []
try:
    while True:
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].setblocking(False)
        held[-1].connect(b'\\0' + sys.argv[1].encode())
except BlockingIOError:
    print(len(held), flush=True)
    sys.stdin.read()`;
    const strangers = spawn('python3', ['-c', code, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [said] = await once(strangers.stdout, 'data');
    expect(Number(said)).toBeLessThan(10);
    expect(hostLocks.lockName(name)).toEqual({ pid: -1, uid: -1 });
    strangers.stdin.end();
    await once(strangers, 'close');
    lock.release();
  });

  it('too long, or with a holder too short: refused', () => {
    const addon = loadAddon();
    expect(() => addon.lockName('x'.repeat(200), new Int32Array(2))).toThrow(/expected a shorter string/);
    expect(() => addon.lockName(name, new Int32Array(1))).toThrow(/"holder" expected 2 elements/);
    expect(() => addon.lockName(name, new Uint8Array(8) as unknown as Int32Array)).toThrow(
      /"holder" expected/,
    );
  });
});

describe('an open file', () => {
  it('is locked once, until it is closed', () => {
    const path = join(folder, 'lock');
    const [a, b] = [openSync(path, 'w'), openSync(path, 'w')];
    expect(hostLocks.lockFd(a)).toBe(true);
    expect(hostLocks.lockFd(b)).toBe(false);
    closeSync(a);
    expect(hostLocks.lockFd(b)).toBe(true);
    closeSync(b);
    expect(() => hostLocks.lockFd(b)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});
