/** The machines that the packages bring a binary of the addon for, and the compiler of each on Debian. */
import { pathOf } from '../../lab/packages.ts';

export interface Target {
  /** As `platformName` in src/native/load.ts names it. */
  readonly name: string;
  /** node-gyp's word. */
  readonly arch: 'x64' | 'arm64';
  readonly libc: 'glibc' | 'musl';
  readonly compiler: string;
  readonly strip: string;
  /** What the compiler is told besides the flags in native/binding.gyp. */
  readonly flags: readonly string[];
  /** The Debian package that has the compiler. */
  readonly debian: string;
}

/** musl-gcc knows musl's headers alone; those of the kernel come behind them. */
const KERNEL_HEADERS = ['-idirafter', '/usr/include', '-idirafter', '/usr/include/x86_64-linux-gnu'];

export const TARGETS: readonly Target[] = [
  {
    name: 'linux-x64-glibc',
    ...{ arch: 'x64', libc: 'glibc', compiler: 'x86_64-linux-gnu-gcc', flags: [] },
    strip: 'x86_64-linux-gnu-strip',
    debian: 'gcc',
  },
  {
    name: 'linux-x64-musl',
    ...{ arch: 'x64', libc: 'musl', compiler: 'musl-gcc', flags: KERNEL_HEADERS },
    strip: 'x86_64-linux-gnu-strip',
    debian: 'musl-tools',
  },
  {
    name: 'linux-arm64-glibc',
    ...{ arch: 'arm64', libc: 'glibc', compiler: 'aarch64-linux-gnu-gcc' },
    ...{ strip: 'aarch64-linux-gnu-strip', flags: [] },
    debian: 'gcc-aarch64-linux-gnu',
  },
];

export function targetNamed(name: string): Target {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`targetNamed: expected a target, got ${name}`);
  return target;
}

/** Why the addon cannot be built for `target` on this machine, with the remedy; null: it can. */
export function lackFor(target: Target): string | null {
  if (target.libc === 'musl' && target.arch !== process.arch) return `musl-gcc is for its own machine only`;
  if (pathOf(target.compiler) !== undefined) return null;
  return `${target.compiler} is not here: apt-get install ${target.debian}`;
}
