/**
 * The Debian packages that demo, tests and benchmark use: lists which of them this machine lacks; with `--install`
 * (as root) installs them. `npm run packages -- --install`
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.ts';
import { must, run } from './run.ts';

const DEMO = ['iproute2', 'iputils-ping', 'tcpdump', 'iperf'];
const TESTS = [
  'tshark',
  'python3-scapy',
  'ethtool',
  'nftables',
  'keepalived',
  'chromium',
  'prometheus',
  'tmux',
  'util-linux',
  'qemu-system-x86',
  'busybox-static',
  'cpio',
  'kmod',
  'xz-utils',
  'debian-archive-keyring',
  'debootstrap',
  'systemd-container',
  'man-db',
  'mandoc',
  'zsh',
  'fish',
];
const PACKAGING = [
  'binutils',
  'lintian',
  'musl-tools',
  'gcc-aarch64-linux-gnu',
  'libc6-dev-arm64-cross',
  'qemu-user',
  'libstdc++6-arm64-cross',
];
/** The container image, and the Ansible role. */
const DEPLOY = ['podman', 'runc', 'python3-yaml', 'ansible-core', 'ansible-lint'];
const FUZZERS = ['clang', 'libclang-rt-14-dev'];
const CONTENDERS = ['fastd', 'openvpn', 'tinc', 'openssl', 'wireguard-go', 'wireguard-tools'];

async function isInstalled(name: string): Promise<boolean> {
  const result = await run(['dpkg', '-s', name]);
  return result.stdout.includes('Status: install ok installed');
}

/** The npm package `raw-socket`, a peer that nobody here wrote; where it does not build, its test says that it is skipped. */
async function installRawSocket(): Promise<void> {
  const folder = join(packageRoot(), 'test/e2e/raw-socket');
  if (existsSync(join(folder, 'node_modules/raw-socket/build/Release/raw.node'))) return;
  const { code, stderr } = await run(['npm', 'ci', '--prefix', folder], { timeoutMs: 300_000 });
  if (code !== 0) console.log(`raw-socket does not build with Node.js ${process.version}\n${stderr}`);
}

async function installDebian(argv: readonly string[]): Promise<number> {
  const wanted = [
    ...DEMO,
    ...TESTS,
    ...PACKAGING,
    ...DEPLOY,
    ...FUZZERS,
    ...(argv.includes('--bench') ? CONTENDERS : []),
  ];
  const missing: string[] = [];
  for (const name of wanted) if (!(await isInstalled(name))) missing.push(name);
  if (missing.length === 0) {
    console.log(`all ${wanted.length} Debian packages are installed`);
    return 0;
  }
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  if (!argv.includes('--install')) {
    console.log(`missing: ${missing.join(' ')}\ninstall them with: sudo ${command.join(' ')}`);
    return 69;
  }
  console.log(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await must(['apt-get', 'update', '-q'], { timeoutMs: 300_000, env });
  await must(command, { timeoutMs: 900_000, env });
  return 0;
}

const argv = process.argv.slice(2);
process.exitCode = await installDebian(argv);
if (argv.includes('--install')) await installRawSocket();
