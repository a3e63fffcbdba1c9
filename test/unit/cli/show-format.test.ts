/**
 * `l2vpnd show` against what iproute2 6.1 printed of two devices on Linux 6.1 (iproute2-macsec-show.txt: `ip -s macsec
 * show`, `ip macsec show`, `ip -j -s macsec show`, `ip -j macsec show`): octet for octet, and then what only we have.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Counters } from '../../../src/api/counters.ts';
import type { RotationStatus } from '../../../src/api/rotate.ts';
import type { PeerSnapshot, SaSnapshot, SeenSnapshot, TunnelSnapshot } from '../../../src/api/tunnel.ts';
import { fasterRuntimeText, jsonOf, textOf } from '../../../src/cli/show-format.ts';
import {
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  SECY_COUNTERS,
  TX_SA_COUNTERS,
  TX_SC_COUNTERS,
} from '../../../src/macsec/counters.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { macsecConfig, rxScOf, saOf } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const FILE = readFileSync(join(import.meta.dirname, 'iproute2-macsec-show.txt'), 'utf8');

/** The text of both devices, by device. */
const [STATISTICS, BRIEF] = FILE.slice(0, FILE.indexOf('[{'))
  .split(/^(?=11: )/m)
  .map((text) => text.split(/^(?=12: )/m)) as [string[], string[]];
const [JSON_STATISTICS, JSON_BRIEF] = FILE.split('\n').filter((line) => line.startsWith('[')) as [
  string,
  string,
];

const zeros = (names: readonly string[]): Counters => Object.fromEntries(names.map((name) => [name, 0]));

function sa(key: string, names: readonly string[], ssci?: string): SaSnapshot {
  const xpn = ssci === undefined ? {} : { ssci };
  return { an: 0, pn: 1, active: true, key: `${key}${'0'.repeat(30)}`, ...xpn, stats: zeros(names) };
}

/** Where only we have something to say, whatever it is. */
const { macsec: _, ...OURS } = snapshotOf((await tunnelOf(null)).tunnel, 'batch', null);

function device(ifindex: 11 | 12): TunnelSnapshot {
  const xpn = ifindex === 12;
  const traits = xpn ? { replay: true, window: 32 } : { replay: false, window: undefined };
  return {
    ...OURS,
    ifindex,
    ifname: `macsec${ifindex - 11}`,
    aead: 'batch',
    faster_runtime: null,
    macsec: {
      protect: true,
      validate: 'strict',
      sc: false,
      sa: false,
      encrypt: true,
      send_sci: true,
      end_station: false,
      scb: false,
      ...traits,
      cipher_suite: xpn ? 'GCM-AES-XPN-128' : 'GCM-AES-128',
      icv_length: 16,
      sci: xpn ? 'd69b46b722310007' : 'd69b46b722310001',
      encoding_sa: 0,
      stats: zeros(SECY_COUNTERS),
      tx_stats: zeros(TX_SC_COUNTERS),
      sa_list: [sa('01', TX_SA_COUNTERS, xpn ? '00000001' : undefined)],
      rx_sc: [
        {
          sci: xpn ? '0000002222220007' : '0000002222220001',
          active: true,
          stats: zeros(RX_SC_COUNTERS),
          sa_list: [sa('02', RX_SA_COUNTERS, xpn ? '00000002' : undefined)],
        },
      ],
    },
  };
}

/** The lines up to our own. */
function kernelPart(text: string): string {
  return text.slice(0, text.indexOf('    l2vpnd: '));
}

