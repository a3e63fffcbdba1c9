/** A path that shrinks under a running tunnel: the limit follows, and frames are never lost in silence. */
import { expect, it } from 'vitest';
import type { Namespace } from '../../lab/topology.ts';
import { checksum } from '../../src/wire/checksum.ts';
import { labOfTests, pingOnce, pingUntil, Sender, suite } from './support.ts';

suite('a path whose MTU changes', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'pmtu' });

  it('is told in the log with the numbers; what does not fit any more is counted OutPktsTooLong, and its sender told', async () => {
    lab.explainFailure();
    const { host1, wan } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    const big = () => pingOnce(host1, '192.168.1.2', 1402);
    expect(await big()).toBe(true);

    await wan.must(['ip', 'link', 'set', 'wan2', 'mtu', '1400']);
    // The first one meets the narrow link, and ICMP tells the router.
    expect(await big()).toBe(false);
    await site1.waitForLog(/the path MTU has changed; packets above 1330 octets do not fit/);
    const before = (await site1.counters()).OutPktsTooLong ?? 0;
    const told = await host1.run([
      'ping',
      '-n',
      '-M',
      'do',
      '-c',
      '1',
      '-W',
      '2',
      '-s',
      '1402',
      '192.168.1.2',
    ]);
    expect(told.stdout).toMatch(/Frag needed and DF set \(mtu = 1330\)/);
    const after = await site1.countersWhen((counters) => (counters.OutPktsTooLong ?? 0) > before);
    expect(after.OutPktsTooLong).toBe(before + 1);
    expect(await pingOnce(host1, '192.168.1.2', 1302)).toBe(true);
  });
});

suite('frames that the own link does not carry any more', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'pmtul' });

  it('are told with the MTU that it has now', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    try {
      await nsra.must(['ip', 'link', 'set', 'vra', 'mtu', '1400']);
      await host1.run([
        'ping',
        '-q',
        '-M',
        'dont',
        '-s',
        '1402',
        '-i',
        '0.01',
        '-c',
        '30',
        '-W',
        '1',
        '192.168.1.2',
      ]);
      await site1.waitForLog(/"counter":"WireTooLong"/);
      const line = site1.logs().find(({ counter }) => counter === 'WireTooLong');
      expect(line).toMatchObject({ pathMtu: 1400 });
    } finally {
      await nsra.must(['ip', 'link', 'set', 'vra', 'mtu', '1500']);
    }
  });
});

/**
 * Frag-needed for a packet of `protocol` that router 1 sent to router 2, as somebody off the path would forge it: it quotes
 * the outer IP header and 8 octets.
 */
function forgedFragNeeded(protocol: number, first8: Buffer, mtu: number): Buffer {
  const quoted = ipv4(protocol, [1, 1, 1, 1], [2, 2, 2, 2], 1480);
  const icmp = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, mtu >> 8, mtu & 255]), quoted, first8]);
  icmp.writeUInt16BE(checksum(icmp, 0, icmp.length), 2);
  return Buffer.concat([
    Buffer.from('00aaaaaaaaaa00aaaa1f1f1f0800', 'hex'),
    ipv4(1, [1, 1, 1, 254], [1, 1, 1, 1], icmp.length),
    icmp,
  ]);
}

function ipv4(protocol: number, src: number[], dst: number[], dataLen: number): Buffer {
  const header = Buffer.from([0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0, ...src, ...dst]);
  header.writeUInt16BE(20 + dataLen, 2);
  header.writeUInt16BE(checksum(header, 0, 20), 10);
  return header;
}

/** Packet-too-big for a packet of `protocol` that router 1 sent to router 2 over IPv6, as `forgedFragNeeded`. */
function forgedTooBig(protocol: number, first8: Buffer, mtu: number): Buffer {
  const [router1, router2] = ['fd000001000000000000000000000001', 'fd000002000000000000000000000002'];
  const quoted = ipv6(protocol, router1, router2, 1460);
  const icmp = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, mtu >> 8, mtu & 255]), quoted, first8]);
  const header = ipv6(58, 'fd0000010000000000000000000000fe', router1, icmp.length);
  const pseudo = Buffer.concat([
    header.subarray(8, 40),
    Buffer.from([0, 0, 0, icmp.length, 0, 0, 0, 58]),
    icmp,
  ]);
  icmp.writeUInt16BE(checksum(pseudo, 0, pseudo.length), 2);
  return Buffer.concat([Buffer.from('00aaaaaaaaaa00aaaa1f1f1f86dd', 'hex'), header, icmp]);
}

function ipv6(nextHeader: number, src: string, dst: string, dataLen: number): Buffer {
  const lead = Buffer.from([0x60, 0, 0, 0, dataLen >> 8, dataLen & 255, nextHeader, 64]);
  return Buffer.concat([lead, Buffer.from(src, 'hex'), Buffer.from(dst, 'hex')]);
}

