/** State directories, and what lies in them, that a daemon does not start with: each met as an operator would meet it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunResult } from '../../lab/run.ts';
import { KEY_1, KEY_2, type Site } from '../../lab/site.ts';
import { type Lab, labOfTests, pingUntil, suite } from './support.ts';

/** The one file of the state directory whose name ends so. */
async function stateFile({ stateDir }: Site, end: string): Promise<string> {
  const names = (await readdir(stateDir)).filter((name) => name.endsWith(end));
  expect(names).toHaveLength(1);
  return join(stateDir, names[0]!);
}

/** A start that ends by itself, with `status` and one line. */
async function refused(site: Site, status: number): Promise<string> {
  const { code, stderr }: RunResult = await site.startToFail();
  expect(`${code} ${stderr}`).toMatch(new RegExp(`^${status} l2vpnd: `));
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

/** A site that was killed, so that what it has stored lies above what it has sent. */
async function usedSite(lab: Lab): Promise<Site> {
  const site = lab.site(1);
  await site.start();
  await site.kill9();
  return site;
}

suite('two daemons with one key', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'twice' });

  it('and two state directories: the second is refused, with the pid of the first', async () => {
    lab.explainFailure();
    const first = lab.site(1);
    await first.start();
    const second = lab.site(1, { tap: { ifname: 'macsec2' } });
    expect(await refused(second, 69)).toMatch(
      new RegExp(`another l2vpnd \\(pid ${first.pid}, uid 0\\) sends with key 01 and SCI 0000001111110001`),
    );
    expect(await readdir(second.stateDir)).toEqual([]);
    await first.stop();
    await second.start();
  });

  it('and one state directory whose lock file was removed: the second is refused all the same', async () => {
    lab.explainFailure();
    const first = lab.site(1);
    await first.start();
    await unlink(await stateFile(first, '.lock'));
    const second = lab.site(1, { tap: { ifname: 'macsec2' } }, { stateDir: first.stateDir });
    expect(await refused(second, 69)).toContain(`another l2vpnd (pid ${first.pid}, uid 0) sends with key 01`);
    expect(first.exit).toBeUndefined();
  });
});

const WHAT_IT_MEANS =
  /"level":40.*right for a new key; if it has sent before.*packet numbers repeat.*take new keys at both ends/;

suite('a key from a file whose numbers are lost while the daemon is down', {}, () => {
  const lab = labOfTests({ prefix: 'marker' });

  /** The site's keys in files beside its configuration, where a marker can lie. */
  async function keyFiles(site: Site): Promise<void> {
    await site.prepare();
    for (const [name, key] of [
      ['tx.key', KEY_1],
      ['rx.key', KEY_2],
    ] as const) {
      await writeFile(join(site.dir, name), `${key}\n`, { mode: 0o600 });
    }
  }

  it('is refused because of the marker beside it; without that it is a new key, with a warning of what it means', async () => {
    lab.explainFailure();
    const site = lab.site(1, {
      macsec: {
        txSa: [{ an: 0, keyId: '01', keyFile: 'tx.key' }],
        rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ an: 0, keyId: '02', keyFile: 'rx.key' }] }],
      },
    });
    await keyFiles(site);
    await site.start();
    expect(site.output()).toMatch(WHAT_IT_MEANS);
    await site.stop();
    const markers = (await readdir(site.dir)).filter((name) => /^tx\.key\.[0-9a-f]{8}\.used$/.test(name));
    expect(markers).toHaveLength(1);
    const marker = join(site.dir, markers[0]!);

    await rm(site.stateDir, { recursive: true });
    const message = await refused(site, 71);
    expect(message).toContain(`${marker} says that the key was used`);
    expect(message).toMatch(/take new keys at both ends; starting again would repeat packet numbers/);
    expect(message).not.toMatch(new RegExp(`${KEY_1}|${KEY_2}`));

    await unlink(marker);
    await site.start();
    expect(site.output()).toMatch(WHAT_IT_MEANS);
  });
});

