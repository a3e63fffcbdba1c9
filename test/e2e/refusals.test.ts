/** What a daemon refuses to start with: each with its exit status (sysexits.h), and a message that says the place. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../lab/run.ts';
import {
  daemonPath,
  EXAMPLE_KEYS,
  KEY_1,
  KEY_2,
  type Site,
  type SiteFile,
  type TunnelChanges,
  tunnelFile,
} from '../../lab/site.ts';
import type { Topology } from '../../lab/topology.ts';
import { type Lab, labOfTests, pingUntil, suite } from './support.ts';

interface Refusal {
  title: string;
  changes?: TunnelChanges;
  settings?: Record<string, unknown>;
  /** Done in the router's namespace before the start. */
  before?: (lab: Lab, site: Site) => Promise<unknown>;
  /** What the daemon is started through. */
  wrapper?: readonly string[];
  exit: number;
  message: RegExp;
}

/** A program run in a mount namespace of its own after `commands`. */
const mounted = (commands: string): string[] => [
  'unshare',
  '-m',
  'sh',
  '-c',
  `${commands} && exec "$@"`,
  'sh',
];

/** A program run as root without one capability. */
const without = (capability: string): string[] => [
  'setpriv',
  `--bounding-set=-${capability}`,
  `--inh-caps=-${capability}`,
];

const REFUSALS: Refusal[] = [
  {
    title: 'a TAP name that another device has',
    before: ({ topology }) => topology.nsra.ip('link add macsec1 type bridge\n'),
    exit: 73,
    message: /tap\.ifname|macsec1/,
  },
  {
    title: 'a TAP that another l2vpnd has',
    before: async (lab) => lab.site(1, { name: 'first' }, { tunnels: [otherTunnel(lab.topology)] }).start(),
    exit: 73,
    message: /macsec1/,
  },
  { title: 'a bridge that is not there', changes: { tap: { bridge: 'br7' } }, exit: 69, message: /br7/ },
  {
    title: 'a bridge that is no bridge',
    changes: { tap: { bridge: 'vra' } },
    exit: 69,
    message: /vra/,
  },
  {
    title: 'a local address that this host does not have',
    changes: { gre: { local: '1.1.1.99' } },
    exit: 69,
    message: /1\.1\.1\.99/,
  },
  {
    title: 'no /dev/net/tun',
    wrapper: mounted('mount -t tmpfs none /dev/net'),
    exit: 69,
    message: /\/dev\/net\/tun/,
  },
  { title: 'no CAP_NET_ADMIN', wrapper: without('net_admin'), exit: 77, message: /CAP_NET_ADMIN/ },
  { title: 'no CAP_NET_RAW', wrapper: without('net_raw'), exit: 77, message: /CAP_NET_RAW/ },
  {
    title: 'a state directory that cannot be made',
    settings: { stateDir: '/sys/l2vpnd' },
    exit: 73,
    message: /stateDir.*\/sys\/l2vpnd/,
  },
  {
    title: 'a state directory that cannot be written',
    before: (_, site) => mkdir(site.stateDir),
    wrapper: mounted('mount -t tmpfs -o ro,mode=700 none "$STATE_DIR"'),
    exit: 73,
    message: /stateDir .*cannot be locked: EROFS.*; mount the file system writable/,
  },
  {
    title: 'a state directory that is a file',
    settings: { stateDir: '/etc/hostname' },
    exit: 73,
    message: /stateDir/,
  },
  {
    title: 'a control socket whose directory cannot be made',
    settings: { controlSocket: '/sys/l2vpnd/control.sock' },
    exit: 73,
    message: /controlSocket/,
  },
];

/** A tunnel of the same TAP but nothing else in common with the reference. */
function otherTunnel(topology: Topology) {
  return tunnelFile(topology, 1, {
    macsec: {
      txSa: [{ an: 0, keyId: '0c', key: 'cc'.repeat(16) }],
      rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ an: 0, keyId: '0d', key: 'dd'.repeat(16) }] }],
    },
  });
}

suite('a daemon does not start with', { programs: ['setpriv'] }, () => {
  const lab = labOfTests({ prefix: 'no' });

  const refuses = async ({ changes, settings, before, wrapper, exit, message }: Refusal): Promise<void> => {
    const site = lab.site(1, changes, settings);
    await site.prepare();
    await before?.(lab, site);
    try {
      const environment = ['env', `STATE_DIR=${site.stateDir}`];
      const result = await site.startToFail(wrapper ? [...environment, ...wrapper] : []);
      expect(`${result.code} ${result.stderr}`).toMatch(new RegExp(`^${exit} l2vpnd: `));
      expect(result.stderr).toMatch(message);
      // One line for people, no stack, no key.
      expect(result.stderr.trim().split('\n')).toHaveLength(1);
      expect(result.stdout + result.stderr).not.toMatch(new RegExp(`${KEY_1}|${KEY_2}`));
    } finally {
      await lab.topology.nsra.run(['ip', 'link', 'delete', 'macsec1']);
    }
  };

  for (const refusal of REFUSALS) it(`${refusal.title}: exit ${refusal.exit}`, () => refuses(refusal));
});

