/**
 * Plays of the role in packaging/ansible, against a host that needs no network: Ansible's `ssh` connection, with a program
 * in the place of ssh that runs the command inside of the host.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type RunResult, run } from '../../lab/run.ts';

export interface Recap {
  code: number | null;
  changed: number;
  failed: number;
  output: string;
}

export class Playbook {
  readonly #dir: string;
  readonly #variables: Record<string, unknown>;

  private constructor(dir: string, variables: Record<string, unknown>) {
    this.#dir = dir;
    this.#variables = variables;
  }

  /** `enter`: what a command is put behind to be run inside of the host. `dir` is for the files of the plays. */
  static async against(
    enter: readonly string[],
    dir: string,
    variables: Record<string, unknown>,
  ): Promise<Playbook> {
    await mkdir(dir, { recursive: true });
    const ssh = join(dir, 'ssh');
    const quoted = enter.map((word) => `'${word}'`).join(' ');
    await writeFile(ssh, `#!/bin/sh\nfor last; do :; done\nexec ${quoted} /bin/sh -c "$last"\n`, {
      mode: 0o755,
    });
    return new Playbook(dir, {
      ansible_connection: 'ssh',
      ansible_ssh_executable: ssh,
      ansible_ssh_transfer_method: 'piped',
      ansible_ssh_args: '',
      ansible_python_interpreter: '/usr/bin/python3',
      // It is root already, and a minimal host has no sudo.
      ansible_become: false,
      ...variables,
    });
  }

  /** Plays packaging/ansible/site.yml with these sites. */
  async play(sites: unknown, ...options: readonly string[]): Promise<Recap> {
    const hosts = { gateway: { ...this.#variables, l2vpnd_sites: sites } };
    const inventory = join(this.#dir, 'inventory.json');
    await writeFile(inventory, JSON.stringify({ l2vpnd: { hosts } }));
    const result = await ansible(this.#dir, ['ansible-playbook', '-i', inventory, ...options, 'site.yml']);
    return recapOf(result);
  }
}

/** Runs a program of Ansible in packaging/ansible; its own files go to `dir`. */
export function ansible(dir: string, argv: readonly string[]): Promise<RunResult> {
  const env = {
    ...process.env,
    ANSIBLE_HOME: join(dir, 'home'),
    ANSIBLE_LOCAL_TEMP: join(dir, 'tmp'),
    ANSIBLE_NOCOLOR: '1',
    LC_ALL: 'C.UTF-8',
  };
  return run(argv, { cwd: resolve('packaging/ansible'), env, timeoutMs: 300_000 });
}

function recapOf({ code, stdout, stderr }: RunResult): Recap {
  const output = stdout + stderr;
  const [, changed, failed] =
    /gateway\s+: ok=\d+\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)/.exec(output) ?? [];
  return { code, changed: Number(changed), failed: Number(failed), output };
}
