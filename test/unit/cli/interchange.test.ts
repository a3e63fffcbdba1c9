/** `l2vpnd import` and `export`, as a shell sees them: what they leave on disk, what they say, exit statuses. Runs dist/. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const MAIN = join(process.cwd(), 'dist/src/main.js');
const SCRIPT = readFileSync(new URL('../interchange/two-sites.sh', import.meta.url), 'utf8');
const LISTING = readFileSync(new URL('../interchange/ip-gretap.txt', import.meta.url), 'utf8');
const [KEY_A, KEY_B] = ['0a1b2c3d4e5f60718293a4b5c6d7e8f9', 'f9e8d7c6b5a4938271605f4e3d2c1b0a'] as const;

let dir: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build:ts first`);
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-interchange-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function l2vpnd(args: readonly string[], input = ''): Outcome {
  const argv = ['-c', 'umask 0; exec "$0" "$@"', process.execPath, MAIN, ...args];
  const { status, stdout, stderr } = spawnSync('sh', argv, {
    encoding: 'utf8',
    timeout: 20_000,
    cwd: dir,
    input,
  });
  return { status, stdout, stderr };
}

const put = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return name;
};
const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
const modeOf = (name: string): string => (statSync(join(dir, name)).mode & 0o7777).toString(8);
const showsKey = (text: string): boolean =>
  text.includes(KEY_A.slice(0, 17)) || text.includes(KEY_B.slice(0, 17));

/** site.json, of the script. */
function importSite(): void {
  put('x.sh', SCRIPT);
  expect(l2vpnd(['import', 'x.sh', '--netns', 'nsra', '--out', 'site.json']).status).toBe(0);
}

