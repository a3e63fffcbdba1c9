/**
 * What a check may find, as data: a sentence, its cause and the remedy, so that the output, the JSON and the table in
 * docs/reference/doctor.md are of one source. `{name}` stands for what was seen.
 */

export type Level = 'ok' | 'skipped' | 'warning' | 'fault';

/** Worse ones later. */
export const LEVELS: readonly Level[] = ['ok', 'skipped', 'warning', 'fault'];

/** Something that a check looks for. */
export interface Case {
  /** `either`: a fault while the tunnel suffers from it, else a warning. */
  readonly level: 'skipped' | 'warning' | 'fault' | 'either';
  readonly says: string;
  /** Why, or what it does. */
  readonly cause: string;
  readonly remedy: string;
}

/** By a name that scripts may go by. */
export type Cases = Readonly<Record<string, Case>>;

export interface Finding {
  readonly level: Level;
  /** The name of the case; null: nothing is wrong. */
  readonly id: string | null;
  readonly says: string;
  readonly cause: string | null;
  readonly remedy: string | null;
}

type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

type Values<One extends Case> = Record<
  Placeholders<One['says'] | One['cause'] | One['remedy']>,
  string | number
>;

/** Nothing is wrong; what was seen. */
export function ok(says: string): Finding {
  return { level: 'ok', id: null, says: oneLine(says), cause: null, remedy: null };
}

/** It could not be looked at; why. */
export function skipped(says: string): Finding {
  return { level: 'skipped', id: null, says: oneLine(says), cause: null, remedy: null };
}

/** Makes findings of `cases`: `found('missing', { path })`. `suffers`: whether `either` is a fault. */
export function finder<Table extends Cases>(
  cases: Table,
): <Id extends keyof Table & string>(id: Id, values: Values<Table[Id]>, suffers?: boolean) => Finding {
  return (id, values, suffers = true) => {
    const { level, says, cause, remedy } = cases[id]!;
    const fill = (text: string): string =>
      oneLine(
        text.replace(/\{(\w+)\}/g, (_, name: string) => String((values as Record<string, unknown>)[name])),
      );
    const either = suffers ? 'fault' : 'warning';
    return {
      level: level === 'either' ? either : level,
      id,
      says: fill(says),
      cause: fill(cause),
      remedy: fill(remedy),
    };
  };
}

export function worstLevel(findings: readonly { level: Level }[]): Level {
  return findings.reduce<Level>((worst, { level }) => (isWorse(level, worst) ? level : worst), 'ok');
}

export function isWorse(one: Level, other: Level): boolean {
  return LEVELS.indexOf(one) > LEVELS.indexOf(other);
}

/** Names of interfaces and files may have anything in them; control characters would reach the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
