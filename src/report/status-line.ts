/** One line for the service manager, which `systemctl status` shows: how the tunnels are, and what they carry. */
import type { DownSnapshot, PeerSnapshot } from '../api/tunnel.ts';
import { Traffic } from '../frame/lane-counters.ts';
import type { TunnelView } from '../tunnel/view.ts';

/** What a line is made of. */
export interface StatusSource {
  all(): Iterable<TunnelView>;
  down(): Iterable<DownSnapshot>;
  peerOf(tunnel: TunnelView): PeerSnapshot;
}

/** Tunnels that are named in a line of several, at most. */
const NAMES = 4;

export class StatusLine {
  readonly #source: StatusSource;
  #last: { readonly atMs: number; readonly octets: Octets } | null = null;

  constructor(source: StatusSource) {
    this.#source = source;
  }

  /** With the rates since the last call. `nowMs` is monotonic. */
  at(nowMs: number): string {
    const [up, down] = [[...this.#source.all()], [...this.#source.down()]];
    const rates = this.#rates(up, nowMs);
    const [only] = up;
    if (up.length === 1 && down.length === 0)
      return `${only!.name}: ${peerText(only!, this.#source)}, ${rates}`;
    if (up.length === 0 && down.length === 1) return `${down[0]!.name}: down: ${down[0]!.reason}`;
    return this.#several(up, down, rates);
  }

  #several(up: readonly TunnelView[], down: readonly DownSnapshot[], rates: string): string {
    const lost = up.filter((tunnel) => this.#source.peerOf(tunnel).state === 'lost');
    const parts = [
      `${up.length - lost.length} up`,
      ...(lost.length === 0 ? [] : [`${lost.length} without peer (${someNames(lost)})`]),
      ...(down.length === 0 ? [] : [`${down.length} down (${someNames(down)})`]),
      rates,
    ];
    return `${up.length + down.length} tunnels: ${parts.join(', ')}`;
  }

  #rates(tunnels: readonly TunnelView[], nowMs: number): string {
    const [now, last] = [octetsOf(tunnels), this.#last];
    this.#last = { atMs: nowMs, octets: now };
    if (last === null || nowMs <= last.atMs) return `${bits(0)} in, ${bits(0)} out`;
    const seconds = (nowMs - last.atMs) / 1000;
    // A tunnel that has gone takes its counters with it.
    const rate = (direction: keyof Octets): string =>
      bits((8 * Math.max(0, now[direction] - last.octets[direction])) / seconds);
    return `${rate('rx')} in, ${rate('tx')} out`;
  }
}

/** Octets of user data: what came out of the tunnels, and what went into them. */
interface Octets {
  readonly rx: number;
  readonly tx: number;
}

function octetsOf(tunnels: readonly TunnelView[]): Octets {
  let [rx, tx] = [0, 0];
  for (const tunnel of tunnels) {
    const totals = tunnel.totals();
    rx += totals.rx[Traffic.outOctets]!;
    tx += totals.tx[Traffic.inOctets]!;
  }
  return { rx, tx };
}

function peerText(tunnel: TunnelView, { peerOf }: StatusSource): string {
  const { ends, endpoint, gre } = tunnel;
  const waitsFor = ends?.waitsFor ?? null;
  if (waitsFor !== null) return `waiting for ${waitsFor}`;
  const name = `peer ${endpoint ?? gre.remote}`;
  const { state, since } = peerOf(tunnel);
  if (state === 'alive') return `${name} alive`;
  if (state === 'lost') return `${name} lost since ${since}`;
  return state === 'unwatched' ? name : `${name} not heard yet`;
}

function someNames(tunnels: readonly { readonly name: string }[]): string {
  const names = tunnels.slice(0, NAMES).map(({ name }) => name);
  return [...names, ...(tunnels.length > NAMES ? ['…'] : [])].join(', ');
}

const UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'] as const;

function bits(perSecond: number): string {
  let [value, unit] = [perSecond, 0];
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