describe('l2vpnd import', () => {
  it('--out: a configuration that check passes, and its keys beside it, for the owner alone', () => {
    put('x.sh', SCRIPT);
    const { status, stdout, stderr } = l2vpnd(['import', 'x.sh', '--netns', 'nsra', '--out', 'site.json']);
    expect(status).toBe(0);
    expect(stdout).toBe(
      'wrote site.json, site-macsec1-tx0.key, site-macsec1-rx0.key\nsudo l2vpnd check --config site.json\n',
    );
    expect(stderr).toMatch(/^(l2vpnd: warning: .*\n)+$/);
    expect(showsKey(stdout + stderr)).toBe(false);
    const files = readdirSync(dir).sort();
    expect(files).toEqual(['site-macsec1-rx0.key', 'site-macsec1-tx0.key', 'site.json', 'x.sh']);
    for (const name of files) expect(`${name} ${modeOf(name)}`).toBe(`${name} 600`);
    expect([read('site-macsec1-tx0.key'), read('site-macsec1-rx0.key')]).toEqual([
      `${KEY_A}\n`,
      `${KEY_B}\n`,
    ]);
    expect(l2vpnd(['check', '--config', 'site.json'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('overwrites nothing, and leaves nothing half done', () => {
    importSite();
    rmSync(join(dir, 'site-macsec1-tx0.key'));
    const { status, stderr } = l2vpnd(['import', 'x.sh', '--netns', 'nsrb', '--out', 'site.json']);
    expect(status).toBe(73);
    expect(stderr).toContain(
      'site-macsec1-rx0.key is there already, and may be a key in use: it is not overwritten',
    );
    expect(existsSync(join(dir, 'site-macsec1-tx0.key'))).toBe(false);
  });

  it('on stdout: without keys unless they are asked for', () => {
    const { stdout, stderr } = l2vpnd(['import', '-', '--netns', 'nsrb'], SCRIPT);
    expect(JSON.parse(stdout).tunnels[0].macsec.txSa).toEqual([
      { an: 0, keyId: '02', keyFile: 'macsec1-tx0.key' },
    ]);
    expect(stderr).toContain(
      'warning: the keys are not shown, and macsec1-tx0.key, macsec1-rx0.key not written: --out FILE writes them',
    );
    expect(showsKey(stdout + stderr)).toBe(false);
    const shown = l2vpnd(['import', '-', '--netns', 'nsrb', '--show-keys'], SCRIPT);
    expect(JSON.parse(shown.stdout).tunnels[0].macsec.txSa).toEqual([{ an: 0, keyId: '02', key: KEY_B }]);
    expect(shown.stderr).not.toContain('--show-keys');
  });

  it('of a kernel: names the key files to fill', () => {
    const { status, stdout, stderr } = l2vpnd(['import', '-', '--out', 'site.json'], LISTING);
    expect([status, stdout.split('\n')[0]]).toEqual([0, 'wrote site.json']);
    expect(stderr).toContain(
      'the source does not show the keys: put each, in hex, into the file that the configuration names for it (mode 600): ',
    );
    expect(stderr).toContain(`${join(dir, 'site-macsec1-tx0.key')}, `);
    expect(l2vpnd(['check', '--config', 'site.json'])).toMatchObject({ status: 66 });
  });

  it('--json: one object, warnings in it', () => {
    const { stdout, stderr } = l2vpnd(['import', '-', '--netns', 'nsra', '--json'], SCRIPT);
    expect(JSON.parse(stdout)).toMatchObject({
      config: { tunnels: [{ name: 'macsec1' }] },
      warnings: expect.any(Array),
    });
    expect([stdout.split('\n').length, stderr, showsKey(stdout)]).toEqual([2, '', false]);
    const written = l2vpnd(['import', '-', '--netns', 'nsra', '-j', '--out', 'site.json'], SCRIPT);
    expect(JSON.parse(written.stdout).paths).toEqual([
      'site.json',
      'site-macsec1-tx0.key',
      'site-macsec1-rx0.key',
    ]);
    const text = JSON.parse(l2vpnd(['export', '-c', 'site.json', '-f', 'iproute2', '--json']).stdout);
    expect(text).toMatchObject({
      files: [{ name: 'macsec1.sh', text: expect.stringContaining('#!/bin/sh') }],
    });
    expect(text.warnings.at(-1)).toContain('the keys are not in it');
    const wrong = l2vpnd(['import', 'nothing.sh', '--json']);
    expect(JSON.parse(wrong.stderr)).toEqual({
      error: 'nothing.sh does not exist',
      code: 'L2VPN_NOINPUT',
      exitStatus: 66,
    });
  });

  it('says that published keys are refused', () => {
    put('x.sh', SCRIPT.replace(KEY_A, '11'.repeat(16)));
    const { stderr } = l2vpnd(['import', 'x.sh', '--netns', 'nsra', '--out', 'site.json']);
    expect(stderr).toContain(
      'these are keys of the published examples, which everybody has, and l2vpnd refuses them',
    );
  });

  it('a folder of networkd, as export writes it', () => {
    importSite();
    expect(l2vpnd(['export', '-c', 'site.json', '-f', 'networkd', '--out', 'net'])).toMatchObject({
      status: 0,
    });
    const { status, stdout } = l2vpnd(['import', 'net', '--show-keys']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).tunnels).toMatchObject([
      { gre: { local: '1.1.1.1' }, tap: { bridge: 'br0' }, macsec: { txSa: [{ key: KEY_A }] } },
    ]);
  });

  it.each([
    [['import', 'nothing.sh'], 66, 'nothing.sh does not exist'],
    [['import', 'empty'], 65, 'empty is a folder without .netdev and .network files'],
    [['import', 'hello.sh'], 65, 'hello.sh: no tunnel is in it: no link of type gretap or ip6gretap'],
    [['import', 'hello.sh', '--from', 'ip-json'], 65, 'hello.sh: not valid JSON'],
    [
      ['import', 'hello.sh', 'x.json'],
      65,
      'the sources are of several formats: hello.sh (script), x.json (ip-json); give those of one, or name it by --from',
    ],
    [['import', 'binary'], 65, 'binary is no text: neither a script, nor JSON of "ip", nor a .netdev'],
    [
      ['import', 'two.sh'],
      64,
      'two.sh has several sites: choose one by --netns: nsra (macsec1 from 1.1.1.1 to 2.2.2.2); nsrb (macsec1 from 2.2.2.2 to 1.1.1.1)',
    ],
    [
      ['import', 'bad.sh'],
      65,
      'bad.sh: l2vpnd has no such tunnel:\nl2vpnd: tunnels[0].gre.remote: "224.0.0.1" is a multicast, broadcast or reserved address; a tunnel has two ends',
    ],
    [['import', 'gue.sh'], 65, 'gue.sh: no tunnel in it is one that l2vpnd can have; the warnings say why'],
    [['import', 'large'], 65, 'large has 2000000 octets; at most 1048576 are read'],
    [['import'], 64, "missing required argument 'source'; see l2vpnd --help"],
    [
      ['import', 'two.sh', '--from', 'cisco'],
      64,
      "option '--from <format>' argument 'cisco' is invalid. Allowed choices are script, ip-json, networkd.; see l2vpnd --help",
    ],
  ])('%j: %i', (args, wanted, message) => {
    put('hello.sh', 'echo hello\n');
    put('x.json', '[{}]');
    put('binary', 'a\0b');
    put('two.sh', SCRIPT);
    put('bad.sh', 'ip link add g0 type gretap local 1.1.1.1 remote 224.0.0.1 ttl 64');
    put('gue.sh', 'ip link add g0 type gretap local 1.1.1.1 remote 2.2.2.2 encap gue encap-dport 5');
    put('large', ' '.repeat(2_000_000));
    mkdirSync(join(dir, 'empty'));
    const { status, stdout, stderr } = l2vpnd(args);
    expect({ status, stdout, said: stderr.replace(/^l2vpnd: warning: .*\n/gm, '') }).toEqual({
      status: wanted,
      stdout: '',
      said: `l2vpnd: ${message}\n`,
    });
  });
});

describe('l2vpnd export', () => {
  it('prints a script that asks for the keys, and with --show-keys one that has them', () => {
    importSite();
    const { stdout, stderr } = l2vpnd(['export', '--config', 'site.json', '--format', 'iproute2']);
    expect(stderr).toContain(
      'warning: the keys are not in it: --out writes them, into files for the owner alone; --show-keys prints them',
    );
    expect(showsKey(stdout + stderr)).toBe(false);
    // Not run by a shell: it ends for want of a key before it does anything.
    const run = spawnSync('/bin/sh', ['-c', stdout], { encoding: 'utf8', env: { PATH: '/nonexistent' } });
    expect([run.status, run.stderr]).toEqual([
      2,
      expect.stringContaining('TX_0_KEY: is missing: the key 01'),
    ]);
    expect(
      l2vpnd(['export', '--config', 'site.json', '--format', 'iproute2', '--show-keys']).stdout,
    ).toContain(`macsec add macsec1 tx sa 0 pn 1 on key 01 ${KEY_A}`);
  });

  it('--out: a file for the owner alone, never overwritten', () => {
    importSite();
    const argv = [
      'export',
      'macsec1',
      '--config',
      'site.json',
      '--format',
      'iproute2',
      '--peer',
      '--bridge',
      'lan',
      '--out',
      'peer.sh',
    ];
    expect(l2vpnd(argv)).toMatchObject({ status: 0, stdout: 'wrote peer.sh, for the owner alone\n' });
    expect(modeOf('peer.sh')).toBe('600');
    expect(read('peer.sh')).toContain(`tx sa 0 pn 1 on key 02 ${KEY_B}`);
    expect(read('peer.sh')).toContain('ip link set macsec1 master lan up');
    expect(l2vpnd(argv)).toMatchObject({ status: 73 });
  });

  it('networkd: files in a folder, or in one text that import takes', () => {
    importSite();
    const { stdout } = l2vpnd(['export', '-c', 'site.json', '-f', 'networkd', '--out', 'net']);
    expect(readdirSync(join(dir, 'net')).sort()).toEqual([
      ...[
        '10-gretap1.netdev',
        '10-gretap1.network',
        '10-macsec1.netdev',
        '10-macsec1.network',
        '90-br0.netdev',
      ],
    ]);
    expect(stdout).toMatch(
      /^wrote net\/10-gretap1.netdev, .*, for the owner alone\nsudo chgrp systemd-network net\/10-.*\nsudo chmod 640 net\/10-.*\n$/,
    );
    const text = l2vpnd(['export', '-c', 'site.json', '-f', 'networkd', '--show-keys']).stdout;
    expect(text).toMatch(/^# 10-gretap1.netdev\n\[NetDev\]\nName=gretap1\n/);
    const again = l2vpnd(['import', '-', '--show-keys'], text);
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(l2vpnd(['import', 'net', '--show-keys']).stdout));
  });

  it('wpa_supplicant and scapy have their tunnels, and no others', () => {
    importSite();
    l2vpnd(['init', '--a', '192.0.2.1', '--b', '198.51.100.2', '--bridge', 'br0']);
    const conf = l2vpnd(['export', '-c', 'site1.json', '-f', 'wpa_supplicant', '--show-keys']).stdout;
    expect(conf).toContain(`  mka_cak=${read('site1-site2.cak').trim()}\n`);
    expect(conf).toContain('ip fou add port 4754 ipproto 47\nip link add gretap1');
    const hidden = l2vpnd(['export', '-c', 'site1.json', '-f', 'wpa_supplicant', '--peer']).stdout;
    expect(hidden).toContain('  mka_cak=$CAK\n');
    expect(hidden).toContain('local 198.51.100.2 remote 192.0.2.1');
    expect(l2vpnd(['export', '-c', 'site.json', '-f', 'scapy']).stdout).toContain('os.environ["TX_0_KEY"]');
    const no = (file: string, format: string): Outcome => l2vpnd(['export', '-c', file, '-f', format]);
    expect(no('site.json', 'wpa_supplicant')).toMatchObject({
      status: 78,
      stderr: expect.stringContaining(
        'it has static keys, and a wpa_supplicant agrees on keys (macsec.mka): take --format iproute2',
      ),
    });
    for (const format of ['iproute2', 'networkd'])
      expect(no('site1.json', format)).toMatchObject({
        status: 78,
        stderr: expect.stringContaining(
          `tunnel "site2" cannot be said as ${format}: its keys come by agreement`,
        ),
      });
    expect(no('site1.json', 'scapy')).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('"l2vpnd explain -r" decrypts them'),
    });
  });

  it('what is missing or not there', () => {
    importSite();
    const json = JSON.parse(read('site.json'));
    put(
      'two.json',
      JSON.stringify({
        tunnels: ['a', 'b'].map((name, i) => ({
          ...json.tunnels[0],
          name,
          tap: { ifname: name },
          gre: { local: '1.1.1.1', remote: `2.2.2.${i + 1}` },
          macsec: null,
        })),
      }),
    );
    const said = (...args: string[]): string => {
      const { status, stderr } = l2vpnd(['export', ...args]);
      return `${status} ${stderr.trimEnd()}`;
    };
    expect(said('-f', 'iproute2')).toBe(
      '64 l2vpnd: --config is missing: name the configuration, like --config site1.json; see l2vpnd --help',
    );
    expect(said('-c', 'site.json')).toContain(
      "64 l2vpnd: required option '-f, --format <format>' not specified",
    );
    expect(said('-c', 'two.json', '-f', 'iproute2')).toBe(
      '64 l2vpnd: two.json has 2 tunnels: name one of a, b; see l2vpnd export --help',
    );
    expect(said('-c', 'two.json', '-f', 'iproute2', 'zzzz')).toBe(
      '64 l2vpnd: two.json has no tunnel "zzzz"; it has a, b; see l2vpnd export --help',
    );
    expect(said('-c', 'nothing.json', '-f', 'iproute2')).toContain('66 l2vpnd: nothing.json does not exist');
    expect(said('-c', 'two.json', '-f', 'iproute2', 'a', '--out', 'no/such/x.sh')).toContain(
      'no/such/x.sh cannot be made: its directory does not exist',
    );
    chmodSync(join(dir, 'two.json'), 0o600);
    put('taken', '');
    expect(said('-c', 'two.json', '-f', 'networkd', 'a', '--out', 'taken')).toContain('73 ');
  });
});
