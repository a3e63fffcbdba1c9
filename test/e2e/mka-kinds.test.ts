/** Key agreement over every encapsulation, with every cipher suite, over IPv4 and IPv6. */
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { agreed, agreedSites, agreeing, expectNothingClear, underPings } from './mka-kit.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const HOST2 = '192.168.1.2';

/** Agrees, has a new key made under pings at the key server, then at the member, and loses nothing. */
function worksOver(lab: ReturnType<typeof labOfTests>, changes: ReturnType<typeof agreeing>) {
  return async (): Promise<void> => {
    lab.explainFailure();
    const packets = await lab.watchWan(async () => {
      const sites = await agreedSites(lab, changes);
      await pingUntil(lab.topology.host1, HOST2);
      const { lost } = await underPings(lab.topology.host1, HOST2, async () => {
        for (const site of sites) await rotated(site, sites);
      });
      expect(lost).toBe(0);
    });
    expectNothingClear(packets);
  };
}

async function rotated(site: Site, sites: readonly Site[]): Promise<void> {
  const before = await agreed(sites);
  expect((await site.command('rotate', site.name === 'site1' ? 'site2' : 'site1')).code).toBe(0);
  await agreed(sites, before);
}

suite('key agreement over IPv4', {}, () => {
  const lab = labOfTests({ prefix: 'mk4' });

  it.each([
    ['GCM-AES-256', { cipher: 'gcm-aes-256' }],
    ['GCM-AES-XPN-128', { cipher: 'gcm-aes-xpn-128' }],
    ['GCM-AES-XPN-256', { cipher: 'gcm-aes-xpn-256' }],
    ['integrity only', { encrypt: false }],
    ['an SCI that is not sent', { sendSci: false }],
  ])('%s', async (_, macsec) => worksOver(lab, agreeing({}, macsec))());

  it('a CAK of 128 bits', async () => worksOver(lab, agreeing({ cak: '5a'.repeat(16) }))());

  it('no ICV indicator', async () => worksOver(lab, agreeing({ icvIndicator: false }))());

  it('GRE in UDP', async () => worksOver(lab, agreeing({}, {}, { gre: { encap: 'udp' } }))());

  it('a GRE key and checksum', async () =>
    worksOver(lab, agreeing({}, {}, { gre: { key: 7, checksum: true } }))());
});

suite('key agreement over IPv6', {}, () => {
  const lab = labOfTests({ prefix: 'mk6', family: 6 });

  it('GRE', async () => worksOver(lab, agreeing())());

  it('GRE in UDP', async () => worksOver(lab, agreeing({}, {}, { gre: { encap: 'udp' } }))());
});
