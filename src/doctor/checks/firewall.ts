/** Rules of this host that drop the packets of the tunnel, or the frames of its bridge. */
import { type Context, isRoot, type TunnelCheck } from '../context.ts';
import { type Finding, finder, ok, skipped } from '../finding.ts';
import { judge, type Verdict } from '../firewall/judge.ts';
import type { Packet } from '../firewall/packet.ts';
import { parseRuleset, type Ruleset } from '../firewall/ruleset.ts';
import { endsOf, type TunnelSeen } from '../tunnel-seen.ts';

const CASES = {
  dropsIncoming: {
    level: 'fault',
    says: 'nftables drops {what} from {remote}',
    cause: 'table {table}, chain {chain}, {rule}',
    remedy: 'nft insert rule {table} {chain} {allow} accept',
  },
  dropsOutgoing: {
    level: 'fault',
    says: 'nftables drops {what} to {remote}',
    cause: 'table {table}, chain {chain}, {rule}',
    remedy: 'nft insert rule {table} {chain} {allow} accept',
  },
  onlyAnswers: {
    level: 'warning',
    says: 'nftables lets {what} from {remote} in only as answers',
    cause:
      'table {table}, chain {chain}, {rule}: when this end has sent nothing for a while, the peer cannot begin',
    remedy: 'nft insert rule {table} {chain} {allow} accept',
  },
  mayDrop: {
    level: 'warning',
    says: 'nftables may drop {what} {direction} {remote}',
    cause: 'table {table}, chain {chain}, {rule}, under a condition that is not known here',
    remedy:
      'look at it (nft -a list chain {table} {chain}), or nft insert rule {table} {chain} {allow} accept',
  },
  legacy: {
    level: 'skipped',
    says: 'rules of iptables-legacy are in use, and were not read',
    cause: 'they are not among those that nft lists',
    remedy: 'look at them: iptables-legacy -vnL',
  },
} as const;
const found = finder(CASES);

export const firewall: TunnelCheck = {
  name: 'firewall',
  about:
    'nftables (and iptables-nft): whether chains of the hooks input and output drop proto 47 or the UDP port',
  cases: CASES,
  async look(tunnel, context) {
    const rules = await rulesetOf(context);
    if (!('chains' in rules)) return [rules];
    const found = [
      ...incoming(tunnel, rules, context),
      ...outgoing(tunnel, rules, context),
      ...(await legacy(context)),
    ];
    return found.length > 0
      ? found
      : [ok(`none of ${rules.chains.length} chains of nftables drops ${what(tunnel)}`)];
  },
};

/** The rules, or why they cannot be told. Once for all tunnels. */
const asked = new WeakMap<Context, Promise<Ruleset | Finding>>();

export function rulesetOf(context: Context): Promise<Ruleset | Finding> {
  const known = asked.get(context) ?? askNft(context);
  asked.set(context, known);
  return known;
}

async function askNft(context: Context): Promise<Ruleset | Finding> {
  const { status, stdout, errno } = await context.host.run('nft', ['-j', 'list', 'ruleset']);
  if (status === 0)
    return parseRuleset(stdout) ?? skipped('the rules of nftables: nft -j prints none that can be read');
  if (errno === 'ENOENT') return skipped('the rules of nftables: nft is not installed');
  if (!isRoot(context)) return skipped('the rules of nftables: needs root');
  return skipped('the rules of nftables: nft list ruleset fails');
}

function incoming(tunnel: TunnelSeen, rules: Ruleset, context: Context): Finding[] {
  const verdictFor = (state: Packet['state']): Verdict | null =>
    worst(rules, ['prerouting', 'input'], packetOf(tunnel, 'in', state, context));
  const [fresh, answer] = [verdictFor('new'), verdictFor('established')];
  const values = valuesOf(tunnel, fresh ?? answer);
  if (values === null) return [];
  if (answer?.drops === 'surely') return [found('dropsIncoming', { ...values, ...at(answer) })];
  if (fresh?.drops === 'surely') return [found('onlyAnswers', values)];
  return [found('mayDrop', { ...values, direction: 'from' })];
}

function outgoing(tunnel: TunnelSeen, rules: Ruleset, context: Context): Finding[] {
  const verdict = worst(rules, ['output', 'postrouting'], packetOf(tunnel, 'out', 'new', context));
  const values = valuesOf(tunnel, verdict);
  if (values === null) return [];
  return [
    verdict!.drops === 'surely'
      ? found('dropsOutgoing', values)
      : found('mayDrop', { ...values, direction: 'to' }),
  ];
}

/** Of the hooks that a packet passes. */
function worst(rules: Ruleset, hooks: readonly string[], packet: Packet): Verdict | null {
  const verdicts = hooks.map((hook) => judge(rules, hook, packet));
  return verdicts.find((one) => one?.drops === 'surely') ?? verdicts.find((one) => one !== null) ?? null;
}

function packetOf(tunnel: TunnelSeen, way: 'in' | 'out', state: Packet['state'], { host }: Context): Packet {
  const { local, remote, family, port } = endsOf(tunnel);
  const index = local === null || remote === null ? null : host.linkTo(local, remote);
  const link = host.links().find((one) => one.index === index)?.ifname ?? null;
  const usesFlows = tunnel.config?.gre.sourcePort === 'flow';
  return {
    family,
    ...(way === 'in' ? { src: remote, dst: local } : { src: local, dst: remote }),
    protocol: port === null ? 'gre' : 'udp',
    dport: port,
    sport: usesFlows || way === 'in' ? null : port,
    iif: way === 'in' ? link : null,
    oif: way === 'out' ? link : null,
    state,
  };
}

type PlaceOfDrop = Record<'table' | 'chain' | 'rule', string>;

function at({ table, chain, rule }: Verdict): PlaceOfDrop {
  return { table, chain, rule };
}

/** Null: nothing is dropped. */
function valuesOf(
  tunnel: TunnelSeen,
  verdict: Verdict | null,
): (PlaceOfDrop & Record<'what' | 'remote' | 'allow', string>) | null {
  if (verdict === null) return null;
  const { remote, port } = endsOf(tunnel);
  const allow = port === null ? 'meta l4proto gre' : `udp dport ${port}`;
  return { ...at(verdict), what: what(tunnel), remote: remote ?? 'any peer', allow };
}

function what(tunnel: TunnelSeen): string {
  const { port } = endsOf(tunnel);
  return port === null ? 'IP protocol 47 (GRE)' : `UDP port ${port}`;
}

async function legacy({ host }: Context): Promise<Finding[]> {
  const names = `${(await host.read('/proc/net/ip_tables_names')) ?? ''}${(await host.read('/proc/net/ip6_tables_names')) ?? ''}`;
  return /^filter$/m.test(names) ? [found('legacy', {})] : [];
}
