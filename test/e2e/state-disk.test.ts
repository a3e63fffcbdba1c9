/** The state store on file systems that are really full, read-only, frozen or forgetful, each in a mount namespace of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { suite } from './support.ts';

interface Answer {
  id?: number;
  event?: string;
  result?: unknown;
  error?: string;
}

class StateProcess {
  readonly events: string[] = [];
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor(dir: string, mounts: string[]) {
    const entry = new URL('../../dist/test/e2e/state-child.js', import.meta.url).pathname;
    const args = ['-m', process.execPath, entry, dir, ...mounts];
    this.#child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ready = new Promise((resolve, reject) => {
      this.#child.on('close', (status) => reject(new Error(`the child ended with ${status}`)));
      createInterface({ input: this.#child.stdout! }).on('line', (line) => {
        const answer: Answer = JSON.parse(line);
        if (answer.id !== undefined) this.#waiting.get(answer.id)!(answer);
        else if (answer.event === 'ready') resolve();
        else this.events.push(answer.event!);
      });
    });
  }

  ask(request: string, argument = 0): Promise<Answer> {
    const id = ++this.#lastId;
    this.#child.stdin!.write(`${JSON.stringify({ id, request, argument })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Runs `command` where the process sees its mounts. */
  run(command: string): void {
    execFileSync('nsenter', ['-t', String(this.#child.pid), '-m', 'sh', '-c', command]);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.on('close', resolve));
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) await ended;
  }
}

let dir: string;
let state: StateProcess | undefined;
/** What must not stay, whatever becomes of a test: a frozen file system outlives its mount. */
let thaw: () => void = () => {};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-disk-'));
});
afterEach(async () => {
  thaw();
  thaw = () => {};
  await state?.end();
  state = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function start(at: string, ...mounts: string[]): Promise<StateProcess> {
  state = new StateProcess(at, mounts);
  await state.ready;
  return state;
}

suite('the state directory on a real file system', {}, () => {
  it('that is full: nothing is granted, and the next try works once there is room', async () => {
    const full = await start(dir, `mount -t tmpfs -o size=32k,mode=700 tmpfs ${dir}`);
    expect(await full.ask('volatile')).toMatchObject({ result: 'tmpfs' });
    expect(await full.ask('reserve', 100)).toMatchObject({ result: null });
    full.run(`dd if=/dev/zero of=${dir}/fill bs=4096 2>/dev/null || true`);
    expect((await full.ask('reserve', 200)).error).toMatch(
      /cannot be stored in \S+: ENOSPC.*; free space there/,
    );
    expect(await full.ask('next')).toMatchObject({ result: 100 });
    full.run(`rm ${dir}/fill`);
    expect(await full.ask('reserve', 200)).toMatchObject({ result: null });
    expect(full.events).toEqual([]);
  });

  it('that becomes read-only: nothing is granted, and the next try works once it is writable', async () => {
    const readOnly = await start(dir);
    expect(await readOnly.ask('reserve', 100)).toMatchObject({ result: null });
    readOnly.run(`mount --bind ${dir} ${dir} && mount -o remount,bind,ro ${dir}`);
    expect((await readOnly.ask('reserve', 200)).error).toMatch(/EROFS.*; mount the file system writable/);
    expect(await readOnly.ask('next')).toMatchObject({ result: 100 });
    readOnly.run(`umount ${dir}`);
    expect(await readOnly.ask('reserve', 200)).toMatchObject({ result: null });
    expect(readOnly.events).toEqual([]);
  });

  it("that is a container's own: it says so", async () => {
    const [low, up, work, merged] = ['low', 'up', 'work', 'merged'].map((name) => join(dir, name));
    const overlay = await start(
      merged!,
      `mkdir -m 700 ${low} ${up} ${work} ${merged}`,
      `mount -t overlay overlay -o lowerdir=${low},upperdir=${up},workdir=${work} ${merged}`,
    );
    expect(await overlay.ask('volatile')).toMatchObject({ result: 'overlay' });
    expect(await overlay.ask('reserve', 100)).toMatchObject({ result: null });
  });

  const lack = ['/usr/sbin/mkfs.ext4', '/usr/sbin/fsfreeze', '/dev/loop-control'].find(
    (path) => !existsSync(path),
  );
  if (lack !== undefined) process.stdout.write(`SKIPPED a frozen file system: needs ${lack}\n`);
  it.skipIf(lack !== undefined)(
    'that is frozen: the grant waits, names are resolved and others answered; then all is stored',
    { timeout: 20_000 },
    async () => {
      const [image, at] = [join(dir, 'image'), join(dir, 'mnt')];
      const frozen = await start(
        at,
        `mkdir -m 700 ${at}`,
        `truncate -s 8M ${image}`,
        `mkfs.ext4 -q ${image}`,
        `mount -o loop ${image} ${at}`,
      );
      expect(await frozen.ask('volatile')).toMatchObject({ result: null });
      expect(await frozen.ask('reserve', 100)).toMatchObject({ result: null });
      thaw = () => frozen.run(`fsfreeze -u ${at} 2>/dev/null || true`);
      frozen.run(`fsfreeze -f ${at}`);
      const stored: unknown[] = [];
      const writes = [
        frozen.ask('reserve', 200),
        ...[1, 2, 3, 4, 5, 6].map((i) => frozen.ask('endpoint', i)),
      ];
      for (const write of writes) write.then((answer) => stored.push(answer));
      // Each needs a thread of the pool that the writes are in.
      for (let i = 0; i < 20; i++) expect(await frozen.ask('lookup')).toMatchObject({ result: '127.0.0.1' });
      expect(await frozen.ask('next')).toMatchObject({ result: 100 });
      expect(stored).toEqual([]);
      thaw();
      await Promise.all(writes);
      expect(await frozen.ask('next')).toMatchObject({ result: 200 });
      expect(stored).toHaveLength(7);
    },
  );
});
