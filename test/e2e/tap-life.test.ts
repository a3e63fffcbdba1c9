/** What others do to the TAP, its bridge and the local address under a running tunnel: told, and a new bridge is joined. */
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

suite('a tunnel on ground that others change', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'ground' });

  /** Both sites, with frames through them. */
  async function running(): Promise<Site> {
    lab.explainFailure();
    const [site1] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    return site1;
  }

  /** The bridge of site 1 as the topology makes it, without the TAP. */
  const BRIDGE = `
    link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    link set veth11 master br0 up
    link set br0 up
  `;

  it('joins the bridge that was made anew, says so, and frames go on', async () => {
    const site1 = await running();
    const { nsra, host1 } = lab.topology;
    await nsra.ip(`link del br0\n${BRIDGE}`);
    await site1.waitForLog(/"level":40.*TAP macsec1 was in bridge br0 no more: joined again/);
    expect(await nsra.must(['ip', 'link', 'show', 'dev', 'macsec1'])).toContain('master br0');
    await pingUntil(host1, '192.168.1.2');
  });

  it('says once that its bridge is gone, and waits for it', async () => {
    const site1 = await running();
    const { nsra, host1 } = lab.topology;
    await nsra.ip('link del br0\n');
    await site1.waitForLog(/TAP macsec1 is in no bridge: br0 is gone/);
    await nsra.ip('link set macsec1 down\n');
    await site1.waitForLog(/TAP macsec1 is down: set down by somebody/);
    await nsra.ip('link set macsec1 name lan5\nlink set lan5 up mtu 1400\n');
    await site1.waitForLog(/TAP macsec1 is called lan5 now/);
    await site1.waitForLog(/TAP lan5 is up again/);
    await site1.waitForLog(/the MTU of TAP lan5 is 1400 now, not 1430/);
    await nsra.ip(BRIDGE);
    await site1.waitForLog(/TAP lan5 was in bridge br0 no more: joined again/);
    await pingUntil(host1, '192.168.1.2');
    expect(site1.output().match(/br0 is gone/g)).toHaveLength(1);
    expect((await site1.command('show', 'lan5')).stdout).toMatch(/^\d+: lan5: /m);
    await nsra.ip('link del lan5\n');
    await site1.waitForLog(/tunnel down: interface lan5 was deleted/);
    await site1.waitForLog(/tunnel up again/);
  });

  it('says that the local address is lost, and back', async () => {
    const site1 = await running();
    const { nsra, host1 } = lab.topology;
    await nsra.ip('address del 1.1.1.1/24 dev vra\n');
    await site1.waitForLog(/"level":40.*local address 1\.1\.1\.1 is gone from this host/);
    await nsra.ip('address add 1.1.1.1/24 dev vra\nroute replace default via 1.1.1.254\n');
    await site1.waitForLog(/local address 1\.1\.1\.1 is back/);
    await pingUntil(host1, '192.168.1.2');
  });
});
