/** A family as prom-client's registry takes a metric: with a name, and with values when it is asked for them. */
import { type Buckets, type Family, PREFIX, type Sample } from './family.ts';

export interface NamedSample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Of the parts of a histogram. */
  readonly metricName?: string;
}

/** What samples are taken from, and the labels that all of them begin with. */
export interface Labelled<From> {
  readonly labels: readonly string[];
  readonly from: From;
}

/** What is known of a metric before anybody asks. */
export interface MetricAbout {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly labelNames: readonly string[];
}

export interface FamilyMetric extends MetricAbout {
  get(): Promise<MetricAbout & { readonly values: NamedSample[] }>;
}

/** `labels`: the names of those that every sample begins with. */
export function familyMetric<From>(
  family: Family<From>,
  labels: readonly string[],
  from: () => readonly Labelled<From>[],
): FamilyMetric {
  const { help, type } = family;
  const labelNames = [...labels, ...family.labels];
  const about = { name: PREFIX + family.name, help, type, labelNames };
  return { ...about, get: async () => ({ ...about, values: valuesOf(about, family, from()) }) };
}

function valuesOf<From>(
  about: MetricAbout,
  family: Family<From>,
  all: readonly Labelled<From>[],
): NamedSample[] {
  return all.flatMap(({ labels, from }) => {
    if (family.type === 'histogram')
      return [...family.samples(from)].flatMap((buckets) => histogram(about, labels, buckets));
    return [...family.samples(from)].map((sample) => single(about, labels, sample));
  });
}

function single(about: MetricAbout, first: readonly string[], [value, ...labels]: Sample): NamedSample {
  return { value, labels: labelled(about, [...first, ...labels]) };
}

function histogram(about: MetricAbout, first: readonly string[], buckets: Buckets): NamedSample[] {
  const { counts, bounds, sum } = buckets;
  const labels = labelled(about, [...first, ...buckets.labels]);
  const { name } = about;
  let count = 0;
  const below = bounds.map((bound, i): NamedSample => {
    count += counts[i]!;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: boundText(bound) }, value: count };
  });
  const last =
    bounds.at(-1) === Number.POSITIVE_INFINITY
      ? []
      : [{ ...below.at(-1)!, labels: { ...labels, le: '+Inf' } }];
  return [
    ...below,
    ...last,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

function boundText(bound: number): string {
  return bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
}

/** A label that says nothing is left out. */
function labelled({ labelNames }: MetricAbout, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labelNames.flatMap((name, i) => (values[i] ? [[name, values[i]]] : [])));
}
