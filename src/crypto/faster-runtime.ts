/**
 * Whether this CPU could do AES-GCM faster than the runtime lets it: OpenSSL has code for VAES with AVX-512 since 3.1,
 * and Node.js 20 has 3.0. Knows nothing of which runtimes are installed here.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** What OpenSSL asks the CPU for before it takes that code (aes-gcm-avx512.pl), as /proc/cpuinfo names it. */
const NEEDED = ['avx512f', 'avx512dq', 'avx512bw', 'avx512vl', 'vaes', 'vpclmulqdq'];

/** Enough for the flags of the first CPU. */
const CPUINFO_LEN = 16_384;

let known: string | null | undefined;

/** A sentence for log and `show`, or null where there is nothing to gain. Reads /proc/cpuinfo once. */
export function fasterRuntime(): string | null {
  known ??= fasterThan(process.versions, cpuFlags());
  return known;
}

/** Of the runtime with these `versions` on a CPU with these `flags`. */
export function fasterThan(
  versions: { readonly node: string; readonly openssl: string },
  flags: ReadonlySet<string>,
): string | null {
  const [major = 0, minor = 0] = versions.openssl.split('.').map(Number);
  const isOld = major < 3 || (major === 3 && minor < 1);
  if (!isOld || !NEEDED.every((flag) => flags.has(flag))) return null;
  return (
    `a faster runtime is to be had: OpenSSL ${versions.openssl} of Node.js ${versions.node} does AES-GCM without ` +
    "this CPU's AVX-512; that of Node.js 26, which the Debian package brings, carries a quarter more and up"
  );
}

/** The flags of the first CPU; none where they cannot be read, or are called otherwise (arm64). */
function cpuFlags(): ReadonlySet<string> {
  return flagsIn(readStart('/proc/cpuinfo'));
}

/** From the text of /proc/cpuinfo. */
export function flagsIn(cpuinfo: string): ReadonlySet<string> {
  const line = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  return new Set(line.split(' ').filter((flag) => flag !== ''));
}

/** Of a machine with many CPUs the whole file would be megabytes. */
function readStart(path: string): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const buf = Buffer.alloc(CPUINFO_LEN);
      return buf.toString('latin1', 0, readSync(fd, buf, 0, CPUINFO_LEN, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
