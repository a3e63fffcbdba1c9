/** The command as a shell sees it: what it prints where, and its exit status. Runs dist/, which `npm test` builds. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleText, KEY_A, KEY_B, sample } from '../config/sample.ts';
import { ARP_REQUEST, GRE_IPV4, PCAPNG_FILE } from '../explain/packets.ts';

const MAIN = 'dist/src/main.js';

let dir: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build:ts first`);
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-cli-'));
  chmodSync(dir, 0o755);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function l2vpnd(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

function file(name: string, text: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('l2vpnd: usage', () => {
  it.each<[string[], RegExp]>([
    [[], /^l2vpnd: --config is missing/],
    [['chekc'], /^l2vpnd: unknown command "chekc"; did you mean "check"\?/],
    [['frobnicate'], /^l2vpnd: unknown command "frobnicate"; commands are check/],
    [['--confg', 'x'], /^l2vpnd: unknown option '--confg' \(Did you mean --config\?\)/],
    [['--config'], /^l2vpnd: option '-c, --config <file>' argument missing/],
    [
      ['--config', 'x', '--log-format', 'xml'],
      /^l2vpnd: option '--log-format <format>' argument 'xml' is invalid/,
    ],
    [['check'], /^l2vpnd: --config is missing/],
    [['check', '--config', 'x', 'y'], /^l2vpnd: too many arguments/],
    [['check', '--verbose'], /^l2vpnd: unknown option '--verbose'/],
  ])('%j ends with 64 and one line', (args, line) => {
    const { status, stdout, stderr } = l2vpnd(...args);
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([64, '']);
  });

  it('--version prints that of package.json', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(l2vpnd('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([[['--help']], [['-h']], [['help']]])('%j prints usage and an example', (args) => {
    const { status, stdout } = l2vpnd(...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: l2vpnd/);
    expect(stdout).toContain('$ sudo l2vpnd --config /etc/l2vpnd/site1.json');
  });
});

describe('l2vpnd check', () => {
  it('prints the effective configuration as JSON, keys hidden', () => {
    const { status, stdout, stderr } = l2vpnd(
      'check',
      '--config',
      file('good.json', JSON.stringify(sample())),
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).tunnels[0].macsec).toMatchObject({
      cipher: 'gcm-aes-128',
      replayWindow: 1024,
      txSa: [{ an: 0, pn: 1, keyId: '01', active: true, key: '(hidden, 16 octets)' }],
    });
    expect(stdout).not.toMatch(/1a1a1a|2b2b2b/);
  });

  it('warns on stderr of a tunnel in clear, and still succeeds', () => {
    const value = sample();
    value.tunnels[0].macsec = null;
    const { status, stdout, stderr } = l2vpnd('check', '--config', file('clear.json', JSON.stringify(value)));
    expect(status).toBe(0);
    expect(stderr).toBe(
      'l2vpnd: warning: tunnel "site2": macsec is null: frames cross the WAN in clear, and anybody there can inject frames\n',
    );
    expect(JSON.parse(stdout).tunnels[0].macsec).toBeNull();
  });

  it('takes --config before the command too', () => {
    expect(l2vpnd('--config', file('early.json', JSON.stringify(sample())), 'check').status).toBe(0);
  });
});

describe('keys in the memory of a command', () => {
  /** What the command's process had at its end, as the kernel says. */
  const atEnd = `data:text/javascript,${encodeURIComponent(
    `import { readFileSync } from 'node:fs';
     process.on('exit', () => process.stderr.write(readFileSync('/proc/self/limits', 'utf8')));`,
  )}`;

  it.each([[['check']], [['explain', GRE_IPV4]]])('of %j are in no core dump', (args) => {
    const path = file('good.json', JSON.stringify(sample()));
    const unlimited = ['-c', 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', 'sh'];
    const run = [process.execPath, '--import', atEnd, MAIN, ...args, '--config', path];
    const { status, stderr } = spawnSync('sh', [...unlimited, ...run], { encoding: 'utf8' });
    expect(stderr).toMatch(/^Max core file size\s+0\s+0\s/m);
    expect(status).toBe(0);
  });

  it('may be, with a warning, where the addon was not built', () => {
    const copy = join(dir, 'copy');
    mkdirSync(copy);
    cpSync('dist/src', join(copy, 'dist/src'), { recursive: true });
    cpSync('package.json', join(copy, 'package.json'));
    symlinkSync(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'));
    const argv = [join(copy, MAIN), 'check', '--config', file('good.json', JSON.stringify(sample()))];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect(stderr).toMatch(
      /^l2vpnd: warning: a core dump would hold keys: the addon was not built, and \S+ has no prebuilt one .*\n$/,
    );
    expect(status).toBe(0);
  });
});

