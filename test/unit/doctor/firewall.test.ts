/**
 * What chains of nftables do with a tunnel's packets. nft-ruleset.json is what nft 1.0.6 printed (`nft -j list ruleset`) of a
 * usual ruleset: policy drop, ct state by a map, sets, a jump, a rate, families inet, ip and ip6.
 */
import { describe, expect, it } from 'vitest';
import { judge, type Verdict } from '../../../src/doctor/firewall/judge.ts';
import type { Packet } from '../../../src/doctor/firewall/packet.ts';
import { type Json, parseRuleset } from '../../../src/doctor/firewall/ruleset.ts';
import { configOf, type Faults, fixture, foundBy, looked, seen } from './kit.ts';

const USUAL = parseRuleset(fixture('nft-ruleset.json'))!;

const GRE: Packet = {
  ...{ family: 4, src: '2.2.2.2', dst: '1.1.1.1', protocol: 'gre', sport: null, dport: null },
  ...{ iif: 'eth0', oif: null, state: 'new' },
};
const UDP: Packet = { ...GRE, protocol: 'udp', dport: 4754 };

function told(verdict: Verdict | null): string {
  return verdict === null ? 'passes' : `${verdict.drops}: ${verdict.chain}, ${verdict.rule}`;
}

describe('a usual ruleset', () => {
  it.each<[what: string, hook: string, packet: Packet, verdict: string]>([
    ['GRE from the peer that a rule names', 'input', GRE, 'passes'],
    ['GRE from another', 'input', { ...GRE, src: '4.4.4.4' }, 'surely: input, policy drop'],
    ['GRE from another, as an answer', 'input', { ...GRE, src: '4.4.4.4', state: 'established' }, 'passes'],
    ['the UDP port, through a chain and a set with a range', 'input', UDP, 'passes'],
    [
      'the UDP port, from a prefix that is dropped',
      'input',
      { ...UDP, src: '3.4.5.6' },
      'surely: vpn, rule with handle 16',
    ],
    ['the UDP port, back from the chain', 'input', { ...UDP, src: '4.4.4.4' }, 'surely: input, policy drop'],
    ['another UDP port', 'input', { ...UDP, dport: 4755 }, 'surely: input, policy drop'],
    ['from who is not known yet', 'input', { ...UDP, src: null }, 'may: vpn, rule with handle 16'],
    ['out by the WAN', 'output', { ...UDP, iif: null, oif: 'eth0' }, 'may: output, rule with handle 20'],
    [
      'out by a link whose name is a pattern',
      'output',
      { ...UDP, iif: null, oif: 'eth90' },
      'surely: output, rule with handle 19',
    ],
    [
      'GRE over IPv6',
      'input',
      { ...GRE, family: 6, src: 'fd00::2', dst: 'fd00::1', state: 'established' },
      'surely: in6, rule with handle 2 "no GRE over IPv6"',
    ],
    [
      'GRE over IPv6 from elsewhere',
      'input',
      { ...GRE, family: 6, src: 'fe80::2', state: 'established' },
      'passes',
    ],
  ])('%s', (_, hook, packet, verdict) => {
    expect(told(judge(USUAL, hook, packet))).toBe(verdict);
  });
});

/** A chain of the hook input with these rules. */
function chainOf(policy: string, ...rules: readonly (readonly Json[])[]): string {
  const place = { family: 'inet', table: 'f', chain: 'in' };
  return JSON.stringify({
    nftables: [
      { chain: { family: 'inet', table: 'f', name: 'in', hook: 'input', prio: 0, policy } },
      ...rules.map((expr, i) => ({ rule: { ...place, handle: i + 1, expr } })),
    ],
  });
}

const gre: Json = { match: { op: '==', left: { meta: { key: 'l4proto' } }, right: 'gre' } };
const unknown: Json = { match: { op: '==', left: { meta: { key: 'mark' } }, right: 7 } };

