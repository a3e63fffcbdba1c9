/** A family in Prometheus' text format 0.0.4. Thousands of lines for a hub: made by joining strings, nothing else. */
import { type Buckets, type Family, PREFIX, type Sample } from './family.ts';

/** What samples are taken from, and what the labels say that all of them begin with. */
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

/** A metric whose samples can be asked for. */
export interface FamilyText extends MetricAbout {
  text(): string;
}

/** `labels`: the names of those that every sample begins with. */
export function familyText<From>(
  family: Family<From>,
  labels: readonly string[],
  from: () => readonly Labelled<From>[],
): FamilyText {
  const { help, type } = family;
  const about = { name: PREFIX + family.name, help, type, labelNames: [...labels, ...family.labels] };
  return { ...about, text: () => textOf(about, family, from()) };
}

function textOf<From>(about: MetricAbout, family: Family<From>, all: readonly Labelled<From>[]): string {
  const { name, help, type } = about;
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  for (const { labels, from } of all) {
    if (family.type === 'histogram')
      for (const buckets of family.samples(from)) text += histogram(about, labels, buckets);
    else for (const sample of family.samples(from)) text += single(about, labels, sample);
  }
  return text;
}

function single(about: MetricAbout, first: readonly string[], [value, ...labels]: Sample): string {
  return line(about.name, labelled(about, [...first, ...labels]), value);
}

function histogram(about: MetricAbout, first: readonly string[], buckets: Buckets): string {
  const { counts, bounds, sum } = buckets;
  const { name } = about;
  const labels = labelled(about, [...first, ...buckets.labels]);
  const beside = labels === '' ? '' : `${labels},`;
  let text = '';
  let count = 0;
  bounds.forEach((bound, i) => {
    count += counts[i]!;
    if (bound !== Number.POSITIVE_INFINITY) text += line(`${name}_bucket`, `${beside}le="${bound}"`, count);
  });
  text += line(`${name}_bucket`, `${beside}le="+Inf"`, count);
  return text + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, count);
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
}

/** A label that says nothing is left out. */
function labelled({ labelNames }: MetricAbout, values: readonly string[]): string {
  let text = '';
  for (let i = 0; i < labelNames.length; i++) {
    const value = values[i];
    if (value) text += `${text === '' ? '' : ','}${labelNames[i]}="${escaped(value)}"`;
  }
  return text;
}

function escaped(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}