suite('a state directory that others could change', {}, () => {
  const lab = labOfTests({ prefix: 'trust' });

  it.each<[string, RegExp, (site: Site) => Promise<unknown>, number?]>([
    [
      'has mode 0777',
      /others may write \S+\/state \(mode 0777\).*chmod go-w/,
      (site) => chmod(site.stateDir, 0o777),
    ],
    [
      'belongs to another user',
      /state belongs to uid 65534.*chown 0/,
      (site) => chown(site.stateDir, 65534, 65534),
    ],
    [
      'lies in one with mode 0777',
      /others may write \S+l2vpnd-site1-\w+ \(mode 0777\)/,
      (site) => chmod(site.dir, 0o777),
    ],
    [
      'lies in one of another user',
      // Nor can the configuration in it be read: root has no capability for files of others.
      /site1\.json cannot be read: permission denied/,
      (site) => chown(site.dir, 65534, 0),
      77,
    ],
  ])('as it %s: refused', async (_, message, spoil, status = 71) => {
    const site = lab.site(1, {}, { controlSocket: lab.newFile('.sock') });
    await site.prepare();
    await mkdir(site.stateDir, { mode: 0o700 });
    await spoil(site);
    expect(await refused(site, status)).toMatch(message);
    expect(await readdir(site.stateDir)).toEqual([]);
  });
});

/** As releases before the seal wrote it: anybody can make its checksum. */
async function forgeVersion1(path: string, pn: number): Promise<void> {
  const [sci, keyId] = ['0000001111110001', '01'];
  const name = path.slice(path.lastIndexOf('/') + 1);
  const body = JSON.stringify([1, name, sci, keyId, pn]);
  const checksum = createHash('sha256').update(body).digest('hex').slice(0, 16);
  await writeFile(path, JSON.stringify({ version: 1, sci, keyId, pn, checksum }), { mode: 0o600 });
}

suite('stored packet numbers in whose place lies', {}, () => {
  const lab = labOfTests({ prefix: 'forge' });

  it.each<[string, RegExp, (path: string) => Promise<unknown>]>([
    [
      'the same file with pn 1',
      /are corrupt/,
      async (path) => {
        const text = await readFile(path, 'utf8');
        await writeFile(path, text.replace(/"pn":(16385|"16385")/, '"pn":1'));
      },
    ],
    ['a file of an earlier release with pn 1', /are corrupt/, (path) => forgeVersion1(path, 1)],
    ['a FIFO', /it is not a regular file/, async (path) => execFileSync('mkfifo', [path])],
    [
      'a device without end',
      /it is not a regular file/,
      async (path) => execFileSync('mknod', [path, 'c', '1', '5']),
    ],
    ['a link to a device without end', /it is a symbolic link/, (path) => symlink('/dev/zero', path)],
    ['a directory', /it is not a regular file/, (path) => mkdir(path)],
    [
      'a file without end',
      /it has 1073741824 octets/,
      async (path) => execFileSync('truncate', ['-s', '1G', path]),
    ],
    [
      'a file that others may write',
      /others may write it \(mode 0666\)/,
      async (path) => {
        await writeFile(path, 'x');
        await chmod(path, 0o666);
      },
    ],
  ])('%s: refused in one line', async (title, message, replace) => {
    const site = await usedSite(lab);
    const path = await stateFile(site, '.tx.json');
    if (title !== 'the same file with pn 1') await unlink(path);
    await replace(path);
    const said = await refused(site, 71);
    expect(said).toContain(path);
    expect(said).toMatch(message);
  });
});

suite('frames', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'again' });

  it('flow once what was wrong is put right', async () => {
    const [site1] = await lab.bothSites();
    await site1.stop();
    await chmod(site1.stateDir, 0o777);
    await refused(site1, 71);
    await chmod(site1.stateDir, 0o700);
    await site1.start();
    await pingUntil(lab.topology.host1, '192.168.1.2');
  });
});
