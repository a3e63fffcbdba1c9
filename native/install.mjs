/**
 * npm's install script: the addon that the package brings for this machine is tried, and only where there is none, or it
 * does not load, is it built. What the compiler has to say is shown where it has failed for a reason of its own; what
 * is missing is said in one line.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const DEBIAN = 'sudo apt-get install gcc make python3';

/** In a checkout nothing is prebuilt, and nothing compiled to look for it. */
async function prebuiltFault() {
  if (!existsSync(join(here, '..', 'prebuilds'))) return 'nothing is prebuilt in a checkout';
  try {
    const { loadAddon } = await import('../dist/src/native/load.js');
    loadAddon();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.split(': run "npm')[0] : String(error);
  }
}

/** What node-gyp needs and PATH has not, in words; null: nothing. */
function missingTools() {
  const compiler = process.env.CC ?? 'cc';
  const wanted = [
    [compiler, `a C compiler (${compiler})`],
    ['make', 'make'],
    ['python3', 'Python 3'],
  ];
  const missing = wanted.filter(([program]) => !isProgram(program)).map(([, name]) => name);
  return missing.length === 0 ? null : missing.join(', ');
}

/** `CC=false` and `CC=none` are how one says that there is none. */
function isProgram(command) {
  const program = command.split(' ')[0];
  if (program === 'false' || program === 'none') return false;
  const dirs = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return dirs.some((dir) => {
    try {
      accessSync(dir === '' ? program : join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** gyp would link with g++; there is no C++ in the addon. */
function build() {
  const env = { ...process.env, LINK: process.env.LINK ?? process.env.CC ?? 'cc' };
  const { status, stdout, stderr, error } = spawnSync('node-gyp', ['rebuild', '-C', here, '--silent'], {
    encoding: 'utf8',
    env,
  });
  if (status === 0) return null;
  return error === undefined ? `node-gyp failed\n${stdout}${stderr}`.trimEnd() : `node-gyp: ${error.message}`;
}

const fault = await prebuiltFault();
if (fault !== null) {
  const missing = missingTools();
  const failure =
    missing === null ? build() : `${missing} missing; install it (Debian: ${DEBIAN}) and try again`;
  if (failure !== null) {
    console.error(`l2vpnd: no addon for this machine: ${fault}. It cannot be built here: ${failure}`);
    process.exitCode = 1;
  }
}
