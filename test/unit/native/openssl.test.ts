/** Which OpenSSL the addon takes, and how it says why it does not: by processes that export what must be refused. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../../src/native/load.ts';
import { packageRoot } from '../../../src/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'l2vpnd-openssl-'));
afterAll(() => rmSync(folder, { recursive: true }));
const source = join(packageRoot(), 'test/unit/native/openssl-process.c');
const hasCompiler = spawnSync('cc', ['--version']).status === 0;
if (!hasCompiler) console.log('openssl.test.ts: processes with other OpenSSLs are skipped: there is no cc');

function compile(name: string, ...args: string[]): string {
  const out = join(folder, name);
  const { status, stderr } = spawnSync('cc', ['-std=c11', '-D_GNU_SOURCE', source, ...args, '-o', out], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return out;
}

/** What a process says that was compiled with `args`. */
function faultOf(name: string, ...args: string[]): string {
  const program = compile(name, join(packageRoot(), 'native/openssl.c'), '-rdynamic', ...args, '-ldl');
  return spawnSync(program, { encoding: 'utf8' }).stdout.trim();
}

describe("this process's OpenSSL", () => {
  it('is taken', () => {
    const addon = loadAddon();
    expect(addon.opensslFault()).toBeNull();
    expect(addon.opensslVersion()).toContain('OpenSSL 3');
  });
});

describe.skipIf(!hasCompiler)('a process', () => {
  it('without OpenSSL has none that can be used', () => {
    expect(faultOf('none')).toBe('there is no OpenSSL 3 whose functions can be reached');
    expect(faultOf('part', '-DMAJOR=3')).toBe('there is no OpenSSL 3 whose functions can be reached');
  });

  it('with OpenSSL 4 has none that can be used', () => {
    const fault = 'OpenSSL is of another major version than 3';
    expect(faultOf('four', '-DMAJOR=4', '-DPROVIDER="default"')).toBe(fault);
  });

  it('with functions of two OpenSSLs has none that can be used', () => {
    const library = compile('libother.so', '-DLIBRARY', '-DPROVIDER="default"', '-shared', '-fPIC');
    const fault = faultOf('two', '-DMAJOR=3', '-Wl,--no-as-needed', library);
    expect(fault).toBe("OpenSSL's functions are in several objects");
  });

  it('whose AES-GCM is that of a FIPS provider leaves it to EVP', () => {
    const fault =
      'OpenSSL has AES-GCM from another provider than "default" (FIPS?), to be used through EVP only';
    expect(faultOf('fips', '-DMAJOR=3', '-DPROVIDER="fips"')).toBe(fault);
  });

  it('whose default provider lacks AES-GCM has none that can be used', () => {
    expect(faultOf('empty', '-DMAJOR=3', '-DPROVIDER="default"')).toBe(
      'OpenSSL has no AES-GCM with all its functions',
    );
  });
});
