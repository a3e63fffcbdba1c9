import { describe, expect, it } from 'vitest';
import { formatMtu, mtuArithmetic } from '../../../src/tunnel/mtu.ts';
import { load, sample } from '../config/sample.ts';

const { macsec } = load(sample()).tunnels[0]!;
const PLAIN = { family: 4, encap: 'none', key: null, checksum: false } as const;

describe('mtuArithmetic (as the kernel pair: gretap 1462, macsec 1430)', () => {
  it.each([
    ['IPv4', 1500, PLAIN, macsec, 1430],
    ['PPPoE', 1492, PLAIN, macsec, 1422],
    ['a GRE key', 1500, { ...PLAIN, key: 0 }, macsec, 1426],
    ['a GRE checksum', 1500, { ...PLAIN, checksum: true }, macsec, 1426],
    ['key and checksum', 1500, { ...PLAIN, key: 7, checksum: true }, macsec, 1422],
    ['GRE-in-UDP', 1500, { ...PLAIN, encap: 'udp' }, macsec, 1422],
    ['IPv6', 1500, { ...PLAIN, family: 6 }, macsec, 1410],
    ['plain GRETAP', 1500, PLAIN, null, 1462],
    ['plain GRETAP over UDP', 1500, { ...PLAIN, encap: 'udp' }, null, 1454],
    ['plain GRETAP over IPv6', 1500, { ...PLAIN, family: 6 }, null, 1442],
    ['jumbo', 9000, PLAIN, macsec, 8930],
  ] as const)('%s: a path of %d', (_what, path, gre, secy, mtu) => {
    expect(mtuArithmetic(path, gre, secy).mtu).toBe(mtu);
  });

  it('counts the SCI whether it is sent or not, and the ICV as long as it is, as the kernel does', () => {
    expect(mtuArithmetic(1500, PLAIN, { ...macsec!, sendSci: false }).mtu).toBe(1430);
    expect(mtuArithmetic(1500, PLAIN, { ...macsec!, sendSci: false, icvLen: 8 }).mtu).toBe(1438);
  });

  it('shows its working', () => {
    expect(formatMtu(mtuArithmetic(1500, PLAIN, macsec))).toBe(
      '1500 − 20 IPv4 − 4 GRE − 14 Ethernet − 16 SecTAG − 16 ICV = 1430',
    );
  });
});
