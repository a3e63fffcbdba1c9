/** The settings of a configuration file as data, read off the JSON Schema: for the manual, and what else tells of them. */
import { jsonSchema } from './schema.ts';

export interface SettingDescription {
  /** `mtu`. */
  readonly name: string;
  readonly description: string;
  /** What may be written: `"auto" | 68..65535`. */
  readonly values: string;
  /** As JSON; null: there is none. */
  readonly default: string | null;
  readonly isRequired: boolean;
}

/** An object of the file, and what may be in it. */
export interface SectionDescription {
  /** Where it stands, `tunnels[].tap`; the file itself is ''. Associations stand in several places. */
  readonly paths: readonly string[];
  readonly settings: readonly SettingDescription[];
}

/** Of JSON Schema, what zod makes of our fields. */
interface Schema {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
}

/** In the order of the file; what stands in an object follows it. */
export function describeSettings(): SectionDescription[] {
  const sections: SectionDescription[] = [];
  const known = new Map<string, string[]>();
  addSections(jsonSchema() as Schema, '', sections, known);
  return sections;
}

/** An object that is one of before, as the SAs of rxSc are those of txSa, is named beside that. */
function addSections(
  schema: Schema,
  path: string,
  sections: SectionDescription[],
  known: Map<string, string[]>,
): void {
  if (schema.properties !== undefined) {
    const text = JSON.stringify(schema.properties);
    const paths = known.get(text);
    if (paths === undefined) {
      known.set(text, [path]);
      sections.push({ paths: known.get(text)!, settings: settingsOf(schema) });
    } else paths.push(path);
  }
  for (const [name, one] of Object.entries(schema.properties ?? {}))
    addSections(one, path === '' ? name : `${path}.${name}`, sections, known);
  for (const one of schema.anyOf ?? []) addSections(one, path, sections, known);
  if (schema.items !== undefined) addSections(schema.items, `${path}[]`, sections, known);
}

function settingsOf({ properties = {}, required = [] }: Schema): SettingDescription[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    description: schema.description ?? '',
    values: valuesOf(schema),
    default: schema.default === undefined ? null : JSON.stringify(schema.default),
    isRequired: required.includes(name) && schema.default === undefined,
  }));
}

function valuesOf({ type, const: only, enum: words, anyOf, items, minimum, maximum }: Schema): string {
  if (only !== undefined) return JSON.stringify(only);
  if (words !== undefined) return words.map((word) => JSON.stringify(word)).join(' | ');
  if (anyOf !== undefined) return anyOf.map(valuesOf).join(' | ');
  switch (type) {
    case 'array':
      return items?.properties === undefined ? `list of (${valuesOf(items ?? {})})` : 'list of objects';
    case 'boolean':
      return 'true | false';
    case 'integer':
      return `${minimum ?? ''}..${maximum ?? ''}`;
    default:
      return type ?? 'anything';
  }
}
