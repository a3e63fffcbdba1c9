/** MKPDUs on the wire: ahead of data, whatever the TAP does, and through a flood. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import { ethernet, gre, hex } from './frames.ts';
import { type Lab, labOfTests, pingUntil, Sender, suite } from './support.ts';

const MKA = { ckn: '6c32', cak: '5a'.repeat(32) };
const CS6 = 0xc0;
const TOS = 0x28;
const EAPOL = 0x888e;
const MACSEC = 0x88e5;
const LINK_CONTROL = 0x88b5;

function bothSites(lab: Lab, changes: TunnelChanges = {}, mka: object = {}): Promise<[Site, Site]> {
  return lab.bothSites({ ...changes, macsec: { mka: { ...MKA, ...mka } } });
}

/** Of the outer IP header of a frame on an Ethernet link. */
function tosOf(frame: Buffer): number {
  if (frame.readUInt16BE(12) === 0x0800) return frame[15]!;
  return (frame.readUInt16BE(14) >> 4) & 0xff;
}

/** Of the Ethernet frame in GRE without options. */
function innerTypeOf(frame: Buffer, udp: boolean): number {
  const ipLen = frame.readUInt16BE(12) === 0x0800 ? 20 : 40;
  return frame.readUInt16BE(14 + ipLen + (udp ? 8 : 0) + 4 + 12);
}

for (const family of [4, 6] as const) {
  suite(`MKPDUs and control frames over IPv${family}`, {}, () => {
    const lab = labOfTests({ prefix: `mkw${family}`, family });
    const filter = 'proto gre or udp or ip6 proto 47';

    it.each([
      ['raw', { encap: 'none' }],
      ['UDP', { encap: 'udp' }],
      ...(family === 4 ? [['raw, fragments allowed', { encap: 'none', df: false }] as const] : []),
    ] as const)('have DSCP CS6, and data what is configured: %s', async (_, encap) => {
      lab.explainFailure();
      const { topology } = lab;
      await topology.setHostMtu(1380);
      const frames = await lab.watchLink(topology.wan, 'wan1', filter, async () => {
        await bothSites(lab, { gre: { ...encap, tos: TOS } });
        await pingUntil(topology.host1, '192.168.1.2');
      });
      const seen = new Map<number, Set<number>>();
      for (const frame of frames) {
        const type = innerTypeOf(frame, encap.encap === 'udp');
        seen.set(type, (seen.get(type) ?? new Set()).add(tosOf(frame)));
      }
      // They may begin after the first ping.
      if (!seen.has(LINK_CONTROL)) seen.set(LINK_CONTROL, new Set([CS6]));
      expect(seen).toEqual(
        new Map([
          [EAPOL, new Set([CS6])],
          [LINK_CONTROL, new Set([CS6])],
          [MACSEC, new Set([TOS])],
        ]),
      );
    });
  });
}

suite('key agreement on a bad day', { python: true }, () => {
  const lab = labOfTests({ prefix: 'mkw' });

  it('goes on while both TAPs are down, and there are keys when they are up', async () => {
    lab.explainFailure();
    const { nsra, nsrb, host1 } = lab.topology;
    const sites = await bothSites(lab, {}, { lifeMs: 1500, helloMs: 250 });
    await pingUntil(host1, '192.168.1.2');
    const from = sites.map((site) => site.output().split('\n').length);
    await Promise.all([nsra, nsrb].map((space) => space.ip('link set macsec1 down\n')));
    await Promise.all(sites.map((site, i) => site.waitForLog(/TAP macsec1 is down/, 5000, from[i])));
    // With TAPs down, a new SAK is agreed on and taken into use.
    await sites[0].command('rotate', 'site2');
    await Promise.all(sites.map((site, i) => site.waitForLog(/mka: SAK retired/, 10_000, from[i])));
    await Promise.all([nsra, nsrb].map((space) => space.ip('link set macsec1 up\n')));
    await pingUntil(host1, '192.168.1.2');
    for (const site of sites) expect(site.output()).not.toMatch(/mka: peer lost/);
  });

  it('begins when the peer comes, whatever ICMP says before that', async () => {
    lab.explainFailure();
    const { host1, wan } = lab.topology;
    for (const gre of [{ encap: 'none' }, { encap: 'udp' }]) {
      const [site1, site2] = [1, 2].map((side) =>
        lab.site(side as 1 | 2, { gre, macsec: { mka: { ...MKA, helloMs: 100 } } }),
      ) as [Site, Site];
      await site1.start();
      const refused = await lab.watchLink(wan, 'wan1', 'icmp', async () => {
        await site1.waitForLog(/ICMP/i, 10_000);
      });
      expect(refused.length).toBeGreaterThan(0);
      await site2.start();
      await pingUntil(host1, '192.168.1.2');
      expect(site1.exit).toBeUndefined();
      await Promise.all([site1.stop(), site2.stop()]);
    }
  });

  it.each([
    ['another CKN', false],
    ['our CKN', true],
  ])(
    'a flood of MKPDUs with %s costs the main thread next to nothing',
    async (_, isOurs) => {
      lab.explainFailure();
      const { host1, nsrb } = lab.topology;
      // Of 100 000 per second the main thread sees 500: by chance, no hello of the peer would be among them.
      const [site1] = await bothSites(lab, {}, { helloMs: 250, lifeMs: 2000 });
      await pingUntil(host1, '192.168.1.2');
      const before = await site1.counters();
      const cpuBefore = mainThreadSeconds(site1.pid);
      const sender = await Sender.gre(nsrb, '2.2.2.2', '1.1.1.1');
      const sent = await sender.flood(SECONDS, 100_000, forgedMkpdus(isOurs ? MKA.ckn : '6c33'));
      await sender.close();
      const share = (mainThreadSeconds(site1.pid) - cpuBefore) / SECONDS;
      const { UncontrolledFull = 0 } = await site1.counters();
      const rates = [sent, UncontrolledFull - (before.UncontrolledFull ?? 0)].map((n) => n / SECONDS);
      process.stdout.write(
        `flood, ${_}: ${rates.map((n) => n.toFixed(0)).join(' sent, ')} dropped per second; ` +
          `main thread ${(share * 100).toFixed(1)} % of a core\n`,
      );
      expect(UncontrolledFull).toBeGreaterThan(0);
      expect(share).toBeLessThan(0.15);
      // Who does not know the CKN does not come between us and the peer.
      if (!isOurs) expect(site1.output()).not.toMatch(/mka: peer lost/);
      await pingUntil(host1, '192.168.1.2');
    },
    30_000,
  );
});

const SECONDS = 5;

/** With a wrong ICV; no two alike. */
function forgedMkpdus(ckn: string): Buffer[] {
  return Array.from({ length: 64 }, (_, i) => {
    const basic = `01 10 e0 1e 02000000bb010001 718b8a39866b2f5814c9dc${hexOf(i)} 000000${hexOf(i + 1)} 0080c201 ${ckn}0000`;
    const body = Buffer.concat([hex(basic), Buffer.alloc(16, i)]);
    const eapol = Buffer.concat([hex('0305'), Buffer.from([0, body.length]), body]);
    return gre(ethernet('01:80:c2:00:00:03', '02:00:00:00:bb:01', EAPOL, eapol));
  });
}

function hexOf(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

/** CPU time that the first thread of a process has used. */
function mainThreadSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
