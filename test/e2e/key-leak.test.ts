/**
 * What a running daemon leaves of its keys: the memory is read octet by octet, as root may. The hex of a key is
 * nowhere in it, whatever has been loaded, reloaded or rotated; its octets are, since AES needs them: in KeyObjects
 * and in OpenSSL's contexts. No core dump is written, even where the limit would allow one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { must, run } from '../../lab/run.ts';
import { daemonPath, EXAMPLE_KEYS, type Site } from '../../lab/site.ts';
import { countIn, textsOf } from './leaks.ts';
import { labOfTests, suite } from './support.ts';

/** Without a pattern, so that finding them is no accident. */
const KEYS = {
  inline: '7c02e95fb1a84d36c9e0d5174fba2683',
  file: 'd4b86f0e2971c3a55e1f8b7790ca624d',
  commented: '5b0fd2c86e9371a4f8627ce01d4ab935',
  rotatedTx: '92f1c07d6be8354aa36d0fc5817be294',
  rotatedRx: '3ea57d18c4f2960b5bd1728e09fc4da6',
} as const;
const ALL = Object.values(KEYS);

async function residentOctets(pid: number): Promise<number> {
  const [, kB] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kB) * 1024;
}

suite('the memory of a running daemon', { programs: ['setpriv'] }, () => {
  const lab = labOfTests({ prefix: 'mem' });

  /** A site with one key in its file, one in a comment there, and one beside it. */
  async function keyedSite(settings: Record<string, unknown> = {}): Promise<Site> {
    const keyFile = lab.newFile('.key');
    await writeFile(keyFile, `${KEYS.file}\n`, { mode: 0o600 });
    const macsec = {
      txSa: [{ an: 0, keyId: '01', key: KEYS.inline }],
      rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ an: 0, keyId: '02', keyFile }] }],
    };
    const site = lab.site(1, { macsec }, { log: { level: 'trace' }, ...settings });
    await site.prepare();
    await appendFile(site.configPath, `// was: "key": "${KEYS.commented}"\n`);
    await site.start();
    return site;
  }

  it('holds the hex of no key: after the start, a reload and a rotation', async () => {
    lab.explainFailure();
    const site = await keyedSite();
    const resident = await residentOctets(site.pid);
    expect(countIn(site.pid, textsOf(ALL))).toEqual({});
    // That the search finds what is there: a key's octets must be in memory while it is in use.
    const octets = { inline: Buffer.from(KEYS.inline, 'hex'), file: Buffer.from(KEYS.file, 'hex') };
    const found = countIn(site.pid, octets);
    expect(found.inline).toBeGreaterThanOrEqual(1);
    expect(found.file).toBeGreaterThanOrEqual(1);

    expect((await site.command('reload')).code).toBe(0);
    expect(countIn(site.pid, textsOf(ALL))).toEqual({});

    const [tx, rx] = [lab.newFile('.key'), lab.newFile('.key')];
    await writeFile(tx, KEYS.rotatedTx, { mode: 0o600 });
    await writeFile(rx, KEYS.rotatedRx, { mode: 0o600 });
    const files = ['--tx-key-file', tx, '--rx-key-file', rx, '--now', '--grace', '1'];
    expect((await site.command('rotate', 'site2', ...files)).code).toBe(0);
    expect(countIn(site.pid, textsOf(ALL))).toEqual({});
    expect(resident).toBeLessThan(120 << 20);
    for (const key of ALL) expect(site.output()).not.toContain(key);
  });

  it('loses what OpenSSL had of a key when its SA goes', async () => {
    lab.explainFailure();
    const site = await keyedSite();
    const octets = { inline: Buffer.from(KEYS.inline, 'hex') };
    // A KeyObject, and a context to seal and one to open in each of two lanes.
    expect(countIn(site.pid, octets).inline).toBeGreaterThanOrEqual(5);
    const text = await readFile(site.configPath, 'utf8');
    await writeFile(site.configPath, text.replace(KEYS.inline, KEYS.rotatedTx));
    const { code, stdout, stderr } = await site.command('reload');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('site2');
    // KeyObjects are wiped as they are collected, which nobody can hurry.
    expect(countIn(site.pid, octets).inline ?? 0).toBeLessThanOrEqual(1);
  });

  it('is in no core dump', async () => {
    lab.explainFailure();
    const dir = await mkdtemp(join(tmpdir(), 'l2vpnd-core-'));
    const limited = ['sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh'];
    const site = lab.site(1);
    await site.prepare();
    const argv = [...limited, process.execPath, daemonPath(), EXAMPLE_KEYS, '--config', site.configPath];
    const daemon = site.space.start(argv, { cwd: dir });
    try {
      await daemon.waitFor(/"msg":"ready"/, 10_000);
      expect(readFileSync(`/proc/${daemon.pid}/limits`, 'utf8')).toMatch(/^Max core file size\s+0\s+0\s/m);
      // Raised again, which takes CAP_SYS_RESOURCE: the kernel still writes none of what is not dumpable.
      const raised = await run(['prlimit', `--pid=${daemon.pid}`, '--core=unlimited:unlimited']);
      if (raised.code !== 0) process.stdout.write(`the limit stays 0 in this test: ${raised.stderr}`);
      expect(await daemon.stop('SIGABRT')).toEqual({ code: null, signal: 'SIGABRT' });
      expect(readdirSync(dir)).toEqual([]);
      // What does not harden itself leaves one here, where the kernel writes them to files at all.
      await run([...limited, 'sh', '-c', 'kill -ABRT $$'], { cwd: dir });
      if (readdirSync(dir).length > 0) return;
      const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
      process.stdout.write(
        `core_pattern "${pattern}" writes no file here: that there is none proves little\n`,
      );
    } finally {
      if (daemon.exit === undefined) await daemon.stop('SIGKILL');
      await rm(dir, { recursive: true });
    }
  });

  it('is closed to other processes of its user', async () => {
    // The files in /proc/PID of what is not dumpable belong to root (man 5 proc).
    const hardened = new URL('../../dist/src/host/process.js', import.meta.url).href;
    const said = async (harden: string): Promise<string> => {
      const script = `const { hardenProcess } = await import('${hardened}'); ${harden};
        const { statSync } = await import('node:fs'); console.log(statSync('/proc/self/environ').uid)`;
      const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      return (
        await must([...user, process.execPath, '--input-type=module', '-e', script], { cwd: '/' })
      ).trim();
    };
    expect(await said('')).toBe('65534');
    expect(await said('hardenProcess()')).toBe('0');
  });

  it.each([['check'], ['explain', '00006558']])('is in no core dump of l2vpnd %s either', async (...args) => {
    const site = lab.site(1);
    await site.prepare();
    const hook = lab.newFile('.cjs');
    await writeFile(
      hook,
      `process.on('exit', () => console.error(require('node:fs').readFileSync('/proc/self/limits', 'latin1')));`,
    );
    const { stderr } = await run([
      ...['sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh', process.execPath, '--require', hook],
      ...[daemonPath(), EXAMPLE_KEYS, ...args, '--config', site.configPath],
    ]);
    expect(stderr).toMatch(/^Max core file size\s+0\s+0\s/m);
  });

  it('is not shown by the log for people either', async () => {
    const site = lab.site(
      1,
      { macsec: { txSa: [{ an: 0, keyId: '01', key: KEYS.inline }], rxSc: [] } },
      { log: { level: 'trace' } },
    );
    await site.prepare();
    const argv = [process.execPath, daemonPath(), '--config', site.configPath, '--log-format', 'pretty'];
    const daemon = site.space.start(argv);
    await daemon.waitFor(/ready/, 10_000);
    await daemon.stop('SIGTERM');
    const output = daemon.lines.join('\n');
    expect(output).toContain('tunnel up');
    for (const key of ALL) expect(output).not.toContain(key);
  });
});

