/**
 * The third-party judge: a real Linux kernel in QEMU, with `gretap` and `macsec` at the other end of the tunnel.
 *
 *            this process                     QEMU                                test namespace (optional)
 *   wire  ── frames ──────── hub "wan" ─┬─ eth0 of the guest
 *                                       └─ TAP wan0 ───────────────────────────── l2vpnd's underlay
 *   guestLan ── frames ──────────────────── eth1 of the guest (bridged to its macsec by the cases)
 *   hostLan ── frames ────── hub "lan" ──── TAP lan0 ───────────────────────────── bridged to l2vpnd's TAP
 *
 * So this process is a host on both LANs, and a tap on the wire between the sites. Scripts are run by two agents,
 * one on each virtio port: a line `id base64(script)` in, a line `id status .base64(stdout) .base64(stderr)` out.
 * Nothing is waited for by sleeping.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { FramePipe } from './frame-pipe.ts';
import { buildInitramfs, type GuestFile, which } from './initramfs.ts';
import { kernelImage } from './kernel-image.ts';

const BOOT_TIMEOUT_MS = 90_000;
const EXEC_TIMEOUT_MS = 60_000;
/** The guest's NICs accept frames up to this MTU, so jumbo cases need no other boot. */
const NIC_MTU = 9000;

export const GUEST_WAN_MAC = '02:00:00:00:02:01';
export const GUEST_LAN_MAC = '02:00:00:00:02:02';

export interface ExecResult {
  status: number;
  stdout: string;
  stderr: string;
}

export interface GuestOptions {
  /** A network namespace with the TAPs `wan0` and `lan0`; without it the guest is alone with this process. */
  namespace?: string;
  /** What its root has beside busybox, `ip` and iperf. */
  files?: readonly GuestFile[];
  /**
   * eth0 is on `wan0` directly, without the hub, which knows no offloads: what the guest leaves to its NIC (checksums, cutting)
   * is left to the host, as by every virtual machine beside l2vpnd. Nobody looks at `wire` then.
   */
  offloads?: boolean;
}

