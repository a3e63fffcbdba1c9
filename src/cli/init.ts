/** `l2vpnd init --a ADDR --b ADDR`: the configurations of two sites that belong together, and their key, in new files. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { formatPath } from '../config/problem.ts';
import { parseRaw } from '../config/schema.ts';
import { CONFIG_VERSION } from '../config/version.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { makeDirs } from '../make-dirs.ts';
import { hardenForKeys } from './harden.ts';
import { writeNewFiles } from './new-files.ts';
import { type KeyBits, newCkn, newKeyText } from './new-key.ts';
import { type OutputOptions, printJson, printText } from './output.ts';

export interface InitOptions extends OutputOptions {
  /** Outer addresses of the sites. */
  a: string;
  b: string;
  /** Names of the sites, of their files, and of the tunnel at the other one. */
  names: string;
  dir: string;
  encap: 'gre-udp' | 'gre';
  port?: number;
  bridge?: string;
  ifname: string;
  cipher?: string;
  bits?: KeyBits;
}

/** Where the services look; what is printed as next step. */
const ETC = '/etc/l2vpnd';

/** The option that gave a field of a configuration its value. */
const OPTION_OF: Readonly<Record<string, string>> = {
  'tunnels[0].name': '--names',
  'tunnels[0].tap.ifname': '--ifname',
  'tunnels[0].tap.bridge': '--bridge',
  'tunnels[0].gre.local': '--a',
  'tunnels[0].gre.remote': '--b',
  'tunnels[0].gre.port': '--port',
  'tunnels[0].macsec.cipher': '--cipher',
};

/** Throws L2VPN_USAGE, L2VPN_CANTCREATE, L2VPN_PERMISSION; no file is left then. */
export async function init(options: InitOptions): Promise<number> {
  await hardenForKeys();
  const names = namesOf(options.names);
  const [a, b] = names;
  const cakFile = `${a}-${b}.cak`;
  const ckn = newCkn();
  const macs = [newMac(), newMac()] as const;
  const sites = [
    siteFile(options, { own: a, peer: b, mac: macs[0], local: options.a, remote: options.b }, ckn, cakFile),
    siteFile(options, { own: b, peer: a, mac: macs[1], local: options.b, remote: options.a }, ckn, cakFile),
  ];
  for (const site of sites) refuseUnfit(site);
  write(options, names, sites, cakFile);
  if (options.json) printJson(writtenFiles(options, names, cakFile));
  else printText(nextSteps(options, names, cakFile));
  return 0;
}

function namesOf(text: string): readonly [string, string] {
  const [a = '', b = '', ...more] = text.split(',').map((name) => name.trim());
  if (a === '' || b === '' || more.length > 0)
    throw usage(`--names: "${text}" is not two names with a comma between them, like site1,site2`);
  if (a === b) throw usage(`--names: both sites would be "${a}"; give each a name of its own`);
  return [a, b];
}

/** Locally administered: fixed in the configuration, so that the SCI is the same after every restart. */
function newMac(): string {
  const octets = randomBytes(6);
  octets[0] = (octets[0]! & 0xfc) | 0x02;
  return octets.toString('hex').replace(/..(?=.)/g, '$&:');
}

interface Site {
  readonly own: string;
  readonly peer: string;
  readonly mac: string;
  readonly local: string;
  readonly remote: string;
}

function siteFile(options: InitOptions, site: Site, ckn: string, cakFile: string): object {
  const { encap, port, bridge, ifname, cipher } = options;
  const { peer, mac, local, remote } = site;
  const tunnel = {
    name: peer,
    tap: { ifname, mac, ...(bridge === undefined ? {} : { bridge }) },
    gre: {
      ...{ local, remote },
      ...(encap === 'gre-udp' ? { encap: 'udp' } : {}),
      ...(port === undefined ? {} : { port }),
    },
    macsec: { ...(cipher === undefined ? {} : { cipher }), mka: { ckn, cakFile } },
  };
  return { version: CONFIG_VERSION, tunnels: [tunnel] };
}

/** Says by its option what a configuration would be refused for. Throws L2VPN_USAGE. */
function refuseUnfit(site: object): void {
  const parsed = parseRaw(site);
  if (parsed.ok) return;
  const said = parsed.problems.map(({ path, text }) => {
    const at = formatPath(path);
    return `${OPTION_OF[at] ?? at}: ${text}`;
  });
  throw usage(said.join('; '));
}

function write(
  { dir, bits = 256 }: InitOptions,
  names: readonly string[],
  sites: readonly object[],
  cakFile: string,
): void {
  makeDir(dir);
  const key = { path: join(dir, cakFile), octets: newKeyText(bits) };
  const files = names.map((name, i) => ({
    path: join(dir, `${name}.json`),
    octets: Buffer.from(`${JSON.stringify(sites[i], null, 2)}\n`),
  }));
  try {
    writeNewFiles([key, ...files]);
  } finally {
    key.octets.fill(0);
  }
}

function makeDir(dir: string): void {
  try {
    makeDirs(dir, 0o700);
  } catch (cause) {
    const errno = errnoName(cause);
    if (errno === 'EACCES' || errno === 'EPERM')
      throw new L2vpnError('L2VPN_PERMISSION', `--dir: ${dir} cannot be made: permission denied`, { cause });
    throw new L2vpnError('L2VPN_CANTCREATE', `--dir: ${dir} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

function writtenFiles({ dir }: InitOptions, names: readonly string[], cakFile: string): object {
  return { configs: names.map((name) => join(dir, `${name}.json`)), key: join(dir, cakFile) };
}

function nextSteps(
  { dir, a, b }: InitOptions,
  [one, two]: readonly [string, string],
  cakFile: string,
): string {
  const at = (name: string): string => shellWord(join(dir, name));
  const own = [at(`${one}.json`), at(cakFile)].join(' ');
  const install = `  sudo install -d -m 700 ${ETC}; sudo install -m 600 ${own} ${ETC}\n`;
  return (
    `wrote ${at(`${one}.json`)}, ${at(`${two}.json`)} and their key, ${at(cakFile)}; whoever has the key can read and forge every frame.\n` +
    `At ${one} (${a}):\n${join(dir) === ETC ? '' : install}` +
    `  sudo l2vpnd --config ${ETC}/${one}.json\n` +
    `At ${two} (${b}), after it was copied by a safe way:\n` +
    `  sudo scp -p ${at(`${two}.json`)} ${at(cakFile)} root@${b.includes(':') ? `[${b}]` : b}:${ETC}\n` +
    `  sudo l2vpnd --config ${ETC}/${two}.json\n`
  );
}

/** As a shell reads it back. */
function shellWord(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function usage(text: string): L2vpnError {
  return new L2vpnError('L2VPN_USAGE', `${text}; see l2vpnd init --help`);
}