suite('stored packet numbers that cannot be believed stop the start', {}, () => {
  const lab = labOfTests({ prefix: 'pn' });

  it.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, 20)],
    ['empty', () => ''],
    [
      'with one digit changed',
      (text) => text.replace(/"pn":(\d)/, (_, digit) => `"pn":${(Number(digit) % 9) + 1}`),
    ],
    ['of noise', () => '\u0000\u0001\u0002'],
  ])('%s: exit 71, the file is left as it is', async (_, damage) => {
    const [site] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    await site.stop();
    const path = await storedPn(site);
    const damaged = damage(await readFile(path, 'utf8'));
    await writeFile(path, damaged);
    const { code, stderr } = await site.startToFail();
    expect(`${code} ${stderr}`).toMatch(/^71 l2vpnd: /);
    expect(stderr).toContain(path);
    expect(await readFile(path, 'utf8')).toBe(damaged);
  });

  it('older than what the configuration demands: exit 71', async () => {
    const site = lab.site(1);
    await site.start();
    await site.stop();
    const tunnel = tunnelFile(lab.topology, 1, {
      macsec: { txSa: [{ an: 0, pn: 1_000_000, keyId: '01', key: KEY_1 }] },
    });
    await site.prepare({ tunnels: [tunnel] });
    const { code, stderr } = await site.startToFail();
    expect(`${code} ${stderr}`).toMatch(/^71 l2vpnd: .*1000000/);
  });
});

async function storedPn(site: Site): Promise<string> {
  const name = (await readdir(site.stateDir)).find((file) => file.endsWith('.tx.json'));
  if (name === undefined) throw new Error(`${site.stateDir}: no stored packet numbers`);
  return join(site.stateDir, name);
}

interface BadFile {
  title: string;
  /** What the file holds; undefined: there is none. */
  content?: string | ((file: SiteFile) => unknown);
  mode?: number;
  argv?: readonly string[];
  exit: number;
  message: RegExp;
}

/** The first tunnel of `file` with changes by path: `set(file, 'gre.ttl', 0)`. */
function set(file: SiteFile, path: string, value: unknown): SiteFile {
  let at: Record<string, unknown> = file.tunnels[0] as unknown as Record<string, unknown>;
  const names = path.split('.');
  for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[names.at(-1) ?? ''] = value;
  return file;
}

const BAD_FILES: BadFile[] = [
  { title: 'no file', exit: 66, message: /site1\.json/ },
  { title: 'an empty file', content: '', exit: 78, message: /site1\.json/ },
  { title: 'a file that is no JSON', content: '{ tunnels: [] }', exit: 78, message: /site1\.json/ },
  { title: 'no tunnels', content: (file) => ({ ...file, tunnels: [] }), exit: 78, message: /tunnels/ },
  {
    title: 'an unknown key',
    content: (f) => set(f, 'gre.remotee', 'x'),
    exit: 78,
    message: /remotee.*remote/,
  },
  {
    title: 'a wrong type',
    content: (f) => set(f, 'gre.ttl', 'high'),
    exit: 78,
    message: /tunnels\[0\]\.gre\.ttl/,
  },
  {
    title: 'a key of wrong length',
    content: (f) => set(f, 'macsec.txSa.0.key', '1111'),
    exit: 78,
    message: /tunnels\[0\]\.macsec\.txSa\[0\]\.key/,
  },
  { title: 'PN 0', content: (f) => set(f, 'macsec.txSa.0.pn', 0), exit: 78, message: /txSa\[0\]\.pn/ },
  {
    title: 'the same AN twice',
    content: (f) => set(f, 'macsec.txSa.1', { an: 0, keyId: '03', key: '33'.repeat(16) }),
    exit: 78,
    message: /an/,
  },
  {
    title: 'the same SCI twice',
    content: (f) =>
      set(f, 'macsec.rxSc.1', {
        mac: '00:00:00:22:22:22',
        sa: [{ an: 0, keyId: '03', key: '33'.repeat(16) }],
      }),
    exit: 78,
    message: /rxSc/,
  },
  {
    title: 'the same tunnel name twice',
    content: (f) => ({ ...f, tunnels: [f.tunnels[0], f.tunnels[0]] }),
    exit: 78,
    message: /name/,
  },
  {
    title: 'the same key and SCI both ways',
    content: (f) =>
      set(f, 'macsec.rxSc', [{ mac: '00:00:00:11:11:11', sa: [{ an: 0, keyId: '02', key: KEY_1 }] }]),
    exit: 78,
    message: /rxSc/,
  },
  {
    title: 'a TAP name too long',
    content: (f) => set(f, 'tap.ifname', 'macsec1234567890'),
    exit: 78,
    message: /ifname/,
  },
  {
    title: 'a key file that is not there',
    content: (f) => set(f, 'macsec.txSa.0', { an: 0, keyId: '01', keyFile: 'nowhere.key' }),
    exit: 66,
    message: /nowhere\.key/,
  },
  {
    title: 'a key file that others may read',
    content: (f) => set(f, 'macsec.txSa.0', { an: 0, keyId: '01', keyFile: 'open.key' }),
    exit: 78,
    message: /open\.key/,
  },
  {
    title: 'keys in a file that others may read',
    content: (file) => file,
    mode: 0o644,
    exit: 78,
    message: /holds keys and has mode 0644: others have access; run chmod 600/,
  },
  {
    title: 'keys in a file that others may write',
    content: (file) => file,
    mode: 0o602,
    exit: 78,
    message: /holds keys and has mode 0602: others have access; run chmod 600/,
  },
  {
    title: 'a file without keys that its group may write',
    content: (f) => set(f, 'macsec', null),
    mode: 0o664,
    exit: 78,
    message: /has mode 0664: others have access; run chmod go-w .*chooses its keys/,
  },
  {
    title: 'a nesting without end',
    content: `{"tunnels":${'['.repeat(3000)}${']'.repeat(3000)}}`,
    exit: 78,
    message: /^l2vpnd: site1\.json:1:43: is nested deeper than 32 levels\n$/,
  },
  {
    title: 'more channels than a SecY takes',
    content: (f) =>
      set(
        f,
        'macsec.rxSc',
        Array.from({ length: 63 }, (_, i) => ({ sci: `00000000${i + 10}000001`, sa: [] })),
      ),
    exit: 78,
    message: /rxSc: holds 63 channels; a SecY has at most 62/,
  },
  { title: 'an unknown command', argv: ['frobnicate'], exit: 64, message: /frobnicate/ },
  { title: 'an unknown option', argv: ['--frobnicate'], exit: 64, message: /frobnicate/ },
  { title: 'no configuration named', argv: [], exit: 64, message: /--config/ },
];

