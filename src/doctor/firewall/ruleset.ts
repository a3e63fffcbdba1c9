/**
 * The rules of nftables, as `nft -j list ruleset` prints them (`man 5 libnftables-json`). Only the parts that are read are
 * described; whatever else a rule has is `unknown` and judged as a condition that may hold or not.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Of a base chain: `input`, `output`, `forward` …; else null. */
  readonly hook: string | null;
  readonly priority: number;
  readonly policy: string;
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly handle: number;
  readonly comment: string | null;
  readonly statements: readonly Statement[];
}

/** `{ "match": … }`, `{ "drop": null }`, … */
export interface Statement {
  readonly name: string;
  readonly value: Json;
}

export interface Ruleset {
  readonly chains: readonly Chain[];
  /** Elements of a named set, by family, table and name. */
  readonly sets: ReadonlyMap<string, readonly Json[]>;
}

/** Null for what is no ruleset. */
export function parseRuleset(text: string): Ruleset | null {
  const objects = objectsIn(text);
  if (objects === null) return null;
  const rules = new Map<string, Rule[]>();
  const sets = new Map<string, readonly Json[]>();
  for (const object of objects) {
    const rule = fieldsOf(object.rule);
    if (rule !== null) listOf(rules, keyOf(rule, 'chain')).push(ruleIn(rule));
    const set = fieldsOf(object.set) ?? fieldsOf(object.map);
    if (set !== null) sets.set(keyOf(set, 'name'), Array.isArray(set.elem) ? set.elem : []);
  }
  const chains = objects.flatMap((object) => {
    const chain = fieldsOf(object.chain);
    return chain === null ? [] : [chainIn(chain, rules.get(keyOf(chain, 'name')) ?? [])];
  });
  return { chains, sets };
}

function objectsIn(text: string): { readonly [key: string]: Json }[] | null {
  try {
    const list = fieldsOf(JSON.parse(text) as Json)?.nftables;
    return Array.isArray(list) ? list.map(fieldsOf).filter((one) => one !== null) : null;
  } catch {
    return null;
  }
}

function chainIn(chain: { readonly [key: string]: Json }, rules: readonly Rule[]): Chain {
  const { family, table, name, hook, prio, policy } = chain;
  return {
    ...{ family: String(family), table: String(table), name: String(name), rules },
    hook: typeof hook === 'string' ? hook : null,
    priority: typeof prio === 'number' ? prio : 0,
    policy: typeof policy === 'string' ? policy : 'accept',
  };
}

function ruleIn({ handle, comment, expr }: { readonly [key: string]: Json }): Rule {
  const parts = Array.isArray(expr) ? (expr as readonly Json[]) : [];
  return {
    handle: Number(handle ?? 0),
    comment: typeof comment === 'string' ? comment : null,
    statements: parts.flatMap((part) => {
      const [entry] = Object.entries(fieldsOf(part) ?? {});
      return entry === undefined ? [] : [{ name: entry[0], value: entry[1] }];
    }),
  };
}

function keyOf({ family, table, ...rest }: { readonly [key: string]: Json }, name: 'chain' | 'name'): string {
  return placeOf(String(family), String(table), String(rest[name]));
}

/** Names a chain or a set. */
export function placeOf(family: string, table: string, name: string): string {
  return `${family} ${table} ${name}`;
}

/** Null for what is no object. */
export function fieldsOf(json: Json | undefined): { readonly [key: string]: Json } | null {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? (json as { readonly [key: string]: Json })
    : null;
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}