describe('l2vpnd with the published example keys', () => {
  it('check refuses them, or warns where that was asked for, before or behind the command', () => {
    const path = exampleFile();
    expect(l2vpnd('check', '--config', path)).toMatchObject({
      status: 78,
      stdout: '',
      stderr: expect.stringMatching(/txSa\[0\]\.key: is a key of the published examples/),
    });
    for (const args of [
      ['--insecure-example-keys', 'check'],
      ['check', '--insecure-example-keys'],
    ]) {
      const { status, stderr } = l2vpnd(...args, '--config', path);
      expect(stderr).toMatch(
        /^l2vpnd: warning: INSECURE: .* use keys of the published examples: anybody can read/,
      );
      expect(status).toBe(0);
    }
  });

  it('the daemon refuses them before it touches anything', () => {
    const path = exampleFile();
    const { stderr, status } = l2vpnd('check', '--config', path);
    expect(l2vpnd('--config', path)).toMatchObject({ stderr, status });
  });
});

describe('l2vpnd check with a bad configuration', () => {
  it.each<[string, () => string, number, RegExp]>([
    ['missing', () => join(dir, 'absent.json'), 66, /absent\.json does not exist/],
    ['empty', () => file('empty.json', ''), 78, /^l2vpnd: empty\.json is empty/],
    [
      'no JSON',
      () => file('text.json', '{\n "tunnels" = 1\n}'),
      78,
      /^l2vpnd: text\.json:2:12: not valid JSON: /,
    ],
    ['an unknown key', () => broken({ crypt: 'auto' }), 78, /unknown key "crypt", did you mean "crypto"\?/],
    [
      'a wrong type',
      () => broken({ workers: 'two' }),
      78,
      /workers: must be "auto" or a whole number from 1 to 64, not "two"/,
    ],
    [
      'a key of wrong length',
      () => withKey(KEY_A.slice(0, 30)),
      78,
      /key: must be 32 or 64 hex digits, not 30 digits/,
    ],
    ['a missing key file', () => withKeyFile('absent.key'), 66, /key file \S+absent\.key does not exist/],
    [
      'an open key file',
      () => withKeyFile(file('open.key', KEY_A, 0o644)),
      78,
      /has mode 0644: others have access/,
    ],
    ['a file that is open', () => file('open.json', JSON.stringify(sample()), 0o644), 78, /run chmod 600 /],
    [
      'nested 3000 deep',
      () => file('deep.json', `{"tunnels":${'['.repeat(3000)}${']'.repeat(3000)}}`),
      78,
      /^l2vpnd: deep\.json:1:43: is nested deeper than 32 levels\n$/,
    ],
    [
      'PN 0',
      () =>
        changed((t) => {
          t.macsec.txSa[0].pn = 0;
        }),
      78,
      /txSa\[0\]\.pn: must be a whole number from 1/,
    ],
    [
      'a TAP name too long',
      () =>
        changed((t) => {
          t.tap.ifname = 'x'.repeat(16);
        }),
      78,
      /tap\.ifname: "x+" has 16 octets/,
    ],
    [
      'same key and SCI both ways',
      () =>
        changed((t) => {
          t.macsec.rxSc = [{ mac: t.tap.mac, sa: [{ key: KEY_A }] }];
        }),
      78,
      /packet numbers would repeat under one key/,
    ],
  ])('%s: status and message', (_what, path, status, message) => {
    const outcome = l2vpnd('check', '--config', path());
    expect(outcome.stderr).toMatch(message);
    expect([outcome.status, outcome.stdout]).toEqual([status, '']);
    expect(outcome.stderr).not.toMatch(/1a1a1a|2b2b2b|^\s+at /m);
  });
});