suite('the command line refuses', { programs: ['setpriv'] }, () => {
  const lab = labOfTests({ prefix: 'cli' });

  const refuses = async ({ content, mode, argv, exit, message }: BadFile): Promise<void> => {
    const site = lab.site(1);
    await site.prepare();
    const path = join(site.dir, content === undefined ? 'none/site1.json' : 'bad/site1.json');
    if (content !== undefined) {
      await mkdir(join(site.dir, 'bad'));
      await writeFile(join(site.dir, 'bad', 'open.key'), `${KEY_1}\n`);
      await chmod(join(site.dir, 'bad', 'open.key'), 0o644);
      const reference = JSON.parse(await readFile(site.configPath, 'utf8')) as SiteFile;
      const text = typeof content === 'string' ? content : JSON.stringify(content(reference));
      await writeFile(path, text);
      await chmod(path, mode ?? 0o600);
    }
    const { code, stdout, stderr } = await run([
      process.execPath,
      daemonPath(),
      ...(argv ?? ['check', EXAMPLE_KEYS, '--config', path]),
    ]);
    expect(`${code} ${stderr}`).toMatch(new RegExp(`^${exit} l2vpnd: `));
    expect(stderr).toMatch(message);
    expect(stdout + stderr).not.toMatch(new RegExp(`${KEY_1}|${KEY_2}`));
  };

  for (const bad of BAD_FILES) it(`${bad.title}: exit ${bad.exit}`, () => refuses(bad));

  it('the published keys, unless it is told to take them: exit 78', async () => {
    const site = lab.site(1);
    await site.prepare();
    for (const command of [[], ['check']]) {
      const argv = [process.execPath, daemonPath(), ...command, '--config', site.configPath];
      const { code, stdout, stderr } = await site.space.run(argv);
      expect(`${code} ${stderr}`).toMatch(
        /^78 l2vpnd: site1\.json:\d+: tunnels.*key of the published examples/,
      );
      expect(stdout + stderr).not.toMatch(new RegExp(`${KEY_1}|${KEY_2}`));
    }
    await site.start();
    expect(site.output()).toMatch(/"level":40.*INSECURE: .* use keys of the published examples/);
  });

  it('a configuration that it may not read: exit 77', async () => {
    const site = lab.site(1);
    await site.prepare();
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    if (spawnSync(nobody[0] ?? '', [...nobody.slice(1), 'test', '-r', daemonPath()]).status !== 0) {
      process.stdout.write('SKIPPED: nobody may not read the checkout, so not the daemon either\n');
      return;
    }
    await chmod(site.dir, 0o755);
    const { code, stderr } = await run([
      ...nobody,
      process.execPath,
      daemonPath(),
      'check',
      '--config',
      site.configPath,
    ]);
    expect(`${code} ${stderr}`).toMatch(/^77 l2vpnd: /);
    expect(stderr).toContain(site.configPath);
  });
});
