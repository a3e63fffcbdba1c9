/** Firewall rules that see the frames of a bridge, which nobody has thought of when he wrote them. */
import type { TunnelCheck } from '../context.ts';
import { finder } from '../finding.ts';
import type { Chain } from '../firewall/ruleset.ts';
import { rulesetOf } from './firewall.ts';

const CASES = {
  forwards: {
    level: 'warning',
    says: "IP packets that {bridge} bridges go through the firewall's forward chains, and {table} {chain} has policy drop",
    cause:
      'br_netfilter is on (net.bridge.{knob} is 1), as Docker turns it on: frames between LAN and tunnel may be dropped',
    remedy:
      'sysctl -w net.bridge.{knob}=0, or nft insert rule {table} {chain} iifname {bridge} oifname {bridge} accept',
  },
  bridgeTable: {
    level: 'warning',
    says: 'the bridge firewall has policy drop ({table}, chain {chain})',
    cause: 'frames between LAN and tunnel pass only where a rule of that chain lets them',
    remedy: 'look at it: nft -a list chain {table} {chain}',
  },
} as const;
const found = finder(CASES);

export const bridgeNetfilter: TunnelCheck = {
  name: 'bridge-netfilter',
  about:
    'br_netfilter, and tables of the family bridge: whether frames between LAN and tunnel may be dropped',
  cases: CASES,
  async look({ config, now }, context) {
    const bridge = config?.tap.bridge ?? now?.bridge?.name ?? null;
    if (bridge === null) return [];
    const rules = await rulesetOf(context);
    if (!('chains' in rules)) return [];
    const dropping = (family: readonly string[]): Chain | undefined =>
      rules.chains.find(
        (one) => one.hook === 'forward' && one.policy === 'drop' && family.includes(one.family),
      );
    const own = dropping(['bridge']);
    if (own !== undefined) return [found('bridgeTable', placeOfChain(own))];
    for (const [knob, families] of [
      ['bridge-nf-call-iptables', ['ip', 'inet']],
      ['bridge-nf-call-ip6tables', ['ip6', 'inet']],
    ] as const) {
      const isOn = (await context.host.read(`/proc/sys/net/bridge/${knob}`))?.trim() === '1';
      const chain = dropping(families);
      if (isOn && chain !== undefined) return [found('forwards', { bridge, knob, ...placeOfChain(chain) })];
    }
    return [];
  },
};

function placeOfChain({ family, table, name }: Chain): { table: string; chain: string } {
  return { table: `${family} ${table}`, chain: name };
}
