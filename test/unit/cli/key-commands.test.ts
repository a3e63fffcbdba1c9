/** `l2vpnd init` and `genkey`, as a shell sees them: what they leave on disk, what they say, and that they overwrite nothing. Runs dist/. */
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
import { loadConfig } from '../../../src/config/load.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import type { Json } from '../config/sample.ts';

const MAIN = join(process.cwd(), 'dist/src/main.js');

let dir: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build:ts first`);
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-keys-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** In `dir`, with a umask that would leave files open. `as`: not as root. */
function l2vpnd(args: readonly string[], as: { uid: number; gid: number } | null = null): Outcome {
  const argv = ['-c', 'umask 0; exec "$0" "$@"', process.execPath, MAIN, ...args];
  const { status, stdout, stderr } = spawnSync('sh', argv, {
    ...{ encoding: 'utf8', timeout: 20_000, cwd: dir },
    ...(as ?? {}),
  });
  return { status, stdout, stderr };
}

const A_AND_B = ['--a', '192.0.2.1', '--b', '198.51.100.2'];

const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
const modeOf = (name: string): string => (statSync(join(dir, name)).mode & 0o7777).toString(8);
const json = (name: string): Json => JSON.parse(read(name));
/** The JSON that follows `"macsec": ` in each line of an output that has it. */
const snippets = (stdout: string): Json[] =>
  [...stdout.matchAll(/"macsec": (\{.*\})$/gm)].map(([, text]) => JSON.parse(text!));

describe('l2vpnd init', () => {
  it('leaves two configurations that check passes, and one key, for the owner alone', () => {
    const { status, stderr } = l2vpnd(['init', ...A_AND_B]);
    expect([status, stderr]).toEqual([0, '']);
    expect(readdirSync(dir).sort()).toEqual(['site1-site2.cak', 'site1.json', 'site2.json']);
    for (const name of readdirSync(dir)) expect(`${name} ${modeOf(name)}`).toBe(`${name} 600`);
    for (const name of ['site1.json', 'site2.json']) {
      expect(l2vpnd(['check', '--config', name])).toMatchObject({ status: 0, stderr: '' });
      expect(configWarnings(loadConfig(join(dir, name)), name)).toEqual([]);
    }
  });

  it('the two are ends of one tunnel, over GRE-in-UDP, with MKA', () => {
    l2vpnd(['init', ...A_AND_B]);
    const [one, two] = ['site1.json', 'site2.json'].map((name) => loadConfig(join(dir, name)).tunnels[0]!);
    expect(one!.gre).toMatchObject({ local: '192.0.2.1', remote: '198.51.100.2', encap: 'udp', port: 4754 });
    expect(two!.gre).toMatchObject({ local: '198.51.100.2', remote: '192.0.2.1', encap: 'udp', port: 4754 });
    expect([one!.name, two!.name]).toEqual(['site2', 'site1']);
    expect(one!.mka!.ckn).toBe(two!.mka!.ckn);
    expect(one!.mka!.cak.equals(two!.mka!.cak)).toBe(true);
    expect(one!.mka!.cak.symmetricKeySize).toBe(32);
    expect(one!.tap.mac).not.toBe(two!.tap.mac);
    for (const { tap } of [one!, two!]) expect(Number.parseInt(tap.mac!, 16) & 3).toBe(2);
  });

  it('in a directory that hands its group on, that group may read them', () => {
    const group = process.getegid!();
    mkdirSync(join(dir, 'etc'));
    chmodSync(join(dir, 'etc'), 0o2750);
    l2vpnd(['init', ...A_AND_B, '--dir', 'etc']);
    const expected = process.geteuid!() === 0 ? '640' : '600';
    for (const name of ['site1.json', 'site1-site2.cak']) {
      expect(modeOf(`etc/${name}`)).toBe(expected);
      expect(statSync(join(dir, 'etc', name)).gid).toBe(group);
    }
  });

  it('every option has its effect', () => {
    const more =
      '--names munich,oslo --dir new/deep --port 4755 --bridge br7 --ifname vpn0 --cipher gcm-aes-256 --bits 128';
    expect(l2vpnd(['init', ...A_AND_B, ...more.split(' ')]).stderr).toBe('');
    expect([modeOf('new'), modeOf('new/deep')]).toEqual(['700', '700']);
    const [tunnel] = loadConfig(join(dir, 'new/deep/oslo.json')).tunnels;
    expect(tunnel).toMatchObject({
      name: 'munich',
      tap: { ifname: 'vpn0', bridge: 'br7' },
      gre: { port: 4755 },
      macsec: { cipher: 'gcm-aes-256' },
    });
    expect(tunnel!.mka!.cak.symmetricKeySize).toBe(16);
    expect(read('new/deep/munich-oslo.cak')).toMatch(/^[0-9a-f]{32}\n$/);
  });

  it('plain GRE and IPv6 where they are asked for', () => {
    const { stdout } = l2vpnd(['init', '--a', '2001:db8::1', '--b', '2001:db8::2', '--encap', 'gre']);
    expect(loadConfig(join(dir, 'site1.json')).tunnels[0]!.gre).toMatchObject({ encap: 'none', family: 6 });
    expect(stdout).toContain('root@[2001:db8::2]:/etc/l2vpnd');
  });

  it("says its format's version", () => {
    l2vpnd(['init', ...A_AND_B]);
    expect([json('site1.json').version, json('site2.json').version]).toEqual([1, 1]);
  });

  it('--json prints the paths, as genkey does, and no key', () => {
    const { stdout } = l2vpnd(['init', ...A_AND_B, '--dir', 'new', '-j']);
    expect(JSON.parse(stdout)).toEqual({
      ...{ configs: ['new/site1.json', 'new/site2.json'], key: 'new/site1-site2.cak' },
    });
    expect(JSON.parse(l2vpnd(['genkey', '--json', '-o', 'x.cak']).stdout)).toEqual({
      ...{ files: ['x.cak'], ckn: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(JSON.parse(l2vpnd(['genkey', '--json', '--sak']).stdout)).toEqual({
      ...{ files: ['site1.key', 'site2.key'], ckn: null },
    });
  });

  it('says what to copy where, and no key', () => {
    const { stdout } = l2vpnd(['init', ...A_AND_B]);
    expect(stdout.split('\n').slice(1)).toEqual([
      'At site1 (192.0.2.1):',
      '  sudo install -d -m 700 /etc/l2vpnd; sudo install -m 600 site1.json site1-site2.cak /etc/l2vpnd',
      '  sudo l2vpnd --config /etc/l2vpnd/site1.json',
      'At site2 (198.51.100.2), after it was copied by a safe way:',
      '  sudo scp -p site2.json site1-site2.cak root@198.51.100.2:/etc/l2vpnd',
      '  sudo l2vpnd --config /etc/l2vpnd/site2.json',
      '',
    ]);
    expect(stdout).not.toContain(read('site1-site2.cak').trim());
  });

  it('says paths as a shell reads them', () => {
    const { stdout } = l2vpnd(['init', ...A_AND_B, '--dir', "it's new"]);
    const [, words] = /sudo scp -p (.*) root@/.exec(stdout)!;
    const { stdout: listed } = spawnSync('sh', ['-c', `ls ${words}`], { cwd: dir, encoding: 'utf8' });
    expect(listed).toBe("it's new/site1-site2.cak\nit's new/site2.json\n");
  });

  it('a second time makes other keys, elsewhere, and overwrites nothing', () => {
    l2vpnd(['init', ...A_AND_B]);
    const before = ['site1.json', 'site2.json', 'site1-site2.cak'].map(read);
    const again = l2vpnd(['init', ...A_AND_B]);
    expect(again).toMatchObject({ status: 73, stdout: '' });
    expect(again.stderr).toBe(
      'l2vpnd: site1-site2.cak is there already, and may be a key in use: it is not overwritten; take another name or remove it\n',
    );
    expect(['site1.json', 'site2.json', 'site1-site2.cak'].map(read)).toEqual(before);
    l2vpnd(['init', ...A_AND_B, '--dir', 'two']);
    expect(read('two/site1-site2.cak')).not.toBe(before[2]);
    expect(json('two/site1.json').tunnels[0].macsec.mka.ckn).not.toBe(
      json('site1.json').tunnels[0].macsec.mka.ckn,
    );
  });

  it('leaves nothing where one of the files is there', () => {
    writeFileSync(join(dir, 'site2.json'), 'mine');
    const { status, stderr } = l2vpnd(['init', ...A_AND_B]);
    expect(status).toBe(73);
    expect(stderr).toMatch(/^l2vpnd: site2\.json is there already/);
    expect(readdirSync(dir)).toEqual(['site2.json']);
    expect(read('site2.json')).toBe('mine');
  });

  it.each<[string, string[], RegExp]>([
    ['no --b', ['--a', '192.0.2.1'], /required option '--b <address>' not specified/],
    ['no address', ['--a', 'munich', '--b', '192.0.2.1'], /--a: "munich" is not an IPv4 or IPv6 address/],
    ['one address', ['--a', '192.0.2.1', '--b', '192.0.2.1'], /--b: "192\.0\.2\.1" is gre\.local too/],
    [
      'two families',
      ['--a', '192.0.2.1', '--b', '2001:db8::1'],
      /--b: "2001:db8::1" is IPv6 but gre\.local "192\.0\.2\.1" is IPv4/,
    ],
    ['one name', [...A_AND_B, '--names', 'oslo'], /--names: "oslo" is not two names with a comma/],
    ['a name twice', [...A_AND_B, '--names', 'oslo,oslo'], /--names: both sites would be "oslo"/],
    ['a path for a name', [...A_AND_B, '--names', '../x,y'], /--names: must be a name of 1 to 32 letters/],
    ['a long device', [...A_AND_B, '--ifname', 'a-name-that-is-too-long'], /--ifname: .* has 23 octets/],
    ['a bridge that cannot be', [...A_AND_B, '--bridge', 'a/b'], /--bridge: "a\/b" holds "\/"/],
    ['no port', [...A_AND_B, '--port', '70000'], /--port: must be a whole number from 1 to 65535/],
    [
      'no number',
      [...A_AND_B, '--port', 'x'],
      /option '--port <port>' argument 'x' is invalid\. It must be a whole number/,
    ],
    ['a port without UDP', [...A_AND_B, '--encap', 'gre', '--port', '99'], /--port: belongs to encap "udp"/],
    [
      'another encapsulation',
      [...A_AND_B, '--encap', 'vxlan'],
      /'--encap <kind>' argument 'vxlan' is invalid/,
    ],
    ['no cipher', [...A_AND_B, '--cipher', 'aes-gcm-128'], /--cipher: must be one of "gcm-aes-128"/],
    [
      'odd bits',
      [...A_AND_B, '--bits', '192'],
      /'--bits <bits>' argument '192' is invalid\. It must be 128 or 256/,
    ],
    ['more', [...A_AND_B, 'more'], /too many arguments/],
  ])('%s: 64, and no file', (_what, args, message) => {
    const { status, stdout, stderr } = l2vpnd(['init', ...args]);
    expect([status, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('a directory that cannot be made', () => {
    writeFileSync(join(dir, 'file'), '');
    for (const where of ['file', 'file/below', '/proc/nowhere']) {
      const { status, stderr } = l2vpnd(['init', ...A_AND_B, '--dir', where]);
      expect([status, stderr]).toEqual([
        73,
        expect.stringMatching(`^l2vpnd: --dir: ${where} cannot be made: `),
      ]);
    }
  });
});

describe('l2vpnd genkey', () => {
  it('makes a CAK for its owner alone, and says what the configurations say', () => {
    const { status, stdout, stderr } = l2vpnd(['genkey']);
    expect([status, stderr]).toEqual([0, '']);
    expect([readdirSync(dir), modeOf('l2vpnd.cak')]).toEqual([['l2vpnd.cak'], '600']);
    expect(read('l2vpnd.cak')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(stdout).not.toContain(read('l2vpnd.cak').trim());
    expect(snippets(stdout)).toEqual([
      { mka: { ckn: expect.stringMatching(/^[0-9a-f]{64}$/), cakFile: 'l2vpnd.cak' } },
    ]);
  });

  it('what it says is taken by check', () => {
    l2vpnd(['init', ...A_AND_B]);
    const [macsec] = snippets(l2vpnd(['genkey', '--bits', '128', '--out', 'new.cak']).stdout);
    const site = json('site1.json');
    site.tunnels[0].macsec = macsec;
    writeFileSync(join(dir, 'site1.json'), JSON.stringify(site));
    const { status, stdout } = l2vpnd(['check', '--config', 'site1.json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).tunnels[0].macsec.mka).toMatchObject({
      ckn: macsec.mka.ckn,
      cak: '(hidden, 16 octets)',
    });
  });

  it.each([
    ['128 bits', [], 32, {}],
    ['256 bits', ['--bits', '256'], 64, { cipher: 'gcm-aes-256' }],
  ])('--sak makes two SAKs of %s that two sites take', (_what, more, digits, cipher) => {
    const { status, stdout } = l2vpnd(['genkey', '--sak', '--out', 'k', ...more]);
    expect(status).toBe(0);
    const keys = ['k1.key', 'k2.key'].map(read);
    for (const key of keys) expect(key).toMatch(new RegExp(`^[0-9a-f]{${digits}}\n$`));
    expect(keys[0]).not.toBe(keys[1]);
    expect(['k1.key', 'k2.key'].map(modeOf)).toEqual(['600', '600']);
    const said = snippets(stdout);
    expect(said).toMatchObject([
      { ...cipher, txSa: [{ keyFile: 'k1.key' }], rxSc: [{ sa: [{ keyFile: 'k2.key' }] }] },
      { ...cipher, txSa: [{ keyFile: 'k2.key' }], rxSc: [{ sa: [{ keyFile: 'k1.key' }] }] },
    ]);
    l2vpnd(['init', ...A_AND_B]);
    const site = json('site1.json');
    said[0].rxSc[0].mac = '02:00:00:00:00:02';
    site.tunnels[0].macsec = said[0];
    writeFileSync(join(dir, 'site1.json'), JSON.stringify(site));
    expect(l2vpnd(['check', '--config', 'site1.json'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('overwrites no key, and leaves no half of a pair', () => {
    writeFileSync(join(dir, 'site2.key'), 'mine');
    const pair = l2vpnd(['genkey', '--sak']);
    expect([pair.status, pair.stdout]).toEqual([73, '']);
    expect(pair.stderr).toMatch(
      /site2\.key is there already, and may be a key in use: it is not overwritten/,
    );
    expect(readdirSync(dir)).toEqual(['site2.key']);
    l2vpnd(['genkey']);
    const before = read('l2vpnd.cak');
    expect(l2vpnd(['genkey']).status).toBe(73);
    expect(read('l2vpnd.cak')).toBe(before);
  });

  it('a directory that is not there, or none', () => {
    writeFileSync(join(dir, 'file'), '');
    for (const out of ['nowhere/a.cak', 'file/a.cak']) {
      const { status, stderr } = l2vpnd(['genkey', '--out', out]);
      expect(status).toBe(73);
      expect(stderr).toMatch(`${out} cannot be made: its directory does not exist`);
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    'a directory of somebody else: 77 (needs root to become another user)',
    () => {
      mkdirSync(join(dir, 'theirs'), { mode: 0o755 });
      chmodSync(dir, 0o755);
      const nobody = { uid: 65534, gid: 65534 };
      const made = l2vpnd(['genkey', '--out', 'theirs/a.cak'], nobody);
      expect([made.status, made.stderr]).toEqual([
        77,
        expect.stringMatching(/theirs\/a\.cak cannot be made: permission denied/),
      ]);
      const init = l2vpnd(['init', ...A_AND_B, '--dir', 'theirs/deep'], nobody);
      expect([init.status, init.stderr]).toEqual([
        77,
        expect.stringMatching(/--dir: theirs\/deep cannot be made: permission denied/),
      ]);
    },
  );
});
