/**
 * Which tunnels may have one local end: something must tell their packets apart. Raw tunnels have their remote address and
 * GRE key; tunnels over UDP their port and remote address, and where a remote is dynamic, the SCIs and CKNs of the peers.
 */
import { canonicalAddress, canonicalRemote } from './fields.ts';
import type { JsonPath, Report } from './problem.ts';
import type { RawConfig, RawGre, RawTunnel } from './raw.ts';
import { rxScSci } from './semantics.ts';

interface TunnelAt {
  readonly index: number;
  readonly tunnel: RawTunnel;
}

/** Reports every tunnel whose packets nothing tells from those of an earlier one. */
export function checkEnds({ tunnels }: Pick<RawConfig, 'tunnels'>, report: Report): void {
  const byLocal = new Map<string, TunnelAt[]>();
  for (const [index, tunnel] of tunnels.entries()) {
    const end = localEnd(tunnel.gre);
    const others = byLocal.get(end);
    if (others === undefined) byLocal.set(end, [{ tunnel, index }]);
    else others.push({ tunnel, index });
  }
  for (const sharing of byLocal.values()) {
    if (sharing.length === 1) continue;
    checkRemotes(sharing, report);
    if (sharing.some(isDynamic)) {
      checkLocal(sharing, report);
      checkMacsec(sharing, report);
      checkNames(sharing.filter(isDynamic), report);
    }
  }
}

function isDynamic({ tunnel }: TunnelAt): boolean {
  return tunnel.gre.remote === 'dynamic';
}

function localEnd({ encap, local, key, port }: RawGre): string {
  return `${encap} ${canonicalAddress(local)} ${encap === 'none' ? key : port}`;
}

function checkRemotes(sharing: readonly TunnelAt[], report: Report): void {
  const firsts = new Map<string, number>();
  for (const one of sharing) {
    if (isDynamic(one)) continue;
    const { gre } = one.tunnel;
    const remote = canonicalRemote(gre.remote);
    const first = firsts.get(remote);
    if (first === undefined) firsts.set(remote, one.index);
    else {
      const remedy = gre.encap === 'none' ? 'key' : 'port';
      const text = `has the same ends as tunnels[${first}].gre; give each a ${remedy} of its own`;
      report(['tunnels', one.index, 'gre'], text);
    }
  }
}

/** A socket that hears one peer is bound to the address that this peer sends to. */
function checkLocal(sharing: readonly TunnelAt[], report: Report): void {
  for (const { tunnel, index } of sharing) {
    if (tunnel.gre.local !== 'auto') continue;
    const text =
      '"auto" cannot share a UDP port with a dynamic tunnel; give the address, or a port of its own';
    report(['tunnels', index, 'gre', 'local'], text);
  }
}

/** Beside dynamic peers, which may come from any address, what is in clear could be anybody's. */
function checkMacsec(sharing: readonly TunnelAt[], report: Report): void {
  const dynamic = sharing.find(isDynamic)!.index;
  for (const { tunnel, index } of sharing) {
    if (tunnel.macsec !== null) continue;
    const text = `shares its UDP port with the dynamic tunnels[${dynamic}] and has no macsec, by which their frames are told apart; give it a port of its own`;
    report(['tunnels', index, 'gre', 'port'], text);
  }
}

interface NameAt {
  /** What the peer's packets are told by. */
  readonly name: string;
  readonly path: JsonPath;
  readonly what: string;
}

function checkNames(dynamic: readonly TunnelAt[], report: Report): void {
  const firsts = new Map<string, number>();
  for (const { tunnel, index } of dynamic) {
    for (const { name, path, what } of namesOf(tunnel)) {
      const key = `${tunnel.gre.key} ${name}`;
      const first = firsts.get(key) ?? index;
      firsts.set(key, first);
      if (first === index) continue;
      const text = `is ${what} of tunnels[${first}] too, at the same UDP port, and nothing else tells their frames apart; give each its own, or a port or gre.key of its own`;
      report(['tunnels', index, 'macsec', ...path], text);
    }
  }
}

function namesOf({ macsec }: RawTunnel): NameAt[] {
  if (macsec === null) return [];
  const scis = macsec.rxSc.map(
    (sc, i): NameAt => ({ name: `sci ${rxScSci(sc) ?? `none ${i}`}`, path: ['rxSc', i], what: 'an SCI' }),
  );
  const { mka } = macsec;
  if (mka === null) return scis;
  const ckn = (text: string, path: JsonPath): NameAt => ({
    name: `ckn ${text.toLowerCase()}`,
    path: ['mka', ...path, 'ckn'],
    what: 'a CKN',
  });
  const { fallback } = mka;
  return [...scis, ckn(mka.ckn, []), ...(fallback === null ? [] : [ckn(fallback.ckn, ['fallback'])])];
}
