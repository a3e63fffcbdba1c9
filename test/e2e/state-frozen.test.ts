/** A state directory on a file system that is frozen, as a snapshot of a virtual machine or a volume does it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const TOOLS = ['/usr/sbin/mkfs.ext4', '/usr/sbin/fsfreeze', '/dev/loop-control'];
const lack = TOOLS.find((path) => !existsSync(path));
if (lack !== undefined)
  process.stdout.write(`SKIPPED a frozen state directory under traffic: needs ${lack}\n`);

/** An ext4 of its own, mounted at `at`. */
class Volume {
  readonly at: string;
  readonly #dir: string;

  constructor() {
    this.#dir = mkdtempSync(join(tmpdir(), 'l2vpnd-volume-'));
    this.at = join(this.#dir, 'mnt');
    const image = join(this.#dir, 'image');
    mkdirSync(this.at, { mode: 0o700 });
    execFileSync('truncate', ['-s', '8M', image]);
    execFileSync('/usr/sbin/mkfs.ext4', ['-q', image]);
    execFileSync('mount', ['-o', 'loop', image, this.at]);
  }

  freeze(): void {
    execFileSync('/usr/sbin/fsfreeze', ['-f', this.at]);
  }

  /** Also where it is not frozen. */
  thaw(): void {
    try {
      execFileSync('/usr/sbin/fsfreeze', ['-u', this.at], { stdio: 'ignore' });
    } catch {
      // It was not.
    }
  }

  dispose(): void {
    this.thaw();
    execFileSync('umount', ['-l', this.at]);
    rmSync(this.#dir, { recursive: true });
  }
}

/** The lowest packet number that a restart would accept, as it is stored now. */
async function storedRx(dir: string): Promise<number> {
  const name = (await readdir(dir)).find((file) => file.endsWith('.rx.json'));
  if (name === undefined) return 0;
  return Number(JSON.parse(await readFile(join(dir, name), 'utf8')).pn);
}

async function storedTx(dir: string): Promise<number> {
  const name = (await readdir(dir)).find((file) => file.endsWith('.tx.json'))!;
  return Number(JSON.parse(await readFile(join(dir, name), 'utf8')).pn);
}

/** Of the process, as `ps` shows it: its first thread's. */
async function stateOf(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return status.match(/^State:\s+(.*)/m)?.[1] ?? '';
}

suite('a state directory whose file system is frozen', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'frozen' });
  let volume: Volume | undefined;
  beforeEach(() => {
    if (lack === undefined) volume = new Volume();
  });
  // Runs before the lab ends its daemons: what waits for the disk cannot be killed.
  afterEach(async () => {
    volume?.thaw();
    await lab.disposeSites();
    volume?.dispose();
    volume = undefined;
  });

  const start = async (): Promise<[Site, string]> => {
    const stateDir = join(volume!.at, 'state');
    const [site1, site2] = [lab.site(1, {}, { stateDir }), lab.site(2)];
    await Promise.all([site1.start(), site2.start()]);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    return [site1, stateDir];
  };

  it.skipIf(lack !== undefined)(
    'under traffic: every frame arrives, show answers, the log says it; thawed, what was missed is stored',
    async () => {
      lab.explainFailure();
      const [site1, stateDir] = await start();
      const before = await storedRx(stateDir);
      volume!.freeze();
      const ping = lab.topology.host1.start(['ping', '-n', '-q', '-i', '0.05', '-c', '300', '192.168.1.2']);
      const shown = await site1.command('show', '-s');
      expect(`${shown.code} ${shown.stdout}`).toMatch(/^0 /);
      await site1.waitForLog(/stateDir \S+ does not answer; is its file system frozen/, 20_000);
      expect((await site1.command('show')).code).toBe(0);
      await ping.waitFor(/300 packets transmitted, 300 received/, 30_000);
      volume!.thaw();
      await site1.waitForLog(/packet numbers are stored again/);
      const { OutPktsEncrypted: sent = 0 } = await site1.counters();
      await site1.stop();
      expect(await storedRx(stateDir)).toBeGreaterThanOrEqual(before + 300);
      expect(await storedTx(stateDir)).toBe(sent + 1);
    },
  );

  it.skipIf(lack !== undefined)('SIGTERM ends the daemon in 15 s, as far as the kernel lets it', async () => {
    lab.explainFailure();
    const [site1, stateDir] = await start();
    const { nsra, host1 } = lab.topology;
    volume!.freeze();
    await host1.must(['ping', '-n', '-q', '-i', '0.05', '-c', '60', '192.168.1.2']);
    const { OutPktsEncrypted: sent = 0 } = await site1.counters();
    process.kill(site1.pid, 'SIGTERM');
    await site1.waitForLog(/stateDir \S+ does not answer: not all packet numbers are stored/, 15_000);
    await site1.waitForLog(/"msg":"stopped"/, 4000);
    // Its one thread that is left waits where no signal ends it.
    await expect.poll(() => stateOf(site1.pid), { timeout: 4000 }).toMatch(/^Z/);
    expect((await nsra.run(['ip', 'link', 'show', 'macsec1'])).code).not.toBe(0);
    volume!.thaw();
    expect(await site1.stop()).toEqual({ code: 0, signal: null });
    expect(await storedTx(stateDir)).toBeGreaterThan(sent);
    await site1.start();
    await pingUntil(host1, '192.168.1.2');
  });
});
