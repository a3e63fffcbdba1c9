/**
 * What the chains of a hook do with a packet. A rule whose conditions cannot all be told may drop, or accept before
 * another drops: both are followed, and the answer is then `may`.
 */
import { isOneOf, matches, type Packet, type Truth, valuesOf } from './packet.ts';
import { type Chain, fieldsOf, type Json, placeOf, type Rule, type Ruleset } from './ruleset.ts';

/** Where a packet is dropped. */
export interface Verdict {
  /** `may`: under a condition that is not known here. */
  readonly drops: 'surely' | 'may';
  /** `inet filter`. */
  readonly table: string;
  readonly chain: string;
  /** The rule's handle and comment, or the policy. */
  readonly rule: string;
}

/** What becomes of a packet in a chain: an end, or none; and what may have become of it before that. */
interface Outcome {
  readonly end: 'accept' | 'drop' | 'none';
  /** Where it is dropped. */
  readonly at: Verdict | null;
  /** Before the end it may have been accepted, or dropped there. */
  readonly mayAccept: boolean;
  readonly mayDrop: Verdict | null;
}

/** Chains that call each other without end are not allowed by the kernel; this is for what is no ruleset of a kernel. */
const MAX_DEPTH = 16;

/** Null: every base chain of the hook lets the packet pass. The worst of all otherwise. */
export function judge(ruleset: Ruleset, hook: string, packet: Packet): Verdict | null {
  const families = packet.family === 4 ? ['ip', 'inet'] : ['ip6', 'inet'];
  const chains = ruleset.chains.filter((one) => one.hook === hook && families.includes(one.family));
  const verdicts = chains.flatMap((chain) => {
    const verdict = verdictOf(walk(chain, packet, ruleset, 0), chain);
    return verdict === null ? [] : [verdict];
  });
  return verdicts.find(({ drops }) => drops === 'surely') ?? verdicts[0] ?? null;
}

function verdictOf({ end, at, mayAccept, mayDrop }: Outcome, chain: Chain): Verdict | null {
  const drop = end === 'drop' ? at : end === 'none' && chain.policy === 'drop' ? byPolicy(chain) : null;
  if (drop !== null && !mayAccept && mayDrop === null) return drop;
  const maybe = mayDrop ?? drop;
  return maybe === null ? null : { ...maybe, drops: drop !== null && !mayAccept ? 'surely' : 'may' };
}

function byPolicy({ family, table, name }: Chain): Verdict {
  return { drops: 'surely', table: `${family} ${table}`, chain: name, rule: 'policy drop' };
}

function walk(chain: Chain, packet: Packet, ruleset: Ruleset, depth: number): Outcome {
  let mayAccept = false;
  let mayDrop: Verdict | null = null;
  for (const rule of chain.rules) {
    const { truth, end } = actionOf(rule, chain, packet, ruleset, depth);
    if (truth === false || end === null) continue;
    mayAccept ||= end.mayAccept;
    mayDrop ??= end.mayDrop;
    if (truth === true && end.end !== 'none') return { end: end.end, at: end.at, mayAccept, mayDrop };
    if (truth === true && end.returns) break;
    if (truth === null && end.end === 'accept') mayAccept = true;
    if (truth === null && end.end === 'drop') mayDrop ??= end.at;
    // It may have left the chain, whose caller, or policy, decides then: what follows here is not sure.
    if (truth === null && end.returns) mayAccept = true;
  }
  return { end: 'none', at: null, mayAccept, mayDrop };
}

interface Action extends Outcome {
  readonly returns: boolean;
}

const NOTHING: Action = { end: 'none', at: null, mayAccept: false, mayDrop: null, returns: false };

/** Whether the rule is about the packet, and what it does then; `end` null: nothing. */
function actionOf(
  rule: Rule,
  chain: Chain,
  packet: Packet,
  ruleset: Ruleset,
  depth: number,
): { truth: Truth; end: Action | null } {
  const table = `${chain.family} ${chain.table}`;
  let truth: Truth = true;
  for (const { name, value } of rule.statements) {
    if (name === 'match') truth = and(truth, matches(value, packet, ruleset, table));
    // A rate, or a match of iptables' that nft does not know.
    else if (name === 'limit' || name === 'quota' || name === 'xt') truth = and(truth, null);
    else {
      const end = endOf(name, value, { rule, chain, packet, ruleset, depth });
      if (end !== null) return { truth, end };
    }
    if (truth === false) break;
  }
  return { truth, end: null };
}

interface Place {
  readonly rule: Rule;
  readonly chain: Chain;
  readonly packet: Packet;
  readonly ruleset: Ruleset;
  readonly depth: number;
}

/** Null: the statement decides nothing (counter, log …). */
function endOf(name: string, value: Json, place: Place): Action | null {
  const { rule, chain } = place;
  switch (name) {
    case 'accept':
      return { ...NOTHING, end: 'accept' };
    case 'drop':
    case 'reject': {
      const text = `rule with handle ${rule.handle}${rule.comment === null ? '' : ` "${rule.comment}"`}`;
      const at: Verdict = {
        ...{ drops: 'surely', table: `${chain.family} ${chain.table}`, chain: chain.name, rule: text },
      };
      return { ...NOTHING, end: 'drop', at };
    }
    case 'return':
      return { ...NOTHING, returns: true };
    case 'jump':
    case 'goto':
      return jump(String(fieldsOf(value)?.target ?? ''), name === 'goto', place);
    case 'vmap':
      return byMap(value, place);
    default:
      return null;
  }
}

function jump(target: string, goes: boolean, { chain, packet, ruleset, depth }: Place): Action | null {
  const at = placeOf(chain.family, chain.table, target);
  const next = ruleset.chains.find((one) => placeOf(one.family, one.table, one.name) === at);
  if (next === undefined || depth === MAX_DEPTH) return null;
  const outcome = walk(next, packet, ruleset, depth + 1);
  return { ...outcome, returns: goes && outcome.end === 'none' };
}

/** `ct state vmap { established : accept, invalid : drop }`. */
function byMap(value: Json, place: Place): Action | null {
  const { key, data } = fieldsOf(value) ?? {};
  const { chain, packet, ruleset } = place;
  const table = `${chain.family} ${chain.table}`;
  const elements = elementsOf(data, ruleset, table);
  const values = valuesOf(key, packet);
  if (values === null) return null;
  let mayAccept = false;
  let mayDrop: Verdict | null = null;
  for (const [from, to] of elements) {
    const truth =
      values === undefined || values.length === 0 ? null : isOneOf(values, from, ruleset.sets, table);
    const [statement] = Object.entries(fieldsOf(to) ?? {});
    if (truth === false || statement === undefined) continue;
    const end = endOf(statement[0], statement[1], place);
    if (truth === true) return end;
    mayAccept ||= end?.end === 'accept' || end?.mayAccept === true;
    mayDrop ??= end?.at ?? end?.mayDrop ?? null;
  }
  return { ...NOTHING, mayAccept, mayDrop };
}

function elementsOf(data: Json | undefined, { sets }: Ruleset, table: string): [Json, Json][] {
  const [family = '', name = ''] = table.split(' ');
  const list =
    typeof data === 'string' && data.startsWith('@')
      ? sets.get(placeOf(family, name, data.slice(1)))
      : fieldsOf(data)?.set;
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: Json) =>
    Array.isArray(one) && one.length === 2 ? [[one[0], one[1]] as [Json, Json]] : [],
  );
}

function and(one: Truth, other: Truth): Truth {
  if (one === false || other === false) return false;
  return one === null || other === null ? null : true;
}
