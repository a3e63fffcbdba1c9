/**
 * Finds and loads the addon, once a thread. Nothing else knows where the .node file lies: in this package, and nowhere
 * else, whatever environment and working directory say. Who could put another there could change the program as well.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { L2vpnError, messageOf } from '../errors.ts';
import { packageRoot } from '../package-root.ts';
import type { Addon } from './addon.ts';

/** Where the compiler leaves it: what was built on this machine goes before what the package brings. */
const BUILT = 'native/build/Release/l2vpnd.node';

/** node's PT_INTERP, the C library's loader, is within its first page. */
const ELF_START_LEN = 4096;

let loaded: Addon | undefined;

/** The addon of this thread. Throws `L2VPN_UNAVAILABLE` with the remedy where there is none, or it does not load. */
export function loadAddon(): Addon {
  loaded ??= loadFrom(packageRoot());
  return loaded;
}

/** The addon of the package at `root`. */
export function loadFrom(root: string, platform: string = platformName()): Addon {
  const files = [BUILT, prebuiltFile(platform)].map((file) => join(root, file));
  const file = files.find((one) => existsSync(one));
  if (file === undefined) {
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `the addon was not built, and ${root} has no prebuilt one for ${platform}: ${remedyIn(root)}`,
    );
  }
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    const why = messageOf(cause);
    const message = `${file} does not load (${why}): ${remedyIn(root)}`;
    throw new L2vpnError('L2VPN_UNAVAILABLE', message, { cause });
  }
}

/** The binary for a platform, below the package. */
export function prebuiltFile(platform: string): string {
  return `prebuilds/${platform}.node`;
}

/** `linux-x64-glibc`, `linux-arm64-musl`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}-${isMusl('/proc/self/exe') ? 'musl' : 'glibc'}`;
}

/** Whether a program is loaded by musl's loader. */
export function isMusl(program: string): boolean {
  try {
    const fd = openSync(program, 'r');
    try {
      const start = Buffer.alloc(ELF_START_LEN);
      return start.subarray(0, readSync(fd, start, 0, ELF_START_LEN, 0)).includes('/ld-musl-');
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

function remedyIn(root: string): string {
  if (!existsSync(join(root, 'native/binding.gyp'))) return 'install the l2vpnd package for this machine';
  return `run "npm run build:native" in ${root} (needs a C compiler, make and Python 3)`;
}
