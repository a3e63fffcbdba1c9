/** What `ip -d -j link` and `ip -j macsec show` print (iproute2 6.1 and Linux 6.1, recorded) becomes a configuration. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importTexts } from './kit.ts';

const recorded = (name: string): string => readFileSync(new URL(`./${name}.txt`, import.meta.url), 'utf8');
const GRETAP = recorded('ip-gretap');
const [LINKS, SECYS] = GRETAP.trimEnd().split('\n') as [string, string];

describe('what ip shows', () => {
  it('a gretap with a macsec: keys are named, as the kernel does not show them', () => {
    const { tunnels, said, missing } = importTexts([{ source: 'standard input', text: GRETAP }]);
    expect(tunnels).toEqual([
      {
        name: 'macsec1',
        tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11', bridge: 'br0' },
        gre: { local: '192.0.2.2', remote: '192.0.2.1' },
        macsec: {
          txSa: [
            { an: 0, keyId: '01', keyFile: 'macsec1-tx0.key' },
            { an: 1, keyId: '03', keyFile: 'macsec1-tx1.key' },
          ],
          rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ an: 0, keyId: '02', keyFile: 'macsec1-rx0.key' }] }],
        },
      },
    ]);
    expect(missing).toEqual(['macsec1-tx0.key', 'macsec1-tx1.key', 'macsec1-rx0.key']);
    expect(said).toEqual([expect.stringContaining('a packet number may never be used twice with a key')]);
  });

  it('the same of two files, in either order', () => {
    const [links, secys] = [
      { source: 'links.json', text: LINKS },
      { source: 'secys.json', text: SECYS },
    ];
    const whole = importTexts([{ source: '-', text: GRETAP }]);
    expect(importTexts([links, secys])).toEqual(whole);
    expect(importTexts([secys, links])).toEqual(whole);
  });

  it('IPv6, fou, no SCI, no encryption', () => {
    const { tunnels } = importTexts([{ source: '-', text: recorded('ip-ip6gretap') }]);
    expect(tunnels[0]).toMatchObject({
      gre: { local: '2001:db8::2', remote: '2001:db8::1', encap: 'udp' },
      macsec: { encrypt: false, sendSci: false, scb: true },
    });
    expect(tunnels[0].gre).not.toHaveProperty('sourcePort');
  });

  it('everything that a listing has', () => {
    const { tunnels, said } = importTexts([{ source: '-', text: recorded('ip-xpn-fou') }]);
    expect(tunnels[0]).toMatchObject({
      tap: { isolated: true, stp: { cost: 7, priority: 9 } },
      gre: { encap: 'udp', sourcePort: 'flow', key: 7, checksum: true, ttl: 32, tos: 16, df: false },
      macsec: { cipher: 'gcm-aes-xpn-256', icvLen: 12, port: 5, validate: 'check', replayWindow: 64 },
    });
    expect(tunnels[0].macsec.txSa).toEqual([{ an: 0, keyId: '01', keyFile: 'macsec1-tx0.key', ssci: 1 }]);
    expect(said.join()).toContain('macsec1: the kernel does not show the salt of XPN');
  });

  it('the number that a transmit SA has come to', () => {
    const text = GRETAP.replace('"pn":1,', '"pn":4711,');
    expect(importTexts([{ source: '-', text }]).tunnels[0].macsec.txSa[0].pn).toBe(4711);
  });

  it('VLANs of a port are not in it, which is told where the bridge filters them', () => {
    const text = GRETAP.replace('"vlan_filtering": 0', '"vlan_filtering": 1');
    expect(importTexts([{ source: '-', text }]).said).toContain(
      'macsec1: br0 filters VLANs, which are not in here: set "tap.vlans" to what "bridge vlan show dev macsec1" says',
    );
  });

  it('one half alone is told', () => {
    expect(importTexts([{ source: '-', text: LINKS }]).said).toContain(
      'macsec1: has no SAs here: give what "ip -j macsec show" prints too',
    );
    expect(() => importTexts([{ source: '-', text: SECYS }])).toThrow('no tunnel is in it');
  });

  it.each([
    ['[{"ifname": "x"', 'x.json: not valid JSON'],
    ['[{"a": 1}, 1]', 'x.json: not what "ip -d -j link" or "ip -j macsec show" prints: a list of objects'],
  ])('%s', (text, message) => {
    expect(() => importTexts([{ source: 'x.json', text }])).toThrow(message);
  });
});
