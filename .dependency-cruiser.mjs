/**
 * Which file may import which, for `npm run check`. Imports point one way and never come back: a room of `src`
 * may import the rooms in the rows before its own, nothing beside it and nothing after it. Type-only imports
 * count too. docs/architecture.md says what each room is for.
 */

/** Of MKA, what reads octets and knows no participant. */
const OCTETS_OF_MKA = ['decode', 'describe', 'keys', 'mkpdu', 'refusal', 'sets/.*'];

/** The ground first. Rooms of one row do not import each other. A name with a dot is a file beside the rooms. */
const ROOMS = [
  ['frame', 'errors.ts'],
  ['make-dirs.ts', 'package-root.ts'],
  ['wire'],
  ['native'],
  ['crypto'],
  ['macsec', 'keys/mka', 'link', 'path'],
  ['ports', 'host'],
  ['encap'],
  ['config'],
  ['state'],
  ['datapath'],
  ['worker', 'explain', 'interchange'],
  ['api'],
  ['tunnel'],
  ['keys'],
  ['report'],
  ['daemon'],
  ['cli'],
  ['main.ts'],
];

/** What uses `src` and is never used by it; each may use those before it. */
const AROUND = ['lab', 'packaging', 'bench', 'test'];

const pathOf = (rooms) =>
  `^src/(${rooms.map((room) => (room.includes('.') ? room.replace('.', '\\.') : `${room}/`)).join('|')})`;

/** One rule per room: it may not reach a room beside it or after it, nor one that the table does not know. */
const directions = ROOMS.flatMap((row, floor) =>
  row.map((room) => ({
    name: `${room}-imports-only-what-comes-before-it`,
    severity: 'error',
    from: { path: pathOf([room]) },
    to: { path: '^src/', pathNot: pathOf([room, ...ROOMS.slice(0, floor).flat()]) },
  })),
);

/** `src` does not know its users, nor a user those after it. */
const surroundings = ['src', ...AROUND.slice(0, -1)].map((folder, i) => ({
  name: `${folder}-knows-nothing-of-its-users`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: `^(${AROUND.slice(i).join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...directions,
    ...surroundings,
    {
      name: 'no-circle',
      comment: 'Two files that need each other are one thought in two places: move what they share.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-room-unknown-to-the-table',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(ROOMS.flat()) },
      to: {},
    },
    {
      name: 'only-load-opens-the-addon',
      comment: 'createRequire and dlopen are how a .node file is opened.',
      severity: 'error',
      from: { path: '^(src|lab|packaging|bench)/', pathNot: '^src/native/load\\.ts$' },
      to: { path: '(^module$|\\.node$)' },
    },
    {
      name: 'only-the-edges-call-the-addon',
      comment: 'Everybody else sees ports, host functions and the Aead interface, which have other ends too.',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(['native', 'crypto', 'ports', 'host']) },
      to: { path: pathOf(['native']) },
    },
    {
      name: 'only-the-command-explains',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(['explain', 'cli']) },
      to: { path: pathOf(['explain']) },
    },
    {
      name: 'only-the-command-interchanges',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(['interchange', 'cli']) },
      to: { path: pathOf(['interchange']) },
    },
    {
      name: 'explain-reads-only-the-octets-of-mka',
      severity: 'error',
      from: { path: pathOf(['explain']) },
      to: { path: pathOf(['keys']), pathNot: `^src/keys/mka/(${OCTETS_OF_MKA.join('|')})\\.ts$` },
    },
    {
      name: 'no-development-dependency-at-run-time',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-import-of-nothing', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    // TypeScript 7 has no API that a tool could parse with (dependency-cruiser takes TypeScript < 7).
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
