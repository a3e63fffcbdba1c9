/** What the daemon's own figures tell: each fault, as counters and snapshots show it. */
import { describe, expect, it } from 'vitest';
import type { AgreementSnapshot } from '../../../src/api/agreement.ts';
import type { TunnelSnapshot } from '../../../src/api/tunnel.ts';
import { worstLine } from '../../../src/cli/show-worst.ts';
import { EVIDENCE_CHECKS, worstOf } from '../../../src/doctor/evidence.ts';
import type { TunnelSeen } from '../../../src/doctor/tunnel-seen.ts';
import { figures, foundBy, seen, withFrames } from './kit.ts';

const LOST = { state: 'lost', since: '2026-01-01T00:00:00.000Z', last_authentic: null } as const;
const UNKNOWN = { state: 'unknown', since: null, last_authentic: null } as const;
const DOWN = {
  name: 'site2',
  ifname: 'macsec1',
  reason: 'TAP gone',
  since: '2026-01-01T00:00:00.000Z',
  retry_seconds: 4,
};

function agreed(changes: Partial<AgreementSnapshot>): TunnelSnapshot {
  return figures({
    agreement: {
      ...{
        role: 'member',
        ckn: '01',
        key_server_sci: '1',
        live_peers: 1,
        latest: null,
        old: null,
        encoding_an: 0,
      },
      ...{ next_rekey_seconds: null, trouble: [], mkpdus_in: 1, mkpdus_out: 9, refused: {}, saks_made: 0 },
      ...{ saks_received: 0, participants: [] },
      ...changes,
    },
  });
}

const POTENTIAL = {
  ...{ ckn: '01', in_charge: true, mi: 'aa', mn: 1, live: [] },
  potential: [{ sci: '0000002222220001', mi: 'bb', mn: 1, priority: 1, key_server: true, age_seconds: 1 }],
};
const bridge = (membership: 'joined' | 'taken', state: string): TunnelSnapshot =>
  figures({
    bridge: { name: 'br0', membership, port: { state, isolated: false, cost: 1, priority: 1 }, vlans: null },
  });
const path = { ...figures().path, because: 'probes of 1500 octets do not arrive, and smaller ones do' };
const validated = withFrames(10);
validated.macsec!.rx_sc[0]!.stats.InOctetsValidated = 9000;

/** Late frames only since the last look: whose fault it is tells the second figure. */
const nowAndBefore = (now: TunnelSnapshot, before: TunnelSnapshot): TunnelSeen => seen({ now, before });