describe('l2vpnd show, as text', () => {
  it.each([11, 12] as const)('device %d: as iproute2 prints it, with -s and without', (ifindex) => {
    expect(kernelPart(textOf(device(ifindex), true))).toBe(STATISTICS[ifindex - 11]);
    expect(kernelPart(textOf(device(ifindex), false))).toBe(BRIEF[ifindex - 11]);
  });

  it('large values stand under the ends of their names', () => {
    const one = device(11);
    one.macsec!.tx_stats.OutPktsEncrypted = 123_456;
    one.macsec!.tx_stats.OutOctetsEncrypted = 2 ** 53;
    const lines = textOf(one, true).split('\n');
    const names = lines.findIndex((line) => line.includes('OutOctetsEncrypted'));
    for (const [name, value] of [
      ['OutPktsEncrypted', '123456'],
      ['OutOctetsEncrypted', '9007199254740992'],
    ] as const) {
      const lineEnd = lines[names]!.indexOf(name) + name.length;
      expect(lines[names + 1]!.slice(0, lineEnd)).toMatch(new RegExp(` ${value}$`));
    }
  });

  it('states, modes and switches have their words', () => {
    const one = device(11);
    Object.assign(one.macsec!, { protect: false, validate: 'disabled', encrypt: false, send_sci: false });
    Object.assign(one.macsec!, { end_station: true, encoding_sa: 2 });
    one.macsec!.sa_list[0]!.active = false;
    one.macsec!.rx_sc[0]!.active = false;
    const text = textOf(one, false);
    expect(text).toContain(
      'protect off validate disabled sc off sa off encrypt off send_sci off end_station on scb off replay off \n',
    );
    expect(text).toContain('TXSC: d69b46b722310001 on SA 2\n');
    expect(text).toContain('0: PN 1, state off, key 01');
    expect(text).toContain('RXSC: 0000002222220001, state off\n');
  });

  it('what only we have follows', () => {
    const text = textOf({ ...device(11), pn_left: 7 }, false);
    expect(text.slice(kernelPart(text).length)).toBe(
      [
        '    l2vpnd: tunnel site2, 1.1.1.1 to 2.2.2.2, aead batch',
        '        mtu 1462, path mtu 1500, peer last seen never',
        '        peer unknown: no authentic frame has come yet',
        '        packet numbers left 7',
        '',
      ].join('\n'),
    );
    const more = textOf(
      {
        ...device(11),
        endpoint: '2.2.2.254:40001',
        encap: 'udp',
        rotation: rotation('waiting for the peer'),
        drops: { PnExhausted: 3, NoTxSa: 0, InPktsLate: 1 },
        icmp: { IcmpNoProtocol: 0, IcmpNoPort: 2 },
      },
      true,
    );
    expect(more).toContain('1.1.1.1 to 2.2.2.254:40001 over UDP');
    const named = { ...device(11), remote: 'hub.example.net' };
    expect(textOf({ ...named, endpoint: '2001:db8::2' }, false)).toContain(
      '1.1.1.1 to 2001:db8::2 (hub.example.net), aead batch',
    );
    expect(textOf({ ...named, waits_for: 'resolving hub.example.net' }, false)).toContain(
      '1.1.1.1 to hub.example.net, aead batch\n        not connected: resolving hub.example.net\n',
    );
    expect(more).toContain('rotation to AN 1: waiting for the peer');
    expect(more).toContain('dropped: PnExhausted 3, InPktsLate 1\n        icmp errors: IcmpNoPort 2\n');
  });

  it.each<[Partial<PeerSnapshot>, RegExp]>([
    [{ state: 'alive', since: '2026-11-24T10:00:00.000Z' }, /alive since 2026-11-24T10:00:00\.000Z$/],
    [
      { state: 'lost', since: '2020-01-01T00:00:00.000Z', last_authentic: '2020-01-01T00:00:00.000Z' },
      /lost since 2020-01-01T00:00:00\.000Z, \d{9} s ago: nothing authentic comes$/,
    ],
    [{ state: 'lost', since: '2020-01-01T00:00:00.000Z' }, /nothing authentic has come at all$/],
    [{ state: 'unwatched' }, /not watched \(peerTimeoutSeconds is 0\)$/],
  ])('the peer is %o', (peer, line) => {
    const one = { ...device(11), peer: { ...OURS.peer, ...peer } };
    const shown = textOf(one, false).split('\n');
    expect(shown.find((text) => text.startsWith('        peer '))).toMatch(line);
    expect(jsonOf(one, false)).toMatchObject({ l2vpnd: { peer } });
  });

  it('the carrier and control frames are told where there are such', () => {
    const carrier = {
      state: 'down' as const,
      reason: 'mka: no peer is live',
      since: '2026-11-24T10:00:00.000Z',
    };
    const control_frames = {
      ...{ live_sci: '0000002222220001', keepalive: true, frames_in: 5, frames_out: 6 },
      refused: { UnknownKey: 2 },
    };
    const one = { ...device(11), carrier, control_frames };
    expect(textOf(one, false)).toContain(
      '        carrier down since 2026-11-24T10:00:00.000Z: mka: no peer is live\n' +
        '        keepalive: peer 0000002222220001 is live\n',
    );
    expect(textOf(one, true)).toContain('            5 in, 6 out, refused: UnknownKey 2\n');
    expect(jsonOf(one, true)).toMatchObject({ l2vpnd: { carrier, control_frames } });
    const brief = { live_sci: '0000002222220001', keepalive: true };
    expect(jsonOf(one, false)).toMatchObject({ l2vpnd: { control_frames: brief } });
    const nobody = { ...control_frames, keepalive: false, live_sci: null };
    expect(textOf({ ...one, control_frames: nobody }, false)).toContain('control frames: no peer is live\n');
    expect(textOf(device(11), true)).not.toMatch(/carrier|control frames/);
  });

  it('what came and was refused is told while it holds; the last unknown SCI with -s', () => {
    const seen: SeenSnapshot = {
      began_again: [{ sci: '0000002222220001', an: 1, frames: 9, last_pn: 9, text: 'it began again' }],
      unused_sa: { sci: '0000002222220001', an: 3, text: 'AN 3 has no SA' },
      unknown_sci: { sci: '0200000000020001', text: 'SCI 0200000000020001' },
    };
    const one = { ...device(11), seen };
    const brief = [
      '        RXSC 0000002222220001, AN 1: it began again',
      '        refused: AN 3 has no SA',
      '',
    ].join('\n');
    expect(textOf(one, false).slice(-brief.length)).toBe(brief);
    expect(textOf(one, true)).toContain(brief);
    expect(textOf(one, true)).toMatch(/dropped: nothing\n {8}last refused: SCI 0200000000020001\n$/);
    expect(kernelPart(textOf(one, true))).toBe(STATISTICS[0]);
    expect(jsonOf(one, false)).toMatchObject({
      l2vpnd: {
        seen: {
          began_again: [{ sci: '0x2222220001', an: 1, frames: 9, last_pn: 9, text: 'it began again' }],
          unused_sa: { sci: '0x2222220001', an: 3 },
          unknown_sci: { sci: '0x200000000020001' },
        },
      },
    });
    expect(jsonOf(device(11), false)).toMatchObject({ l2vpnd: { seen: null } });
  });

  it('of all tunnels together says once, at the end, that a faster runtime is to be had', () => {
    const slow = { ...device(11), faster_runtime: 'a faster runtime is to be had: …' };
    expect(fasterRuntimeText([device(12), slow, slow])).toBe('a faster runtime is to be had: …\n');
    expect(fasterRuntimeText([device(12)])).toBe('');
    expect(jsonOf(slow, false)).toMatchObject({ l2vpnd: { faster_runtime: slow.faster_runtime } });
  });

  it('a tunnel in clear says so', async () => {
    const clear = snapshotOf((await tunnelOf(null)).tunnel, 'batch', null);
    expect(textOf(clear, true)).toMatch(/^7: macsec1: gretap, in clear\n {4}l2vpnd: /);
  });
});