/** Why the guest can't be had on this machine, in words for the one who runs the tests; null when it can. */
export function whyNoGuest(needsRoot: boolean): string | null {
  if (needsRoot && process.getuid?.() !== 0) return 'needs root (network namespaces)';
  try {
    for (const program of ['qemu-system-x86_64', 'busybox', 'ip', 'iperf', 'dpkg-deb', 'apt-get'])
      which(program);
    kernelImage();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export class Guest {
  /** `6.1.0-50-amd64`. */
  readonly release: string;
  readonly wire: FramePipe;
  readonly guestLan: FramePipe;
  readonly hostLan: FramePipe | null;
  readonly #qemu: ChildProcess;
  readonly #agents: Agent[];
  readonly #dir: string;

  private constructor(release: string, dir: string, qemu: ChildProcess, agents: Agent[]) {
    const pipe = (fd: number): FramePipe => new FramePipe(qemu.stdio[fd] as Duplex);
    this.release = release;
    this.#dir = dir;
    this.#qemu = qemu;
    this.#agents = agents;
    this.wire = pipe(3);
    this.guestLan = pipe(4);
    this.hostLan = qemu.stdio.length > 7 ? pipe(7) : null;
  }

  /** Builds the initramfs, boots, resolves when both agents answer. */
  static async boot(options: GuestOptions = {}): Promise<Guest> {
    const image = kernelImage();
    const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-guest-'));
    writeFileSync(join(dir, 'initramfs'), buildInitramfs(image, options.files));
    const argv = qemuArguments(image.vmlinuz, join(dir, 'initramfs'), options);
    const command = ['nice', '-n', '10', which('qemu-system-x86_64'), ...argv];
    if (options.namespace !== undefined) command.unshift(which('ip'), 'netns', 'exec', options.namespace);
    const pipes = Array<'pipe'>(options.namespace === undefined ? 4 : 5).fill('pipe');
    const qemu = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe', ...pipes] });
    const console = collect(qemu);
    const agents = [5, 6].map((fd) => new Agent(qemu.stdio[fd] as Duplex));
    const guest = new Guest(image.release, dir, qemu, agents);
    try {
      await Promise.race([Promise.all(agents.map((agent) => agent.ready())), died(qemu, console)]);
    } catch (error) {
      await guest.close();
      throw error;
    }
    return guest;
  }

  /** Runs a shell script (`sh -e`) in the guest; throws with its output when it fails. Agent 1 is for a second script at the same time. */
  async run(script: string, agent: 0 | 1 = 0): Promise<string> {
    const { status, stdout, stderr } = await this.exec(script, agent);
    if (status === 0) return stdout;
    throw new Error(
      `in the guest, exit status ${status}: ${stderr.trim()}\n${stdout}\nof this script:\n${script}`,
    );
  }

  /** As `run`, but a failure is a result. */
  exec(script: string, agent: 0 | 1 = 0): Promise<ExecResult> {
    return this.#agents[agent]!.exec(script);
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#qemu.once('exit', resolve));
    if (this.#qemu.exitCode === null && this.#qemu.signalCode === null && this.#qemu.kill('SIGKILL'))
      await gone;
    for (const pipe of [this.wire, this.guestLan, this.hostLan]) pipe?.close();
    for (const agent of this.#agents) agent.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** One agent's line protocol. */
class Agent {
  readonly #stream: Duplex;
  readonly #lines: Interface;
  readonly #answers = new Map<number, (result: ExecResult) => void>();
  readonly #hello: Promise<ExecResult>;
  #lastId = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('error', () => {});
    this.#hello = new Promise((resolve) => this.#answers.set(0, resolve));
    this.#lines = createInterface({ input: stream });
    this.#lines.on('line', (line) => this.#answer(line));
  }

  async ready(): Promise<void> {
    await within(BOOT_TIMEOUT_MS, 'the guest to boot', this.#hello);
  }

  exec(script: string): Promise<ExecResult> {
    const id = ++this.#lastId;
    const answer = new Promise<ExecResult>((resolve) => this.#answers.set(id, resolve));
    this.#stream.write(`${id} ${Buffer.from(script).toString('base64')}\n`);
    return within(EXEC_TIMEOUT_MS, `the guest to run\n${script}`, answer);
  }

  close(): void {
    this.#lines.close();
    this.#stream.destroy();
  }

  #answer(line: string): void {
    const [id = '', status = '', stdout = '', stderr = ''] = line.split(' ');
    const text = (field: string): string => Buffer.from(field.slice(1), 'base64').toString();
    const resolve = this.#answers.get(Number(id));
    this.#answers.delete(Number(id));
    resolve?.({ status: Number(status), stdout: text(stdout), stderr: text(stderr) });
  }
}

function qemuArguments(kernel: string, initrd: string, { namespace, offloads }: GuestOptions): string[] {
  const namespaced = namespace !== undefined;
  const direct = namespaced && offloads === true;
  const nic = (netdev: string, mac: string): string =>
    `virtio-net-pci,romfile=,netdev=${netdev},mac=${mac},host_mtu=${NIC_MTU}`;
  const tap = (id: string, ifname: string): string => `tap,id=${id},ifname=${ifname},script=no,downscript=no`;
  const port = (fd: number): string[] => {
    return ['-chardev', `socket,id=port${fd},fd=${fd}`, '-device', `virtserialport,chardev=port${fd}`];
  };
  const hub = (id: number, ...netdevs: string[]): string[] =>
    netdevs.flatMap((netdev) => ['-netdev', `hubport,id=${netdev}-hub,hubid=${id},netdev=${netdev}`]);
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...acceleration(),
    ...['-smp', '1', '-m', '320', '-kernel', kernel, '-initrd', initrd, '-append'],
    'console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off random.trust_cpu=on tsc=reliable no_timer_check audit=0',
    ...['-netdev', 'socket,id=wire,fd=3', ...hub(1, 'wire'), '-netdev'],
    direct ? `${tap('guest-wan', 'wan0')},vnet_hdr=on` : 'hubport,id=guest-wan,hubid=1',
    ...['-netdev', 'socket,id=guest-lan,fd=4'],
    ...['-device', nic('guest-wan', GUEST_WAN_MAC), '-device', nic('guest-lan', GUEST_LAN_MAC)],
    ...['-device', 'virtio-serial-pci', ...port(5), ...port(6)],
    ...(namespaced
      ? [
          ...(direct ? [] : ['-netdev', tap('wan', 'wan0'), ...hub(1, 'wan')]),
          ...['-netdev', tap('lan', 'lan0'), '-netdev', 'socket,id=host-lan,fd=7'],
          ...hub(2, 'lan', 'host-lan'),
        ]
      : []),
  ];
}

/** KVM where /dev/kvm opens and $L2VPND_KVM says so (a nested one may hang), else QEMU's own translator with an AES-NI CPU. */
function acceleration(): string[] {
  if (process.env.L2VPND_KVM !== '1') return ['-accel', 'tcg', '-cpu', 'max'];
  accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  return ['-accel', 'kvm', '-accel', 'tcg', '-cpu', 'max'];
}

function collect(qemu: ChildProcess): () => string {
  let text = '';
  for (const stream of [qemu.stdout, qemu.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-8192);
    });
  }
  return () => text;
}

async function died(qemu: ChildProcess, console: () => string): Promise<never> {
  const reason = await new Promise((resolve) => {
    qemu.once('error', resolve);
    qemu.once('exit', (code, signal) => resolve(`exit ${code ?? signal}`));
  });
  throw new Error(`QEMU ended (${reason}): ${console().trim()}`);
}

async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}
