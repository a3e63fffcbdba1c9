/**
 * What `npm pack` puts into the package: `prebuilds/`, the addon for every target whose compiler is here. The machine's own
 * is a must; what is left out is said, as it has to be built where it is installed then.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { platformName, prebuiltFile } from '../../src/native/load.ts';
import { packageRoot } from '../../src/package-root.ts';
import { buildAddon } from './build.ts';
import { lackFor, TARGETS } from './targets.ts';

rmSync(join(packageRoot(), 'prebuilds'), { recursive: true, force: true });
for (const target of TARGETS) {
  const lack = lackFor(target);
  if (lack !== null && target.name === platformName()) throw new Error(lack);
  if (lack !== null) {
    console.error(`no prebuilt addon for ${target.name}: ${lack}`);
    continue;
  }
  const place = join(packageRoot(), prebuiltFile(target.name));
  mkdirSync(dirname(place), { recursive: true });
  cpSync(await buildAddon(target.name), place);
  console.error(`${prebuiltFile(target.name)}`);
}