describe('a configuration with a key in the wrong place', () => {
  const key = KEYS.inline;
  const grouped = (digits: number, by: string): string =>
    key.match(new RegExp(`.{1,${digits}}`, 'g'))!.join(by);
  const sa = { an: 0, keyId: '02', key: KEYS.file };
  const rxSc = [{ mac: '00:00:00:22:22:22', sa: [sa] }];
  const config = (macsec: unknown, changes: Record<string, unknown> = {}): unknown => ({
    tunnels: [
      {
        ...{ name: 'site2', tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11' } },
        ...{ gre: { local: '1.1.1.1', remote: '2.2.2.2' }, macsec, ...changes },
      },
    ],
  });

  it.each<[string, unknown]>([
    ['a name of a setting', config({ txSa: [{ [key]: 1 }], rxSc })],
    ['a name of a setting at the top', { ...(config(null) as object), [key]: 1 }],
    ['keyId', config({ txSa: [{ keyId: `${key}00`, key: KEYS.file }], rxSc })],
    ['keyFile', config({ txSa: [{ keyFile: key }], rxSc })],
    ['keyFile, in groups', config({ txSa: [{ keyFile: grouped(4, ' ') }], rxSc })],
    ['keyFile, with 0x', config({ txSa: [{ keyFile: `0x${key}` }], rxSc })],
    ['key, with colons', config({ txSa: [{ key: grouped(2, ':') }], rxSc })],
    ['key, a digit short', config({ txSa: [{ key: key.slice(1) }], rxSc })],
    ['salt', config({ txSa: [{ key: KEYS.file, salt: key }], rxSc })],
    ['the peer', config({ txSa: [], rxSc: [{ sci: key, sa: [sa] }] })],
    ['the tunnel', config({ txSa: [], rxSc }, { name: `${key} ${key}` })],
    ['gre.remote', config({ txSa: [], rxSc }, { gre: { local: '1.1.1.1', remote: grouped(8, ' ') } })],
    ['gre.key', config({ txSa: [], rxSc }, { gre: { local: '1.1.1.1', remote: '2.2.2.2', key } })],
    ['one key twice', config({ txSa: [{ key }, { an: 1, key }], rxSc })],
    ['macsec itself', config(key)],
    ['crypto', { ...(config(null) as object), crypto: grouped(4, '-') }],
  ])('%s: refused without showing it', async (_, value) => {
    const dir = await mkdtemp(join(tmpdir(), 'l2vpnd-leak-'));
    const path = join(dir, 'site1.json');
    await writeFile(path, JSON.stringify(value), { mode: 0o600 });
    try {
      for (const args of [['check'], ['explain', '00006558']]) {
        const env = { ...process.env, L2VPND_DEBUG: '1' };
        const { code, stdout, stderr } = await run(
          [process.execPath, daemonPath(), ...args, '--config', path],
          { env },
        );
        expect([66, 78]).toContain(code);
        const digits = (stdout + stderr).replace(/[\s:.,_-]/g, '');
        for (const secret of ALL) expect(digits).not.toContain(secret.slice(1, -1));
      }
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
