/** What a command loads before it does anything: `status` is run every few seconds, and a shell waits for `__names` at each Tab. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The packages that are loaded with the files at `paths`, by static imports; types are not loaded. */
function packagesOf(paths: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const imports = readFileSync(path, 'utf8').matchAll(
      /^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm,
    );
    for (const [, from] of imports) {
      if (from!.startsWith('.')) visit(join(dirname(path), from!));
      else if (!from!.startsWith('node:')) packages.add(from!);
    }
  };
  paths.forEach(visit);
  return packages;
}

describe('the start of a command', () => {
  it.each([['src/cli/status.ts'], ['src/cli/completion/names.ts'], ['src/cli/show.ts']])(
    'loads commander alone for %s',
    (path) => {
      expect(packagesOf(['src/main.ts', 'src/cli/program.ts', path])).toEqual(new Set(['commander']));
    },
  );
});
