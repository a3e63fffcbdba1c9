/** What is told of a peer that dies, is cut off, and comes back: by the log, show, its exit status and the metrics. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const METRICS = '127.0.0.1:9586';

interface Shown {
  l2vpnd: { peer: { state: string; since: string | null; last_authentic: string | null } };
}

async function shown(site: Site): Promise<{ code: number | null; peer: Shown['l2vpnd']['peer'] }> {
  const { code, stdout } = await site.command('show', '-j');
  const [one] = JSON.parse(stdout) as [Shown];
  return { code, peer: one.l2vpnd.peer };
}

/** What a scrape says of the peer. */
async function scraped(site: Site, metric: string): Promise<number | undefined> {
  const get = `fetch('http://${METRICS}/metrics').then((answer) => answer.text()).then(console.log)`;
  const text = await site.space.must([process.execPath, '-e', get]);
  const value = text.match(new RegExp(`^${metric}\\{tunnel="site2"\\} (\\S+)$`, 'm'))?.[1];
  return value === undefined ? undefined : Number(value);
}

suite('a peer', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'peer' });

  it('that dies is lost, in log, show, its exit status and metrics; the next frame brings it back', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const changes = { peerTimeoutSeconds: 3 };
    const site1 = lab.site(1, changes, { metrics: { listen: METRICS } });
    const site2 = lab.site(2, changes);
    await Promise.all([site1.start(), site2.start()]);
    expect(await shown(site1)).toEqual({
      code: 0,
      peer: { state: 'unknown', since: null, last_authentic: null },
    });
    expect(await scraped(site1, 'l2vpnd_peer_up')).toBeUndefined();
    expect(await site1.command('status')).toMatchObject({
      code: 69,
      stdout: expect.stringMatching(
        /^site2 {2}up \d+s {2}peer unknown {2}2\.2\.2\.2 {2}nothing authentic has come/,
      ),
    });
    await pingUntil(host1, '192.168.1.2');
    await site1.waitForLog(/first authentic frame from 2\.2\.2\.2/);
    expect(await shown(site1)).toMatchObject({ code: 0, peer: { state: 'alive' } });
    expect(await site1.command('status', 'macsec1')).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringMatching(/^site2 {2}up \d+s {2}peer alive, heard \d+s ago {2}2\.2\.2\.2\n$/),
    });
    expect(await scraped(site1, 'l2vpnd_peer_up')).toBe(1);
    const heard = await scraped(site1, 'l2vpnd_peer_last_authentic_timestamp_seconds');
    expect(Math.abs(Date.now() / 1000 - heard!)).toBeLessThan(30);

    await site2.kill9();
    const pings = host1.start(['ping', '-n', '-i', '0.2', '192.168.1.2']);
    const lost = await site1.waitForLog(
      /"level":40.*peer lost: nothing authentic from 2\.2\.2\.2 for (\d) s/,
    );
    expect(Number(lost[1])).toBeGreaterThanOrEqual(3);
    expect(await shown(site1)).toMatchObject({ code: 69, peer: { state: 'lost' } });
    const status = await site1.command('status', '--json');
    expect(status.code).toBe(69);
    expect(JSON.parse(status.stdout)).toMatchObject([
      {
        name: 'site2',
        state: 'up',
        peer: 'lost',
        ok: false,
        reasons: [expect.stringMatching(/^nothing authentic comes/)],
      },
    ]);
    expect((await site1.command('show')).stdout).toMatch(/^ {8}peer lost since 20\S+, \d+ s ago: /m);
    expect(await scraped(site1, 'l2vpnd_peer_up')).toBe(0);
    expect(await scraped(site1, 'l2vpnd_tunnel_up')).toBe(1);

    await site2.start();
    await site1.waitForLog(/peer back after \d+ s/);
    await pings.stop('SIGKILL');
    expect(await shown(site1)).toMatchObject({ code: 0, peer: { state: 'alive' } });

    await site1.stop();
    expect(await site1.command('status')).toMatchObject({
      ...{ code: 69, stdout: '' },
      stderr: expect.stringMatching(/^l2vpnd: \S+control\.sock: no l2vpnd answers there; is it running\?/),
    });
  });

  it.each<[string, TunnelChanges, RegExp]>([
    // With the module ip_gre on this machine its kernel says so by another number.
    ['GRE', {}, /ICMP errors came: the peer's host takes no (GRE \(protocol 47|such packets \(port)/],
    ['GRE-in-UDP', { gre: { encap: 'udp' } }, /ICMP errors came: .*over UDP nothing listens at gre\.port/],
  ])('over %s whose host answers that nothing listens is told so', async (_, changes, message) => {
    lab.explainFailure();
    const site1 = lab.site(1, changes);
    await site1.start();
    const pings = lab.topology.host1.start(['ping', '-n', '-i', '0.2', '192.168.1.2']);
    await site1.waitForLog(message);
    await pings.stop('SIGKILL');
    const { stdout } = await site1.command('show', '-s');
    expect(stdout).toMatch(/^ {8}icmp errors: IcmpNo(Protocol|Port) \d+$/m);
    expect(stdout).toMatch(/^ {8}dropped: nothing$/m);
  });

  it('that is not watched is never lost; a reload has it watched', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const site1 = lab.site(1, { peerTimeoutSeconds: 0 });
    await site1.start();
    const pings = host1.start(['ping', '-n', '-i', '0.2', '192.168.1.2']);
    expect(await shown(site1)).toMatchObject({ code: 0, peer: { state: 'unwatched' } });
    const file = await readFile(site1.configPath, 'utf8');
    await writeFile(site1.configPath, file.replace('"peerTimeoutSeconds": 0', '"peerTimeoutSeconds": 3'));
    expect((await site1.command('reload')).stdout).toContain('site2');
    await site1.waitForLog(
      /peer lost: nothing authentic from 2\.2\.2\.2 for \d+ s while sending, nor before/,
    );
    await pings.stop('SIGKILL');
  });
});
