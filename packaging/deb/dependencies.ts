/**
 * What the package depends on: the shared libraries that its binaries name, each in the oldest Debian version that has
 * the symbols asked for. Worked out of the binaries, as dpkg-shlibdeps does, but for any machine's.
 */
import { must } from '../../lab/run.ts';

/** Library → its package, and from the newest version of its symbols the package's. */
const LIBRARIES: Readonly<
  Record<string, { readonly name: string; readonly floor: (symbols: string[]) => string }>
> = {
  'libc.so.6': { name: 'libc6', floor: (symbols) => newest(symbols, 'GLIBC_') },
  'libstdc++.so.6': { name: 'libstdc++6', floor: (symbols) => gccOf(newest(symbols, 'GLIBCXX_')) },
  'libgcc_s.so.1': { name: 'libgcc-s1', floor: () => '3.0' },
  'libatomic.so.1': { name: 'libatomic1', floor: () => '4.8' },
};

/** Parts of libc6 in libraries of their own. */
const OF_LIBC = ['libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'librt.so.1', /^ld-linux-/];

/** GLIBCXX_3.4.N came with this GCC (libstdc++'s manual, "ABI Policy and Guidelines"); Debian's version is GCC's. */
const GCC_OF_GLIBCXX: Readonly<Record<string, string>> = {
  ...{ '3.4.21': '5', '3.4.22': '6', '3.4.23': '7', '3.4.24': '7.2', '3.4.25': '8', '3.4.26': '9' },
  ...{ '3.4.28': '9.3', '3.4.29': '11', '3.4.30': '12' },
};

/** The field Depends for a package with these ELF files. Throws where one names a library that the table has not. */
export async function dependenciesOf(files: readonly string[]): Promise<string> {
  const texts = await Promise.all(files.map((file) => must(['readelf', '--wide', '-dV', file])));
  return dependsField(texts.join('\n'));
}

/** From what `readelf -dV` prints. */
export function dependsField(text: string): string {
  const needed = [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library]) => library!);
  const symbols = [...text.matchAll(/Name: (\w+_[0-9.]+)/g)].map(([, name]) => name!);
  const libraries = [...new Set(needed)].filter((library) => !isOfLibc(library)).sort();
  return libraries.map((library) => dependency(library, symbols)).join(', ');
}

function dependency(library: string, symbols: string[]): string {
  const known = LIBRARIES[library];
  if (known === undefined) throw new Error(`${library} is needed, and no Debian package is known for it`);
  return `${known.name} (>= ${known.floor(symbols)})`;
}

function isOfLibc(library: string): boolean {
  return OF_LIBC.some((one) => (typeof one === 'string' ? one === library : one.test(library)));
}

/** `2.34` of GLIBC_2.17 and GLIBC_2.34. */
function newest(symbols: readonly string[], prefix: string): string {
  const versions = symbols.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? '0';
}

function gccOf(glibcxx: string): string {
  const gcc = GCC_OF_GLIBCXX[glibcxx];
  if (gcc === undefined) throw new Error(`GLIBCXX_${glibcxx} is needed, and no GCC is known for it`);
  return gcc;
}
