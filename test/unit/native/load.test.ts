import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMusl, loadFrom, platformName, prebuiltFile } from '../../../src/native/load.ts';
import { packageRoot } from '../../../src/package-root.ts';

const BUILT = 'native/build/Release/l2vpnd.node';

describe('the addon', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'l2vpnd-load-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const put = (path: string, text?: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text === undefined) copyFileSync(join(packageRoot(), BUILT), join(root, path));
    else writeFileSync(join(root, path), text);
  };

  it('is the one that the package brings for this machine', () => {
    put(prebuiltFile(platformName()));
    expect(loadFrom(root).opensslVersion()).toContain('OpenSSL');
  });

  it('is the one that was built here, where there are both', () => {
    put(BUILT);
    put(prebuiltFile(platformName()), 'no ELF file');
    expect(loadFrom(root).opensslVersion()).toContain('OpenSSL');
  });

  it('is not taken for another machine, and the message names this one', () => {
    put(prebuiltFile('linux-x64-glibc'));
    expect(() => loadFrom(root, 'linux-riscv64-glibc')).toThrow(
      `the addon was not built, and ${root} has no prebuilt one for linux-riscv64-glibc: ` +
        'install the l2vpnd package for this machine',
    );
  });

  it('that is missing from a package with sources can be built', () => {
    put('native/binding.gyp', '');
    expect(() => loadFrom(root)).toThrow(
      `run "npm run build:native" in ${root} (needs a C compiler, make and Python 3)`,
    );
  });

  it('that does not load is named with the reason', () => {
    put(prebuiltFile(platformName()), 'no ELF file');
    expect(() => loadFrom(root)).toThrow(/prebuilds\/linux-\S+\.node does not load \(.+\): install the/);
  });
});

describe('the C library', () => {
  const folder = mkdtempSync(join(tmpdir(), 'l2vpnd-libc-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('of this runtime is glibc where its loader is', () => {
    expect(isMusl('/bin/sh')).toBe(false);
    expect(platformName()).toMatch(/^linux-(x64|arm64)-(glibc|musl)$/);
  });

  it("is musl where the program's interpreter is musl's", () => {
    const program = join(folder, 'node');
    writeFileSync(program, `\x7fELF${'\0'.repeat(700)}/lib/ld-musl-x86_64.so.1\0`);
    expect(isMusl(program)).toBe(true);
  });
});
