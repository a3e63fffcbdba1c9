import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';

type Json = Record<string, unknown>;

function tunnel(i: number, gre: Json, macsec: Json | null = staticKeys(i)): Json {
  return {
    name: `t${i}`,
    tap: { ifname: `t${i}`, mac: `02:00:00:00:00:0${i}` },
    gre: { local: '192.0.2.1', ...gre },
    macsec,
  };
}

function staticKeys(i: number, peer = i): Json {
  const key = (digit: string): string => `${i}${digit}c3`.padStart(32, '5a91');
  return {
    txSa: [{ key: key('a') }],
    rxSc: [{ mac: `02:00:00:00:01:0${peer}`, sa: [{ keyId: '02', key: key('b') }] }],
  };
}

const mka = (i: number, ckn: string, fallback?: string): Json => {
  const cak = (n: number): string => `${n}`.repeat(4).padStart(32, '7b2d91');
  return { mka: { ckn, cak: cak(i), ...(fallback ? { fallback: { ckn: fallback, cak: cak(i + 4) } } : {}) } };
};

const DYNAMIC = { remote: 'dynamic', encap: 'udp' };

/** What is wrong, or null. */
function faultOf(...tunnels: Json[]): string | null {
  try {
    parseConfig(JSON.stringify({ tunnels }), '/nowhere/l2vpnd.json');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('tunnels that share a UDP port', () => {
  it.each<[string, Json[]]>([
    ['dynamic ones whose peers have their own SCIs', [tunnel(1, DYNAMIC), tunnel(2, DYNAMIC)]],
    [
      'dynamic ones with their own CKNs',
      [tunnel(1, DYNAMIC, mka(1, '01')), tunnel(2, DYNAMIC, mka(2, '02', '03'))],
    ],
    ['static keys beside agreed ones', [tunnel(1, DYNAMIC), tunnel(2, DYNAMIC, mka(2, '02'))]],
    [
      'fixed peers beside dynamic ones',
      [tunnel(1, DYNAMIC), tunnel(2, { remote: '192.0.2.7', encap: 'udp' })],
    ],
    [
      'the same SCI behind GRE keys of their own',
      [tunnel(1, { ...DYNAMIC, key: 1 }), tunnel(2, { ...DYNAMIC, key: 2 }, staticKeys(2, 1))],
    ],
    [
      'the same SCI at ports of their own',
      [tunnel(1, DYNAMIC), tunnel(2, { ...DYNAMIC, port: 4755 }, staticKeys(2, 1))],
    ],
  ])('may be %s', (_what, tunnels) => {
    expect(faultOf(...tunnels)).toBeNull();
  });

  it.each<[string, Json[], RegExp]>([
    [
      'the same SCI twice',
      [tunnel(1, DYNAMIC), tunnel(2, DYNAMIC, staticKeys(2, 1))],
      /tunnels\[1\]\.macsec\.rxSc\[0\]: is an SCI of tunnels\[0\] too, at the same UDP port, and nothing else tells their frames apart; give each its own, or a port or gre\.key of its own/,
    ],
    [
      'at an address that is to be found',
      [tunnel(1, { ...DYNAMIC, local: 'auto' }), tunnel(2, { ...DYNAMIC, local: 'auto' })],
      /tunnels\[0\]\.gre\.local: "auto" cannot share a UDP port with a dynamic tunnel; give the address, or a port of its own/,
    ],
    [
      'the same CKN twice',
      [tunnel(1, DYNAMIC, mka(1, 'AB')), tunnel(2, DYNAMIC, mka(2, 'ab'))],
      /tunnels\[1\]\.macsec\.mka\.ckn: is a CKN of tunnels\[0\] too/,
    ],
    [
      'a fallback that another has',
      [tunnel(1, DYNAMIC, mka(1, '01')), tunnel(2, DYNAMIC, mka(2, '02', '01'))],
      /tunnels\[1\]\.macsec\.mka\.fallback\.ckn: is a CKN of tunnels\[0\] too/,
    ],
    [
      'one in clear beside a dynamic one',
      [tunnel(1, DYNAMIC), tunnel(2, { remote: '192.0.2.7', encap: 'udp' }, null)],
      /tunnels\[1\]\.gre\.port: shares its UDP port with the dynamic tunnels\[0\] and has no macsec/,
    ],
    [
      'the same fixed peer twice',
      [
        tunnel(1, DYNAMIC),
        tunnel(2, { remote: '192.0.2.7', encap: 'udp' }),
        tunnel(3, { remote: '192.0.2.7', encap: 'udp' }),
      ],
      /tunnels\[2\]\.gre: has the same ends as tunnels\[1\]\.gre; give each a port of its own/,
    ],
  ])('may not be %s', (_what, tunnels, message) => {
    expect(faultOf(...tunnels)).toMatch(message);
  });
});
