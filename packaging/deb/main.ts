/**
 * `npm run package:deb [-- --arch amd64] [--quick] [--out DIR]`: the Debian packages, for every machine whose compiler is
 * here unless one is named. Prints their files.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';
import { lackFor } from '../addon/targets.ts';
import { buildDeb, TARGET_OF } from './build.ts';
import type { DebianArch } from './runtime.ts';

const { values } = parseArgs({
  options: {
    arch: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: join(packageRoot(), 'out') },
  },
});
const known = Object.keys(TARGET_OF) as DebianArch[];
const chosen = known.filter((arch) => values.arch === undefined || arch === values.arch);
if (chosen.length === 0) throw new Error(`--arch: expected one of ${known.join(', ')}, got ${values.arch}`);
for (const arch of chosen) {
  const lack = lackFor(TARGET_OF[arch]);
  if (lack === null) console.log(await buildDeb(arch, values));
  else if (values.arch === arch) throw new Error(lack);
  else console.error(`no package for ${arch}: ${lack}`);
}