/** The route's MTU as the kernel has it. */
async function routeMtu(space: Namespace, to = '2.2.2.2'): Promise<number | undefined> {
  const [route] = JSON.parse(await space.must(['ip', '-j', 'route', 'get', to])) as [
    { metrics?: { mtu?: number }[] },
  ];
  return route.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu;
}

suite('a forged ICMP message about the path', { programs: ['ping'], python: true }, () => {
  const lab = labOfTests({ prefix: 'icmp' });
  const gre = Buffer.from('0000655800000000', 'hex');
  const udp = Buffer.from('1292129205c80000', 'hex');

  it.each([
    { what: 'GRE', protocol: 47, first8: gre, changes: {} },
    { what: 'GRE, tap.mtu a number', protocol: 47, first8: gre, changes: { tap: { mtu: 1430 } } },
    { what: 'UDP', protocol: 17, first8: udp, changes: { gre: { encap: 'udp' } } },
  ])(
    '$what: large frames go on, and the log says what was claimed',
    async ({ protocol, first8, changes }) => {
      lab.explainFailure();
      const { host1, nsra, wan } = lab.topology;
      await nsra.must(['ip', 'route', 'flush', 'cache']);
      const [site1] = await lab.bothSites(changes);
      await pingUntil(host1, '192.168.1.2');
      const big = () => pingOnce(host1, '192.168.1.2', protocol === 17 ? 1394 : 1402);
      expect(await big()).toBe(true);
      const forger = await Sender.link(wan, 'wan1');
      await forger.send(forgedFragNeeded(protocol, first8, 68));
      // The kernel has fallen for it; it lets nobody go below 552 (net.ipv4.route.min_pmtu).
      expect(await routeMtu(nsra)).toBe(552);
      for (let i = 0; i < 3; i++) expect(await big()).toBe(true);
      await site1.waitForLog(/ICMP claims a path of 552 octets: not believed/);
      for (let i = 0; i < 3; i++) expect(await big()).toBe(true);
      await site1.stop();
      await site1.start();
      expect(site1.output()).not.toMatch(/"mtu":482/);
      await pingUntil(host1, '192.168.1.2');
      expect(await big()).toBe(true);
      await forger.close();
    },
  );

  it('1300 octets may be true: followed by tap.mtu "auto", not by a number', async () => {
    lab.explainFailure();
    const { host1, nsra, wan } = lab.topology;
    await nsra.must(['ip', 'route', 'flush', 'cache']);
    const [site1] = await lab.bothSites({ tap: { mtu: 1430 } });
    await pingUntil(host1, '192.168.1.2');
    const forger = await Sender.link(wan, 'wan1');
    await forger.send(forgedFragNeeded(47, gre, 1300));
    await site1.waitForLog(/ICMP claims a path of 1300 octets: not followed, tap.mtu is set to 1430/);
    expect(await pingOnce(host1, '192.168.1.2', 1402)).toBe(true);
    await forger.close();
    await nsra.must(['ip', 'route', 'flush', 'cache']);
  });
});

suite('a forged ICMPv6 message about the path', { programs: ['ping'], python: true }, () => {
  const lab = labOfTests({ prefix: 'icmp6', family: 6 });
  const gre = Buffer.from('0000655800000000', 'hex');
  const udp = Buffer.from('1292129205b40000', 'hex');

  it.each([
    { what: 'GRE', protocol: 47, first8: gre, changes: { tap: { mtu: 1410 } } },
    { what: 'UDP', protocol: 17, first8: udp, changes: { tap: { mtu: 1402 }, gre: { encap: 'udp' } } },
  ])(
    '$what: large frames go on, though the kernel has fallen for it',
    async ({ protocol, first8, changes }) => {
      lab.explainFailure();
      const { host1, nsra, wan } = lab.topology;
      await nsra.must(['ip', '-6', 'route', 'flush', 'cache']);
      const [site1] = await lab.bothSites(changes);
      await pingUntil(host1, '192.168.1.2');
      const big = () => pingOnce(host1, '192.168.1.2', changes.tap.mtu - 28);
      expect(await big()).toBe(true);
      const forger = await Sender.link(wan, 'wan1');
      await forger.send(forgedTooBig(protocol, first8, 68), forgedTooBig(protocol, first8, 1280));
      // IPv6 has no path below this, and the kernel believes none.
      await expect.poll(() => routeMtu(nsra, 'fd00:2::2')).toBe(1280);
      for (let i = 0; i < 3; i++) expect(await big()).toBe(true);
      await site1.waitForLog(/ICMP claims a path of 1280 octets: not followed, tap.mtu is set to 14/);
      for (let i = 0; i < 3; i++) expect(await big()).toBe(true);
      await forger.close();
    },
  );
});
