/** `l2vpnd top` in a real terminal of 80 columns and 24 rows: what tmux shows of it. */
import { expect, it } from 'vitest';
import { run } from '../../lab/run.ts';
import { daemonPath, siteFile, tunnelFile } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

suite('l2vpnd top', { programs: ['tmux'] }, () => {
  const lab = labOfTests({ prefix: 'top' });

  it('shows rates, drops and the peer, follows what happens, and leaves the terminal as it was', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const { host1, nsra } = topology;
    const site1 = lab.siteOf(1, { tunnels: [tunnelFile(topology, 1, { peerTimeoutSeconds: 3 })] });
    const site2 = lab.siteOf(2, siteFile(topology, 2));
    for (const site of [site1, site2]) await site.start();
    await pingUntil(host1, '192.168.1.2');
    const ping = host1.start(['ping', '-i', '0.05', '-s', '1200', '192.168.1.2']);

    const socket = lab.newFile('.tmux');
    const tmux = (...args: string[]) =>
      run(['ip', 'netns', 'exec', nsra.name, 'tmux', '-S', socket, ...args]);
    const shell = `${process.execPath} ${daemonPath()} top --socket ${site1.controlSocket}; echo "left with $?"; exec sleep 60`;
    await tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', shell);
    try {
      const pane = async (): Promise<string> => (await tmux('capture-pane', '-p')).stdout;
      const shows = (pattern: RegExp) => expect.poll(pane, { timeout: 30_000 }).toMatch(pattern);
      await shows(/1 of 1 tunnel well/);
      await shows(/^> site2 +up +[0-9.]+k +[0-9.]+k +0 [▁▂▃▄▅▆▇█]/m);
      await shows(/^up .*, peer alive, heard .* ago, at 2\.2\.2\.2, MTU 1430 of 1500$/m);
      await shows(/^lost out .*, round trip/m);
      const lines = (await pane()).split('\n');
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      expect(lines[23]).toMatch(/^q quit/);

      await site2.stop();
      await shows(/^> site2 +FAULT/m);
      await shows(/^nothing authentic comes from the peer any more/m);
      await site1.stop();
      await shows(/^! .*no l2vpnd answers/m);
      await tmux('send-keys', 'q');
      await shows(/left with 0/);
      expect(await pane()).not.toMatch(/l2vpnd top/);
    } finally {
      await tmux('kill-server');
      await ping.stop();
    }
  });

  it('prints once where there is no terminal and that is asked for, and says so where it is not', async () => {
    lab.explainFailure();
    const site = lab.siteOf(1, siteFile(lab.topology, 1));
    await site.start();
    const once = await site.command('top', '--once');
    expect([once.code, once.stdout]).toEqual([
      0,
      expect.stringMatching(/^l2vpnd top - .*\n\n {2}TUNNEL +STATE/),
    ]);
    expect(await site.command('top')).toMatchObject({
      code: 64,
      stderr: 'l2vpnd: top needs a terminal: use --once, or l2vpnd status\n',
    });
    await site.stop();
    expect(await site.command('top', '--once')).toMatchObject({ code: 69 });
  });
});
