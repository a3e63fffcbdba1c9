/** What `systemctl status` says of the tunnels, in one line. */
import { describe, expect, it } from 'vitest';
import type { DownSnapshot, PeerSnapshot } from '../../../src/api/tunnel.ts';
import { Traffic } from '../../../src/frame/lane-counters.ts';
import { StatusLine } from '../../../src/report/status-line.ts';
import type { TunnelView } from '../../../src/tunnel/view.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const SINCE = '2026-11-24T12:00:00.000Z';

function peer(state: PeerSnapshot['state']): PeerSnapshot {
  return { state, since: SINCE, last_authentic: null };
}

function down(name: string, reason: string): DownSnapshot {
  return { name, ifname: 'macsec1', reason, since: SINCE, retry_seconds: 1 };
}

async function tunnels(count: number) {
  const made = await Promise.all(Array.from({ length: count }, () => tunnelOf(macsecConfig())));
  const views: TunnelView[] = made.map(({ tunnel }, i) => ({ ...tunnel, name: `site${i + 2}` }));
  return { views, counters: made.map((one) => one.counters) };
}

describe('the status line', () => {
  it('of one tunnel has its peer, and what it has carried since the line before', async () => {
    const { views, counters } = await tunnels(1);
    const states: PeerSnapshot['state'][] = ['unknown', 'alive', 'lost', 'unwatched'];
    let state: PeerSnapshot['state'] = 'unknown';
    const line = new StatusLine({ all: () => views, down: () => [], peerOf: () => peer(state) });
    const [tx, rx] = counters[0]!;
    const lines = states.map((next, i) => {
      state = next;
      tx!.traffic[Traffic.inOctets]! += 250 * i;
      rx!.traffic[Traffic.outOctets]! += 625_000_000 * i;
      return line.at(1000 * i);
    });
    const name = views[0]!.endpoint ?? views[0]!.gre.remote;
    expect(lines).toEqual([
      `site2: peer ${name} not heard yet, 0 bit/s in, 0 bit/s out`,
      `site2: peer ${name} alive, 5.0 Gbit/s in, 2.0 kbit/s out`,
      `site2: peer ${name} lost since ${SINCE}, 10.0 Gbit/s in, 4.0 kbit/s out`,
      `site2: peer ${name}, 15.0 Gbit/s in, 6.0 kbit/s out`,
    ]);
  });

  it('of one that is down has the reason', () => {
    const source = {
      all: () => [],
      down: () => [down('site2', 'waiting for bridge br0')],
      peerOf: () => peer('alive'),
    };
    expect(new StatusLine(source).at(0)).toBe('site2: down: waiting for bridge br0');
  });

  it('of several counts them, and names those that are not well, a few of them', async () => {
    const { views } = await tunnels(8);
    const source = {
      all: () => views,
      down: () => [down('site99', 'gone')],
      peerOf: ({ name }: TunnelView) => peer(name > 'site4' ? 'lost' : 'alive'),
    };
    expect(new StatusLine(source).at(0)).toBe(
      '9 tunnels: 3 up, 5 without peer (site5, site6, site7, site8, …), 1 down (site99), 0 bit/s in, 0 bit/s out',
    );
  });
});