describe('a rule with a condition that cannot be told', () => {
  it.each<[string, string, (readonly Json[])[], string]>([
    ['may drop', 'accept', [[unknown, { drop: null }]], 'may: in, rule with handle 1'],
    ['may accept before another drops', 'drop', [[unknown, { accept: null }]], 'may: in, policy drop'],
    [
      'is of no matter behind one that accepts',
      'drop',
      [
        [gre, { accept: null }],
        [unknown, { drop: null }],
      ],
      'passes',
    ],
    ['of iptables is such a one', 'accept', [[{ xt: null }, { drop: null }]], 'may: in, rule with handle 1'],
    ['that does nothing to the packet is none', 'accept', [[unknown, { counter: null }]], 'passes'],
    [
      'that is not about GRE is none',
      'accept',
      [
        [
          { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 22 } },
          { drop: null },
        ],
      ],
      'passes',
    ],
  ])('%s', (_, policy, rules, verdict) => {
    expect(told(judge(parseRuleset(chainOf(policy, ...rules))!, 'input', GRE))).toBe(verdict);
  });

  it('never makes chains that call each other run for ever', () => {
    const jump = (chain: string, target: string): Json => ({
      rule: { family: 'inet', table: 'f', chain, handle: 1, expr: [{ jump: { target } }] },
    });
    const nftables = [
      { chain: { family: 'inet', table: 'f', name: 'a', hook: 'input', prio: 0, policy: 'accept' } },
      { chain: { family: 'inet', table: 'f', name: 'b' } },
      ...[jump('a', 'b'), jump('b', 'a')],
    ];
    expect(judge(parseRuleset(JSON.stringify({ nftables }))!, 'input', GRE)).toBeNull();
  });
});

describe('what is no ruleset', () => {
  it.each(['', '{', '[]', '{"nftables":{}}', 'null'])('%j', (text) => {
    expect(parseRuleset(text)).toBeNull();
  });
});

const nft = (stdout: string, more: Faults = {}): Faults => ({
  ...more,
  host: { run: async () => ({ status: 0, stdout, stderr: '', errno: '' }), ...more.host },
});
const overUdp = seen({
  now: null,
  config: configOf(({ tunnels: [tunnel] }) => Object.assign(tunnel.gre, { encap: 'udp' })).tunnels[0]!,
});

describe('the check of the firewall', () => {
  it('finds nothing where the ruleset lets the tunnel through', async () => {
    expect(await foundBy('firewall', nft(chainOf('drop', [gre, { accept: null }])))).toEqual([]);
    expect(await foundBy('firewall', nft('{"nftables":[]}'))).toEqual([]);
  });

  it('says which rule drops, and what would let the packets in', async () => {
    const [one] = await looked('firewall', nft(chainOf('drop')));
    expect(one).toMatchObject({
      ...{ level: 'fault', id: 'dropsIncoming', says: 'nftables drops IP protocol 47 (GRE) from 2.2.2.2' },
      cause: 'table inet f, chain in, policy drop',
      remedy: 'nft insert rule inet f in meta l4proto gre accept',
    });
    const [two] = await looked('firewall', nft(chainOf('drop')), overUdp);
    expect(two).toMatchObject({ remedy: 'nft insert rule inet f in udp dport 4754 accept' });
  });

  it('tells a firewall that lets in answers only', async () => {
    const established: Json = {
      match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established', 'related'] },
    };
    expect(await foundBy('firewall', nft(chainOf('drop', [established, { accept: null }])))).toEqual([
      'warning onlyAnswers',
    ]);
  });

  it('tells what may drop, and what drops on the way out', async () => {
    expect(await foundBy('firewall', nft(chainOf('accept', [unknown, { drop: null }])))).toEqual([
      'warning mayDrop',
    ]);
    const out = chainOf('drop').replaceAll('"input"', '"output"');
    expect(await foundBy('firewall', nft(out))).toEqual(['fault dropsOutgoing']);
  });

  it('says why it could not look', async () => {
    const run = async () => ({ status: 1, stdout: '', stderr: '', errno: '' });
    expect((await looked('firewall', { host: { run, euid: 1000 } }))[0]?.says).toMatch(/needs root/);
    const absent = async () => ({ status: null, stdout: '', stderr: '', errno: 'ENOENT' });
    expect((await looked('firewall', { host: { run: absent } }))[0]?.says).toMatch(/nft is not installed/);
    const files = { '/proc/net/ip_tables_names': 'filter\n' };
    expect(await foundBy('firewall', nft('{"nftables":[]}', { files }))).toEqual(['skipped legacy']);
  });
});

describe('the check of bridge netfilter', () => {
  const forward = chainOf('drop').replaceAll('"input"', '"forward"');
  const files = { '/proc/sys/net/bridge/bridge-nf-call-iptables': '1\n' };

  it('finds a forward chain that bridged frames go through', async () => {
    expect(await foundBy('bridge-netfilter', nft(forward, { files }))).toEqual(['warning forwards']);
    expect(await foundBy('bridge-netfilter', nft(forward))).toEqual([]);
  });

  it('finds a firewall of the bridge itself', async () => {
    expect(await foundBy('bridge-netfilter', nft(forward.replaceAll('"inet"', '"bridge"')))).toEqual([
      'warning bridgeTable',
    ]);
  });
});
