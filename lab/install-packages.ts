/**
 * The Debian packages that demo, tests and benchmark use: lists which of them this machine lacks; with `--install`
 * (as root) installs them. `npm run packages -- --install`
 */
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
  'util-linux',
  'qemu-system-x86',
  'busybox-static',
  'cpio',
  'kmod',
  'xz-utils',
  'debian-archive-keyring',
];
const FUZZERS = ['clang', 'libclang-rt-14-dev'];
const CONTENDERS = ['fastd', 'openvpn', 'tinc', 'openssl', 'wireguard-go', 'wireguard-tools'];

async function isInstalled(name: string): Promise<boolean> {
  const result = await run(['dpkg', '-s', name]);
  return result.stdout.includes('Status: install ok installed');
}

async function main(argv: readonly string[]): Promise<number> {
  const wanted = [...DEMO, ...TESTS, ...FUZZERS, ...(argv.includes('--bench') ? CONTENDERS : [])];
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

process.exitCode = await main(process.argv.slice(2));