function rotation(state: RotationStatus['state']): RotationStatus {
  const file = { encodingSa: 1, txSa: [], rxSc: { sci: '0000002222220001', sa: [] } };
  return { an: 1, state, wentBack: false, file };
}

describe('l2vpnd show -j', () => {
  const withoutOurs = (one: TunnelSnapshot, statistics: boolean): object => {
    const { l2vpnd, ...kernels } = jsonOf(one, statistics) as Record<string, unknown>;
    expect(l2vpnd).toBeTypeOf('object');
    return kernels;
  };

  it('is what iproute2 prints, key for key and in its order, with -s and without', () => {
    const devices = [device(11), device(12)];
    expect(JSON.stringify(devices.map((one) => withoutOurs(one, true)))).toBe(JSON_STATISTICS);
    expect(JSON.stringify(devices.map((one) => withoutOurs(one, false)))).toBe(JSON_BRIEF);
  });

  it('adds one object', () => {
    const { l2vpnd } = jsonOf({ ...device(11), rotation: rotation('grace time') }, true) as {
      l2vpnd: Record<string, unknown>;
    };
    expect(l2vpnd).toMatchObject({
      name: 'site2',
      mtu: 1462,
      path_mtu: 1500,
      local: '1.1.1.1',
      remote: '2.2.2.2',
      endpoint: null,
      encap: 'none',
      aead: 'batch',
      faster_runtime: null,
      pn_left: null,
      rotation: { an: 1, state: 'grace time', wentBack: false },
      peer_last_seen: null,
    });
    expect(Object.keys(l2vpnd)).toEqual(expect.arrayContaining(['tx', 'rx', 'drops', 'icmp']));
    expect(jsonOf(device(11), false)).not.toHaveProperty('l2vpnd.drops');
  });

  it('of a running tunnel has no key octets', async () => {
    const macsec = macsecConfig({
      txSa: [saOf({}, 'c7'.repeat(16))],
      rxSc: [rxScOf([saOf({}, 'd8'.repeat(16))])],
    });
    const one = snapshotOf((await tunnelOf(macsec)).tunnel, 'batch', null);
    expect(JSON.stringify(jsonOf(one, true)) + textOf(one, true)).not.toMatch(/c7c7|d8d8/);
    expect(jsonOf(one, true)).toMatchObject({ ifindex: 7, ifname: 'macsec1', sci: '0x1111110001' });
  });
});
