/** What happens to packet numbers when somebody takes the state directory away, or the disk takes nothing. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { labOfTests, pingUntil, suite } from './support.ts';

suite('a state directory that is taken away under traffic', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'gone' });

  it('is made again with the numbers that the daemon knows: kill -9 and a restart repeat none', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    const load = host1.start(['ping', '-n', '-q', '-i', '0.01', '-c', '400', '192.168.1.2']);
    await rm(site1.stateDir, { recursive: true });
    await site1.waitForLog(/state directory .* had been removed: made again/);
    const sent = (await site1.counters()).OutPktsEncrypted ?? 0;
    await site1.kill9();
    await site1.start();
    const [, next] = await site1.waitForLog(/"nextPn":\["?(\d+)"?\]/);
    expect(Number(next)).toBeGreaterThan(sent);
    expect(site1.exit).toBeUndefined();
    await load.waitFor(/packets transmitted/);
    await pingUntil(host1, '192.168.1.2');
  });

  it('and cannot be made again: frames go on within what is granted, and the log says so once', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    await rm(site1.stateDir, { recursive: true });
    await writeFile(site1.stateDir, 'a file where the directory was');
    await site1.waitForLog(/: trying again each second/);
    await pingUntil(host1, '192.168.1.2');
    await rm(site1.stateDir);
    await mkdir(site1.stateDir, { mode: 0o700 });
    await site1.waitForLog(/packet numbers are stored again/);
    const lines = site1.output().split('\n');
    expect(lines.filter((line) => line.includes('trying again each second')).length).toBeLessThanOrEqual(2);
    expect(site1.exit).toBeUndefined();
  });
});

suite('a site whose state is lost while it is down', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'lost' });

  it('begins again at packet number 1, and its peer says so: in the log, by show, and when it is over', async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    const [site1, site2] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    await host2.must(['ping', '-n', '-q', '-i', '0.005', '-c', '200', '192.168.1.1']);
    await site2.kill9();
    await rm(site2.stateDir, { recursive: true });
    await site2.start();
    const named = site1.waitForLog(
      /the peer began again at packet number 1: it lost its state.*take new keys/,
    );
    const load = host2.start(['ping', '-n', '-q', '-i', '0.05', '-c', '2000', '192.168.1.1']);
    await named;
    const { stdout } = await site1.command('show');
    expect(stdout).toMatch(/^ {8}RXSC 0000002222220001, AN 0: the peer began again at packet number 1/m);
    const over = site1.waitForLog(/began again at packet number 1 are accepted again/);
    await host2.run(['ping', '-n', '-q', '-i', '0.005', '-c', '300', '192.168.1.1']);
    await over;
    expect((await site1.command('show')).stdout).not.toContain('began again');
    const lines = site1.output().split('\n');
    expect(lines.filter((line) => line.includes('the peer began again'))).toHaveLength(1);
    await load.stop();
  });
});

suite('a state directory that forgets', {}, () => {
  const lab = labOfTests({ prefix: 'forget' });

  it('is refused with static keys, by its kind, unless the configuration says that it may be lost', async () => {
    lab.explainFailure();
    const stateDir = await mkdtemp('/dev/shm/l2vpnd-forget-');
    try {
      const strict = lab.site(1, {}, { stateDir, stateMayBeLost: false });
      const { code, stderr } = await strict.startToFail();
      expect(code).toBe(78);
      expect(stderr).toMatch(/lies on tmpfs, which is lost at a reboot; .*"stateMayBeLost": true/);
      const told = lab.site(1, {}, { stateDir, stateMayBeLost: true });
      await told.start();
      const clear = lab.site(2, { macsec: null }, { stateDir: `${stateDir}/2`, stateMayBeLost: false });
      await clear.start();
    } finally {
      await lab.disposeSites();
      await rm(stateDir, { recursive: true });
    }
  });
});