describe('l2vpnd --config with a bad configuration', () => {
  it('ends as check does, before it touches anything', () => {
    const path = broken({ crypt: 'auto' });
    const { stdout, ...ended } = l2vpnd('--config', path);
    const { stdout: nothing, ...checked } = l2vpnd('check', '--config', path);
    expect(ended).toEqual(checked);
    expect(nothing).toBe('');
    // The log has it too, once.
    expect(`l2vpnd: ${JSON.parse(stdout).msg}\n`).toBe(ended.stderr);
  });
});

describe.runIf(process.getuid?.() === 0)('l2vpnd check as another user (needs root to become one)', () => {
  it('a file without access ends with 77', () => {
    const path = file('private.json', JSON.stringify(sample()));
    const entry = join(process.cwd(), MAIN);
    const { status, stderr } = spawnSync(process.execPath, [entry, 'check', '--config', path], {
      encoding: 'utf8',
      uid: 65534,
      gid: 65534,
      cwd: '/',
    });
    expect(stderr).toBe(`l2vpnd: ${path} cannot be read: permission denied\n`);
    expect(status).toBe(77);
  });
});

describe('l2vpnd: several problems', () => {
  it('are said a line each, each with place', () => {
    const value = sample();
    value.tunnels[0].gre.remote = '2.2.2';
    value.workers = 0;
    const path = file('two.json', JSON.stringify(value, null, 2));
    expect(l2vpnd('check', '--config', path).stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(
        /^l2vpnd: two\.json:\d+: tunnels\[0\]\.gre\.remote: "2\.2\.2" is not an IPv4 or IPv6 address$/,
      ),
      expect.stringMatching(/^l2vpnd: two\.json:\d+: workers: must be /),
    ]);
  });

  it('hold no key', () => {
    const value = sample();
    value.tunnels[0].macsec.sak = KEY_B;
    value[KEY_A] = 1;
    const { stderr } = l2vpnd('check', '--config', file('leak.json', JSON.stringify(value)));
    expect(stderr).toContain('unknown key "sak"');
    expect(stderr).not.toMatch(/1a1a1a|2b2b2b/);
  });
});

describe('l2vpnd explain', () => {
  it('says of a packet whether a configuration accepts it, and shows what is in it', () => {
    const { status, stdout, stderr } = l2vpnd('explain', '--config', exampleFile(), GRE_IPV4);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('tunnel site2, received: ACCEPTED (ok): key 02, AN 0');
    expect(stdout).not.toMatch(/(22){16}|(11){16}/);
  });

  it('reads a capture, and prints JSON', () => {
    const path = join(dir, 'a.pcapng');
    writeFileSync(path, Buffer.from(PCAPNG_FILE, 'hex'));
    const { stdout } = l2vpnd('explain', '-j', '-r', path, '-c', exampleFile());
    expect(JSON.parse(stdout)).toMatchObject({ number: 1, verdict: { accepted: true, frame: ARP_REQUEST } });
  });

  it('decodes without a configuration, from a hex dump of tcpdump', () => {
    const words = GRE_IPV4.slice(0, 64).replace(/(.{4})/g, '$1 ');
    const path = file(
      'dump.txt',
      `\t0x0000:  ${words.slice(0, 40)} E..b\n\t0x0010:  ${words.slice(40)} ....\n`,
    );
    expect(l2vpnd('explain', path).stdout).toMatch(/IPv4 .*\n {4}source +2\.2\.2\.2/);
  });

  it.each<[string[], number, RegExp]>([
    [[], 64, /explain takes hex, or a file/],
    [['00', '-r', 'x'], 64, /explain takes hex, or a file/],
    [['-n', '0', '00'], 64, /It must be a whole number from 1/],
    [['/nowhere/x.pcap'], 66, /is neither hex nor a file/],
    [['package.json'], 65, /package\.json holds neither hex nor a capture/],
  ])('%j', (args, status, message) => {
    const outcome = l2vpnd('explain', ...args);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(status);
  });
});

