/** A path that shrinks under a running tunnel: the limit follows, and frames are never lost in silence. */
import { expect, it } from 'vitest';
import { labOfTests, pingOnce, pingUntil, suite } from './support.ts';

suite('a path whose MTU changes', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'pmtu' });

  it('is told in the log with the numbers; what does not fit any more is counted OutPktsTooLong', async () => {
    lab.explainFailure();
    const { host1, wan } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    const big = () => pingOnce(host1, '192.168.1.2', 1402);
    expect(await big()).toBe(true);

    await wan.must(['ip', 'link', 'set', 'wan2', 'mtu', '1400']);
    // The first one meets the narrow link, and ICMP tells the router.
    expect(await big()).toBe(false);
    await site1.waitForLog(/the path MTU has changed; frames above 1330 octets are dropped/);
    const before = (await site1.counters()).OutPktsTooLong ?? 0;
    expect(await big()).toBe(false);
    const after = await site1.countersWhen((counters) => (counters.OutPktsTooLong ?? 0) > before);
    expect(after.OutPktsTooLong).toBe(before + 1);
    expect(await pingOnce(host1, '192.168.1.2', 1302)).toBe(true);
  });
});
