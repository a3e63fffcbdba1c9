/**
 * The "Use" section of README.md, line by line as it stands, at two sites with an /etc, a /run and a /var/lib of their
 * own. What only a real host has is a program of the test: `sudo` (root runs this), `scp` (copies into the other site's
 * tree).
 */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { Capture } from '../../lab/capture.ts';
import type { Background, RunResult } from '../../lab/run.ts';
import { daemonPath } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { Lab, pingUntil, suite } from './support.ts';

/** The lines of the section's shell blocks, block by block. */
async function useBlocks(): Promise<string[][]> {
  const readme = await readFile('README.md', 'utf8');
  const [, section = ''] = /\n## Use\n([\s\S]*?)\n## /.exec(readme) ?? [];
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!.trimEnd().split('\n'));
}

/** A router with directories of its own in the places that README names. */
class Host {
  readonly root: string;
  readonly #space: Namespace;
  readonly #env: NodeJS.ProcessEnv;
  readonly #cwd: string;
  #mounts: Background | undefined;
  #daemon: Background | undefined;

  constructor(space: Namespace, root: string, env: NodeJS.ProcessEnv, cwd: string) {
    this.#space = space;
    this.root = root;
    this.#env = env;
    this.#cwd = cwd;
  }

  async prepare(): Promise<void> {
    await cp('/etc', join(this.root, 'etc'), { recursive: true, verbatimSymlinks: true });
    // What the package makes.
    await mkdir(join(this.root, 'etc/l2vpnd'), { recursive: true, mode: 0o700 });
    for (const dir of ['run', 'var/lib']) await mkdir(join(this.root, dir), { recursive: true });
    const binds = ['etc', 'run', 'var/lib'].map((dir) => `mount --bind ${join(this.root, dir)} /${dir}`);
    // `ip netns exec` has made a mount namespace of its own: no other process sees these.
    this.#mounts = this.#space.start(['sh', '-c', `${binds.join(' && ')} && echo ready && exec cat`], {
      interactive: true,
    });
    await this.#mounts.waitFor(/^ready$/);
  }

  run(line: string): Promise<RunResult> {
    return this.#space.run(this.#argv(line), { env: this.#env });
  }

  async startDaemon(line: string): Promise<void> {
    // `exec` all the way: its pid is the daemon's.
    this.#daemon = this.#space.start(this.#argv(`exec ${line}`), { env: this.#env });
    await this.#daemon.waitFor(/"msg":"ready"/);
  }

  async waitForLog(pattern: RegExp): Promise<void> {
    await this.#daemon!.waitFor(pattern);
  }

  output(): string {
    return this.#daemon?.lines.join('\n') ?? '(not started)';
  }

  async stopDaemon(): Promise<void> {
    if (this.#daemon?.exit === undefined) await this.#daemon?.stop('SIGTERM');
  }

  async dispose(): Promise<void> {
    await this.stopDaemon();
    await this.#mounts?.stop('SIGKILL');
  }

  #argv(line: string): string[] {
    const script = `exec 2>&1; cd ${this.#cwd} && ${line}`;
    return ['nsenter', '-t', String(this.#mounts!.pid), '-m', 'sh', '-c', script];
  }
}

suite('README, "Use"', {}, () => {
  const lab = new Lab({ prefix: 'readme' });
  let dir: string;
  let hosts: [Host, Host];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-readme-'));
    const [bin, checkout] = [join(dir, 'bin'), join(dir, 'checkout')];
    for (const path of [bin, checkout]) await mkdir(path);
    await symlink(resolve('examples'), join(checkout, 'examples'));
    const program = async (name: string, script: string): Promise<void> => {
      await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, name), 0o755);
    };
    await program('sudo', 'exec "$@"');
    await program('l2vpnd', `exec ${process.execPath} ${daemonPath()} "$@"`);
    await program(
      'scp',
      `for last; do :; done; test "$1" = -p && cp "$1" "$2" "$3" "${dir}/2\${last#root@2.2.2.2:}"`,
    );
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const { nsra, nsrb } = lab.topology;
    hosts = [new Host(nsra, join(dir, '1'), env, checkout), new Host(nsrb, join(dir, '2'), env, checkout)];
    for (const host of hosts) await host.prepare();
  });
  afterAll(async () => {
    for (const host of hosts) await host.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  /** Runs a line that must succeed. */
  async function must(host: Host, line: string): Promise<string> {
    const { code, stdout, stderr } = await host.run(line);
    expect(`${code} ${line}\n${code === 0 ? '' : stdout + stderr}`).toBe(`0 ${line}\n`);
    return stdout;
  }

  it('works as written: from the first line to a rotation of static keys', async () => {
    onTestFailed(() => {
      for (const host of hosts) process.stdout.write(`--- ${host.root}\n${host.output()}\n`);
    });
    const [first, second] = hosts;
    const { host1, wan } = lab.topology;
    const [init, use, fixed, rotation, ...others] = await useBlocks();
    expect(others).toEqual([]);
    for (const line of init!) await must(first, line);

    /** Runs the lines that use a tunnel; where they start a daemon both sites do, and a ping is captured. */
    const useTunnel = async (): Promise<string[]> => {
      const said: string[] = [];
      for (const line of use!) {
        if (!line.startsWith('sudo l2vpnd --config')) {
          said.push(await must(first, line));
          continue;
        }
        await first.startDaemon(line);
        await second.startDaemon(line.replace('site1.json', 'site2.json'));
        const capture = await Capture.start(wan, 'wan1', join(dir, 'checkout', 'wan.pcap'));
        await pingUntil(host1, '192.168.1.2');
        // What was heard is looked at once a second.
        await first.waitForLog(/first authentic frame from 2\.2\.2\.2|the peer is live/);
        await capture.stop();
      }
      expect(said[1]).toMatch(/^site2 {2}up \d+s {2}peer alive, heard \d+s ago {2}2\.2\.2\.2/);
      expect(said[2]).toMatch(/^\d+: macsec1: protect on/m);
      // This machine's clock and settings are no business of ours.
      const ofTheTunnel = said.filter((text) => !/^\d+ faults?, \d+ warnings?/m.test(text));
      expect(ofTheTunnel).toHaveLength(said.length - 1);
      expect(ofTheTunnel.join('')).not.toMatch(/warning/);
      return said;
    };
    const agreed = await useTunnel();
    expect(agreed[0]).toContain('"cak": "(hidden, 32 octets)"');
    for (const host of hosts) await host.stopDaemon();

    const [install2, ...keys] = fixed!;
    for (const host of hosts) await must(host, install2!);
    for (const line of keys) await must(first, line);
    const said = await useTunnel();
    expect(said[0]).toContain('"key": "(hidden, 16 octets)"');
    expect(said.at(-1)).toMatch(/tunnel site2, received: ACCEPTED/);

    for (const line of rotation!) await must(line.includes('then at 2.2.2.2') ? second : first, line);
    await pingUntil(host1, '192.168.1.2');
    expect(await must(first, 'sudo l2vpnd show site2')).toMatch(/TXSC: 0000001111110001 on SA 1/);
  });
});