describe('l2vpnd with --json', () => {
  it.each<[string, string[], number, string, RegExp]>([
    ['an unknown option', ['show', '--json', '--verbose'], 64, 'L2VPN_USAGE', /^unknown option '--verbose'/],
    ['no command of that name', ['-j', 'chekc'], 64, 'L2VPN_USAGE', /unknown option '-j'/],
    [
      'no daemon',
      ['show', '-sj', '--socket', '/nowhere/s'],
      69,
      'L2VPN_UNAVAILABLE',
      /no l2vpnd answers there/,
    ],
    ['no file', ['check', '-j', '-c', '/nowhere/x.json'], 66, 'L2VPN_NOINPUT', /does not exist/],
  ])('%s is one object on stderr, and nothing on stdout', (_, args, exitStatus, code, message) => {
    const { status, stdout, stderr } = l2vpnd(...args);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringMatching(message), code, exitStatus });
    expect([status, stdout]).toEqual([exitStatus, '']);
  });

  it('check prints the configuration and its warnings as one object; several problems stay one', () => {
    const value = sample();
    value.tunnels[0].macsec = null;
    const { status, stdout, stderr } = l2vpnd('check', '-j', '-c', file('clear.json', JSON.stringify(value)));
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      config: { tunnels: [{ name: 'site2', macsec: null }] },
      warnings: [expect.stringMatching(/frames cross the WAN in clear/)],
    });
    const two = l2vpnd('check', '-j', '-c', broken({ workers: 0, crypto: 'x' }));
    expect(JSON.parse(two.stderr).error.split('\n')).toHaveLength(2);
  });

  it('version says all versions', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const { node, openssl } = process.versions;
    expect(JSON.parse(l2vpnd('version', '-j').stdout)).toEqual({
      ...{ l2vpnd: version, config: 1, control: 1, node, openssl },
    });
    expect(l2vpnd('version').stdout).toBe(
      `l2vpnd ${version}, on Node.js ${node} with OpenSSL ${openssl}\nconfiguration version 1, control protocol version 1\n`,
    );
  });
});

describe('l2vpnd with colours', () => {
  const path = (): string => exampleFile();

  it('has none in a pipe, and those that are asked for', () => {
    const accepted = '\x1b[32mACCEPTED (ok)\x1b[39m';
    expect(l2vpnd('explain', '--config', path(), GRE_IPV4).stdout).not.toContain('\x1b');
    expect(l2vpnd('explain', '--color', 'always', '--config', path(), GRE_IPV4).stdout).toContain(accepted);
    expect(l2vpnd('--color', 'always', 'explain', '--config', path(), GRE_IPV4).stdout).toContain(accepted);
    const { stderr } = l2vpnd('check', '--color', 'always', '-c', '/nowhere/x');
    expect(stderr.startsWith('\x1b[31ml2vpnd: \x1b[39m')).toBe(true);
    expect(l2vpnd('check', '--color', 'blue', '-c', 'x').stderr).toMatch(
      /'blue' is invalid\. Allowed choices are auto, always, never/,
    );
  });

  it('says a fault in red', () => {
    const { stdout } = l2vpnd('explain', '--color', 'always', GRE_IPV4.slice(0, 60));
    expect(stdout).toContain('\x1b[31mfault: ');
  });
});

describe('l2vpnd status', () => {
  it('without a daemon is 69, with or without --json', () => {
    expect(l2vpnd('status', '--socket', '/nowhere/s')).toMatchObject({ status: 69, stdout: '' });
    expect(l2vpnd('status', '-q', '--socket', '/nowhere/s')).toMatchObject({ status: 69, stdout: '' });
  });
});

/** Reading a packet protects nothing: `explain` takes the published keys without a word. */
function exampleFile(): string {
  return file('example.json', exampleText('site1'));
}

function broken(change: object): string {
  return file('broken.json', JSON.stringify({ ...sample(), ...change }));
}

function changed(change: (tunnel: ReturnType<typeof sample>) => void): string {
  const value = sample();
  change(value.tunnels[0]);
  return file('changed.json', JSON.stringify(value));
}

function withKey(key: string): string {
  return changed((tunnel) => {
    tunnel.macsec.txSa[0].key = key;
  });
}

function withKeyFile(keyFile: string): string {
  return changed((tunnel) => {
    tunnel.macsec.txSa[0] = { keyFile };
  });
}
