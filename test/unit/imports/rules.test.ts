/** The rules of imports (.dependency-cruiser.mjs) find what they forbid: each fault here is made in a tree of its own. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CRUISE = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const RULES = resolve('.dependency-cruiser.mjs');

const FILES = {
  'src/errors.ts': 'export const error = 1;',
  'src/frame/batch.ts': "import '../errors.ts';",
  'src/wire/points-on.ts': "import type { Lane } from '../datapath/lane.ts'; export type L = Lane;",
  'src/wire/one.ts': "import { two } from './two.ts'; export type One = typeof two;",
  'src/wire/two.ts': "export type { One } from './one.ts'; export const two = 2;",
  'src/datapath/lane.ts': 'export type Lane = number;',
  'src/host/link.ts': 'export const link = 1;',
  'src/ports/tap.ts': "import '../host/link.ts';",
  'src/keys/mka/octets.ts': "import '../../wire/two.ts'; import '../../datapath/lane.ts';",
  'src/keys/mka/participant.ts': "import './octets.ts';",
  'src/explain/mka.ts': "import '../keys/mka/participant.ts';",
  'src/interchange/read.ts': "import '../wire/two.ts';",
  'src/daemon/moves.ts': "import '../interchange/read.ts';",
  'src/cellar/wine.ts': "import '../errors.ts';",
  'src/daemon/run.ts': "import '../../lab/run.ts';",
  'src/daemon/load.ts':
    "import { createRequire } from 'node:module'; createRequire(import.meta.url)('x.node');",
  'lab/run.ts': "import '../src/errors.ts'; import '../src/wire/two.ts';",
};

describe('the rules of imports', () => {
  const folder = mkdtempSync(join(tmpdir(), 'l2vpnd-rules-'));
  let found: string;
  beforeAll(async () => {
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    found = await cruise(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [
      'a room that imports a later one, if only a type',
      'wire-imports',
      'wire/points-on.ts → src/datapath/lane.ts',
    ],
    ['a room that imports the one beside it', 'ports-imports', 'ports/tap.ts → src/host/link.ts'],
    ['anything that frame imports', 'frame-imports', 'frame/batch.ts → src/errors.ts'],
    ['a circle of two files, one half a type', 'no-circle', 'wire/one.ts → '],
    ['MKA that imports the tunnel', 'keys/mka-imports', 'keys/mka/octets.ts → src/datapath/lane.ts'],
    ['explain that imports a participant', 'explain-reads-only', 'mka.ts → src/keys/mka/participant.ts'],
    ['a daemon that reads scripts', 'only-the-command-interchanges', 'moves.ts → src/interchange/read.ts'],
    ['source that imports the lab', 'src-knows-nothing', 'daemon/run.ts → lab/run.ts'],
    ['a room that the table does not name', 'no-room-unknown', 'cellar/wine.ts → src/errors.ts'],
    ['an addon that is opened elsewhere', 'only-load-opens', 'daemon/load.ts → module'],
  ])('find %s', (_, rule, what) => {
    expect(found.split('\n').filter((line) => line.includes(rule) && line.includes(what))).toHaveLength(1);
  });

  it('find nothing else', () => {
    expect(found.split('\n').filter((line) => line.includes(' error '))).toHaveLength(10);
  });
});

/** What the tool prints about the tree in `cwd`. It exits with the number of faults. */
function cruise(cwd: string): Promise<string> {
  const args = [CRUISE, '--config', RULES, 'src', 'lab'];
  return new Promise((done) => execFile(process.execPath, args, { cwd }, (_, stdout) => done(stdout)));
}
