/** A tunnel in a line: what the page and `l2vpnd top` list of all of them. */
import type { TunnelSnapshot } from '../api/tunnel.ts';
import type { History } from './history.ts';

/** From the best to the worst. */
export type Health = 'ok' | 'waiting' | 'fault';

export interface OverviewLine {
  name: string;
  ifname: string;
  health: Health;
  /** What is the matter, for people; empty: nothing. */
  text: string;
  peer: TunnelSnapshot['peer']['state'];
  /** Per second, of the last second; null: not known yet. */
  out_bits: number | null;
  in_bits: number | null;
  drops: number | null;
}

export function overviewLine(tunnel: TunnelSnapshot, history: History): OverviewLine {
  const last = history.lastOf(tunnel.name);
  const [outBits = null, inBits = null, , , drops = null] = last ?? [];
  return {
    name: tunnel.name,
    ifname: tunnel.ifname,
    ...healthOf(tunnel),
    peer: tunnel.peer.state,
    out_bits: outBits === null ? null : Math.round(outBits),
    in_bits: inBits === null ? null : Math.round(inBits),
    drops: drops === null ? null : Math.round(drops),
  };
}

/** The worst first. */
function healthOf(tunnel: TunnelSnapshot): { health: Health; text: string } {
  const { peer, agreement, macsec, seen, bridge, carrier, waits_for } = tunnel;
  const trouble = agreement?.trouble[0];
  if (trouble !== undefined) return { health: 'fault', text: trouble };
  if (peer.state === 'lost') return { health: 'fault', text: `peer lost${since(peer.since)}` };
  if (agreement !== null && agreement.encoding_an === null)
    return { health: 'fault', text: 'no key is agreed on' };
  const began = seen?.began_again[0];
  if (began !== undefined) return { health: 'fault', text: began.text };
  if (waits_for !== null) return { health: 'waiting', text: waits_for };
  if (bridge !== null && bridge.membership !== 'joined')
    return { health: 'waiting', text: `bridge ${bridge.name}: ${bridge.membership}` };
  if (carrier?.state === 'down') return { health: 'waiting', text: carrier.reason };
  if (peer.state === 'unknown') return { health: 'waiting', text: 'nothing has come from the peer yet' };
  if (macsec === null) return { health: 'ok', text: 'in clear: no MACsec' };
  return { health: 'ok', text: '' };
}

function since(at: string | null): string {
  return at === null ? '' : `, last heard ${at}`;
}
