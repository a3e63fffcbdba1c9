/** Who runs: contenders that were asked for and that this machine has; and why the others do not. */
import type { Topology } from '../lab/topology.ts';
import type { Contender } from './contenders/contender.ts';
import type { Entrant } from './report/aggregate.ts';

export interface Skipped {
  name: string;
  title: string;
  why: string;
}

/** `only`: names, or what several names begin with (`l2vpnd` for `l2vpnd-raw` and the others); null: all. */
export async function admit(
  topology: Topology,
  contenders: readonly Contender[],
  only: readonly string[] | null,
): Promise<{ entrants: Entrant[]; skipped: Skipped[] }> {
  const exact = new Set(contenders.map(({ name }) => name));
  const matches = (name: string, wish: string): boolean =>
    name === wish || (!exact.has(wish) && name.startsWith(`${wish}-`));
  for (const wish of only ?? []) {
    if (contenders.some(({ name }) => matches(name, wish))) continue;
    throw new Error(
      `--only: no contender "${wish}"; there are ${contenders.map(({ name }) => name).join(', ')}`,
    );
  }
  const entrants: Entrant[] = [];
  const skipped: Skipped[] = [];
  for (const contender of contenders) {
    const { name, title } = contender;
    if (only !== null && !only.some((wish) => matches(name, wish))) continue;
    const why = await contender.available(topology);
    if (why === null) entrants.push({ contender, version: await contender.version() });
    else skipped.push({ name, title, why });
  }
  return { entrants, skipped };
}
