/** How packets to the peer leave this host: addresses, route, source. */
import { isIP } from 'node:net';
import { messageOf } from '../../errors.ts';
import type { Context, TunnelCheck } from '../context.ts';
import { type Finding, finder, ok } from '../finding.ts';
import { type Ends, endsOf, type TunnelSeen } from '../tunnel-seen.ts';

const CASES = {
  notLocal: {
    level: 'fault',
    says: 'gre.local {local} is no address of this host',
    cause: 'it was removed, or never added',
    remedy:
      'ip addr add {local}/… dev …, or set gre.local to an address of this host ("auto": that of the route)',
  },
  unresolved: {
    level: 'fault',
    says: 'gre.remote {name} has no address',
    cause: '{why}',
    remedy: 'see getent ahosts {name}, /etc/resolv.conf and /etc/hosts',
  },
  noRoute: {
    level: 'fault',
    says: 'there is no route to {remote}',
    cause: 'the link is down, or no route and no default route is set',
    remedy: 'ip route get {remote}; ip route add {remote} via GATEWAY',
  },
  throughItself: {
    level: 'fault',
    says: 'the route to {remote} leads into the tunnel ({link})',
    cause: "the peer's outer address lies in the LAN that the tunnel joins, so packets go round for ever",
    remedy: 'ip route add {remote}/{bits} via the gateway of the WAN: a route of its own for the peer',
  },
  otherSource: {
    level: 'warning',
    says: 'packets to {remote} leave with {local}, and the kernel itself would take {source}',
    cause:
      'gre.local is not the address of the link that the route goes by ({link}): routers may drop that, and answers come another way',
    remedy:
      'set gre.local to {source} or "auto", and the peer\'s gre.remote likewise, unless this is meant so (an address on lo)',
  },
} as const;
const found = finder(CASES);

export const route: TunnelCheck = {
  name: 'route',
  about: 'the local address, the route to the peer, the source address',
  cases: CASES,
  async look(tunnel, context) {
    const { host } = context;
    const ends = endsOf(tunnel);
    const { local } = ends;
    if (local !== null && !host.isLocalAddress(local)) return [found('notLocal', { local })];
    const remote = ends.remote ?? (await resolved(tunnel, context));
    if (remote === null) return [ok('the peer may be anywhere')];
    if (typeof remote !== 'string') return [remote];
    return [...leaving({ ...ends, remote }, tunnel, context)];
  },
};

/** Of a peer with a host name; null: dynamic. */
async function resolved({ config, now }: TunnelSeen, { host }: Context): Promise<string | Finding | null> {
  const name = config?.gre.remote ?? now?.remote ?? 'dynamic';
  if (name === 'dynamic' || isIP(name) !== 0) return null;
  try {
    const [first] = await host.resolve(name);
    return first ?? null;
  } catch (error) {
    return found('unresolved', { name, why: messageOf(error) });
  }
}

function leaving(ends: Ends & { readonly remote: string }, tunnel: TunnelSeen, { host }: Context): Finding[] {
  const { remote, family } = ends;
  const source = host.sourceTo(remote);
  const local = ends.local ?? source;
  const index = local === null ? null : host.linkTo(local, remote);
  if (local === null || index === null) return [found('noRoute', { remote })];
  const links = host.links();
  const link = links.find((one) => one.index === index);
  const name = link?.ifname ?? `link ${index}`;
  const own = ownLinks(tunnel, links);
  if (
    link !== undefined &&
    (own.has(link.ifname) || own.has(links.find((one) => one.index === link.master)?.ifname ?? ''))
  )
    return [found('throughItself', { remote, link: name, bits: family === 4 ? 32 : 128 })];
  if (source !== null && source !== local && host.linkOf(local) !== name)
    return [found('otherSource', { remote, local, source, link: name })];
  return [ok(`${remote} by ${name}, from ${local}`)];
}

/** The TAP, and the bridge that it is in. */
function ownLinks({ config, now }: TunnelSeen, links: ReturnType<Context['host']['links']>): Set<string> {
  const ifname = now?.ifname ?? config?.tap.ifname;
  const tap = links.find((one) => one.ifname === ifname);
  const bridge =
    config?.tap.bridge ?? now?.bridge?.name ?? links.find(({ index }) => index === tap?.master)?.ifname;
  return new Set([ifname, bridge].filter((one): one is string => typeof one === 'string'));
}
