/** What `status` says of a tunnel: whether it is well, and if not, why; as data and as a line. */
import type { AgreementSnapshot } from '../api/agreement.ts';
import type { BridgeSnapshot, DownSnapshot, PeerSnapshot, TunnelSnapshot } from '../api/tunnel.ts';

/** What `--json` prints. */
export interface TunnelStatus {
  name: string;
  ifname: string;
  /** `down`: it is tried again by itself. */
  state: 'up' | 'down';
  since: string;
  /** Null: the tunnel is down. */
  peer: PeerSnapshot['state'] | null;
  /** When the peer was authentic last; null: never. */
  heard: string | null;
  /** Where packets go; null: the tunnel is down. */
  remote: string | null;
  /** It is up, and nothing keeps it from carrying frames as far as this end knows. */
  ok: boolean;
  /** What is wrong, and then what is worth a word; the worst first. */
  reasons: string[];
}

export interface DaemonStatus {
  socket: string;
  tunnels: TunnelStatus[];
  /** Why it cannot be asked; null: it answers. */
  reason: string | null;
}

export function upStatus(tunnel: TunnelSnapshot, nowMs: number): TunnelStatus {
  const faults = faultsOf(tunnel);
  return {
    name: tunnel.name,
    ifname: tunnel.ifname,
    state: 'up',
    since: tunnel.up_since,
    peer: tunnel.peer.state,
    heard: heardAt(tunnel, nowMs),
    remote: tunnel.endpoint ?? tunnel.remote,
    ok: faults.length === 0,
    reasons: [...faults, ...notesOf(tunnel)],
  };
}

export function downStatus({ name, ifname, since, reason, retry_seconds }: DownSnapshot): TunnelStatus {
  const reasons = [`${reason}; tried again after ${retry_seconds} s`];
  return { name, ifname, state: 'down', since, peer: null, heard: null, remote: null, ok: false, reasons };
}

/** With key agreement a message of the peer proves as much as a frame. */
function heardAt({ peer, agreement }: TunnelSnapshot, nowMs: number): string | null {
  const ages = (agreement?.participants ?? []).flatMap(({ live }) => live.map((one) => one.age_seconds));
  const times = ages.map((seconds) => nowMs - seconds * 1000);
  if (peer.last_authentic !== null) times.push(Date.parse(peer.last_authentic));
  return times.length === 0 ? null : new Date(Math.max(...times)).toISOString();
}

/** What keeps frames from going through; the worst first. */
function faultsOf({ waits_for, peer, agreement, pn_left, seen, bridge }: TunnelSnapshot): string[] {
  return [
    ...(waits_for === null ? [] : [`not connected: ${waits_for}`]),
    ...agreementFaults(agreement),
    ...peerFaults(peer),
    ...(String(pn_left) === '0'
      ? ['packet numbers are used up: nothing is sent; change the keys (rotate)']
      : []),
    ...(seen?.began_again ?? []).map(({ text }) => text),
    ...(bridge?.membership === 'waiting' ? [`there is no bridge ${bridge.name}`] : []),
  ];
}

function agreementFaults(agreement: AgreementSnapshot | null): string[] {
  if (agreement === null) return [];
  const { live_peers, latest, trouble } = agreement;
  if (live_peers === 0) return trouble.length > 0 ? trouble : ['no peer is live: key agreement hears nobody'];
  if (latest === null) return trouble.length > 0 ? trouble : ['no key is agreed on'];
  return [];
}

/** An unwatched peer is one that its operator does not want to hear of. */
function peerFaults({ state, last_authentic }: PeerSnapshot): string[] {
  if (state === 'unknown') return ['nothing authentic has come from the peer yet'];
  if (state !== 'lost') return [];
  return [
    last_authentic === null
      ? 'nothing authentic has come from the peer at all, though frames are sent'
      : 'nothing authentic comes from the peer any more',
  ];
}

function notesOf({ bridge, seen, rotation }: TunnelSnapshot): string[] {
  return [
    ...(rotation?.wentBack
      ? ['the peer has not followed a rotation: transmitting with the old key again']
      : []),
    ...(seen?.unused_sa ? [seen.unused_sa.text] : []),
    ...bridgeNotes(bridge),
  ];
}

function bridgeNotes(bridge: BridgeSnapshot | null): string[] {
  if (bridge?.membership === 'elsewhere') return [`moved from bridge ${bridge.name} to another by somebody`];
  if (bridge?.membership === 'taken') return [`taken out of bridge ${bridge.name} by somebody`];
  return [];
}

/** A line per tunnel in columns, then one per daemon that does not answer. */
export function statusLines(
  tunnels: readonly TunnelStatus[],
  silent: readonly DaemonStatus[],
  nowMs: number,
): string {
  const rows = tunnels.map((tunnel) => cellsOf(tunnel, nowMs));
  const widths = [0, 1, 2, 3].map((i) => Math.max(0, ...rows.map((cells) => cells[i]!.length)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const others = silent.map(({ socket, reason }) =>
    reason?.startsWith(socket) ? reason : `${socket}: ${reason}`,
  );
  return [...lines, ...others].map((line) => `${line}\n`).join('');
}

function cellsOf(
  { name, state, since, peer, heard, remote, reasons }: TunnelStatus,
  nowMs: number,
): string[] {
  const lasts = formatAge(nowMs - Date.parse(since));
  const up = state === 'up' ? `up ${lasts}` : `DOWN ${lasts}`;
  return [name, up, peerCell(peer, heard, nowMs), remote ?? '-', reasons[0] ?? ''];
}

function peerCell(peer: TunnelStatus['peer'], heard: string | null, nowMs: number): string {
  const ago = heard === null ? '' : `heard ${formatAge(nowMs - Date.parse(heard))} ago`;
  if (peer === null) return '-';
  if (peer === 'unwatched') return ago === '' ? 'peer not watched' : `peer not watched, ${ago}`;
  if (peer === 'lost') return `peer lost, ${ago === '' ? 'never heard' : ago}`;
  return ago === '' ? `peer ${peer}` : `peer ${peer}, ${ago}`;
}

/** The two largest units: `42s`, `3m12s`, `5h0m`, `12d4h`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${Math.floor((seconds % 86_400) / 3600)}h`;
}