describe('what the figures of a daemon tell', () => {
  it.each<[what: string, check: string, tunnel: TunnelSeen, found: string[]]>([
    ['a tunnel that is down', 'tunnel', seen({ now: null, down: DOWN }), ['fault down']],
    [
      'a name that is not found',
      'tunnel',
      seen({ now: figures({ waits_for: 'no address' }) }),
      ['fault waits'],
    ],
    ['a peer that is lost', 'peer', seen({ now: figures({ peer: LOST }) }), ['fault lost']],
    ['a peer that was never heard', 'peer', seen({ now: figures({ peer: UNKNOWN }) }), ['warning silent']],
    ['a peer heard within this second', 'peer', seen({ now: { ...withFrames(2), peer: UNKNOWN } }), []],
    [
      'a peer that does not hear us',
      'peer',
      seen({ now: agreed({ live_peers: 0, participants: [POTENTIAL] }) }),
      ['fault deaf'],
    ],
    [
      'a TAP without carrier',
      'peer',
      seen({ now: figures({ carrier: { state: 'down', reason: 'no peer', since: '' } }) }),
      ['warning carrier'],
    ],
    [
      'another CAK',
      'key-agreement',
      seen({ now: agreed({ live_peers: 0, trouble: ['another CAK'] }) }),
      ['fault trouble'],
    ],
    ['no peer of MKA', 'key-agreement', seen({ now: agreed({ live_peers: 0 }) }), ['fault alone']],
    ['no key server', 'key-agreement', seen({ now: agreed({ role: 'undecided' }) }), ['fault serverless']],
    ['no key yet', 'key-agreement', seen({ now: agreed({}) }), ['warning keyless']],
    ['keys that differ', 'frames', seen({ now: withFrames(0, { InPktsNotValid: 3 }) }), ['fault wrongKey']],
    ['a forged frame among many', 'frames', seen({ now: withFrames(9000, { InPktsNotValid: 3 }) }), []],
    [
      'many forged frames',
      'frames',
      seen({ now: withFrames(90, { InPktsNotValid: 30 }) }),
      ['warning wrongKey'],
    ],
    [
      'a forged frame just now, beside good ones',
      'frames',
      nowAndBefore(withFrames(9010, { InPktsNotValid: 3 }), withFrames(9000, { InPktsNotValid: 2 })),
      ['warning wrongKey'],
    ],
    [
      'nothing but wrong frames just now',
      'frames',
      nowAndBefore(withFrames(9000, { InPktsNotValid: 3 }), withFrames(9000, { InPktsNotValid: 2 })),
      ['fault wrongKey'],
    ],
    [
      'an SCI that is not configured',
      'frames',
      seen({ now: withFrames(0, { InPktsNoSCI: 3 }) }),
      ['fault unknownSci'],
    ],
    [
      'frames without SCI',
      'frames',
      seen({ now: withFrames(0, { NoImplicitSci: 3 }) }),
      ['fault noImplicitSci'],
    ],
    ['another AN', 'frames', seen({ now: withFrames(0, { InPktsNotUsingSA: 3 }) }), ['fault unusedAn']],
    ['a peer in clear', 'frames', seen({ now: withFrames(0, { InPktsNoTag: 3 }) }), ['fault clear']],
    ['a peer that does not encrypt', 'frames', seen({ now: validated }), ['warning unencrypted']],
    ['another GRE key', 'frames', seen({ now: withFrames(0, { GreKey: 3 }) }), ['fault greKey']],
    ['a GRE checksum', 'frames', seen({ now: withFrames(0, { GreChecksum: 3 }) }), ['fault greChecksum']],
    [
      'a peer that is no gretap',
      'frames',
      seen({ now: withFrames(0, { GreProto: 2, GreShort: 1 }) }),
      ['fault notGretap'],
    ],
    ['SecTAGs that are none', 'frames', seen({ now: withFrames(0, { InPktsBadTag: 3 }) }), ['fault badTag']],
    [
      'hellos of other keys',
      'frames',
      seen({
        now: figures({
          control_frames: {
            live_sci: null,
            keepalive: true,
            frames_in: 0,
            frames_out: 9,
            refused: { UnknownKey: 4 },
          },
        }),
      }),
      ['warning foreignControl'],
    ],
    ['a loop', 'loop', seen({ now: withFrames(0, { OwnSci: 3 }) }), ['fault ownSci']],
    [
      'hellos that come back',
      'loop',
      seen({ now: { ...agreed({ refused: { OwnMessage: 3 } }) } }),
      ['fault ownHello'],
    ],
    [
      'a peer that began again at 1',
      'replay',
      seen({
        now: figures({
          seen: {
            began_again: [{ sci: '1', an: 0, frames: 3, last_pn: 3, text: '' }],
            ...{ unused_sa: null, unknown_sci: null },
          },
        }),
      }),
      ['fault beganAgain'],
    ],
    [
      'two senders with one key',
      'replay',
      seen({ now: withFrames(100, { InPktsLate: 90 }) }),
      ['warning late'],
    ],
    ['no packet numbers', 'packet-numbers', seen({ now: figures({ pn_left: 0 }) }), ['fault exhausted']],
    ['few packet numbers', 'packet-numbers', seen({ now: figures({ pn_left: 2 ** 30 }) }), ['warning low']],
    [
      'a firewall of this host',
      'sending',
      seen({ now: figures({ drops: { WireRefused: 5 } }) }),
      ['fault refused'],
    ],
    ['an unknown peer', 'sending', seen({ now: figures({ drops: { NoEndpoint: 5 } }) }), ['fault noPeer']],
    [
      'ICMP of the peer',
      'icmp',
      seen({ now: { ...withFrames(0), icmp: { IcmpNoPort: 3 } } }),
      ['fault errors'],
    ],
    ['a TAP that was taken out', 'bridge-port', seen({ now: bridge('taken', '') }), ['fault taken']],
    ['a port that STP blocks', 'bridge-port', seen({ now: bridge('joined', 'blocking') }), ['fault blocked']],
    ['a port that learns', 'bridge-port', seen({ now: bridge('joined', 'learning') }), ['warning learning']],
    [
      'a black hole',
      'path-mtu',
      seen({ now: figures({ path: { ...path, limit: 'probes' } }) }),
      ['warning blackHole'],
    ],
    [
      'a path for no IPv6',
      'path-mtu',
      seen({ now: figures({ mtu: 1210, path_mtu: 1280 }) }),
      ['warning narrow'],
    ],
    [
      'a first link that is too narrow',
      'path-mtu',
      seen({ now: figures({ drops: { WireTooLong: 1 } }) }),
      ['warning tooLong'],
    ],
    [
      'forged ICMP',
      'path-mtu',
      seen({ now: figures({ path: { ...path, icmp_too_big: { refused: 2 } } }) }),
      ['warning disbelieved'],
    ],
  ])('%s: %s says so', async (_, check, tunnel, found) => {
    expect(await foundBy(check, {}, tunnel)).toEqual(found);
  });

  it('is told by show in its first line: the worst, and how many more there are', () => {
    expect(worstLine([figures()])).toBe('');
    expect(worstOf(figures())).toBeNull();
    const text = worstLine([
      figures({ peer: UNKNOWN }),
      withFrames(0, { InPktsNoTag: 7 }),
      { ...DOWN, name: 'three' },
    ]);
    expect(text).toMatch(
      /^fault: site2: 7 frames came without SecTAG: .* \(2 more with something wrong\); l2vpnd doctor looks further\n$/,
    );
    expect(worstLine([DOWN])).toMatch(/^fault: site2: the tunnel is down since 2026.*: TAP gone; mend that;/);
  });

  it('has a case for each of its names, and no other', () => {
    for (const { name, about } of EVIDENCE_CHECKS)
      expect([name, about].every((text) => text.length > 0)).toBe(true);
  });
});
