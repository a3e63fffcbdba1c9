/**
 * How a command says things: text or JSON (`--json`), with colours or without (`--color`). Set once, before anything is
 * said; what holds until then is text, and colours on a terminal. Imports nothing of ours: see main.ts.
 *
 * Under --json stdout has JSON or nothing, and each line of stderr is an object: `{"warning": …}`, or for what ended the
 * command `{"error": …, "code": …, "exitStatus": …}`, as the control protocol answers.
 */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

export const COLOR_WORDS = ['auto', 'always', 'never'] as const;
export type ColorWhen = (typeof COLOR_WORDS)[number];

export interface OutputOptions {
  json?: boolean;
  color?: ColorWhen;
}

let isJson = false;
let colorWhen: ColorWhen = 'auto';

export function setOutput({ json, color }: OutputOptions): void {
  isJson = json ?? isJson;
  colorWhen = color ?? colorWhen;
}

export function saysJson(): boolean {
  return isJson;
}

/** Select Graphic Rendition (ECMA-48 8.3.117), as `ip -color` uses it. */
const SGR = { good: 32, bad: 31, doubtful: 33, name: 36 } as const;

/** What a word means, and by that its colour. */
export type Style = keyof typeof SGR;

/** What in a text has which meaning; `g` is needed. Rules may not overlap. */
export type Rule = readonly [pattern: RegExp, style: Style];

/** Writes `text` to stdout, with colours where they are wanted. */
export function printText(text: string, rules: readonly Rule[] = []): void {
  process.stdout.write(hasColors(1) ? painted(text, rules) : text);
}

/** A line of JSON to stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** To stderr; the command goes on. */
export function printWarning(text: string): void {
  process.stderr.write(lineOf({ warning: text }, `${prefix('doubtful')}warning: ${text}`));
}

/** To stderr: what was not done, though the command itself went on to its end. */
export function printFailure(text: string): void {
  process.stderr.write(lineOf({ error: text }, `${prefix('bad')}${text}`));
}

/** To stderr: what ended the command. */
export function printFatal(text: string, code: string, exitStatus: number): void {
  const lines = text.split('\n').map((line) => prefix('bad') + line);
  printLine({ error: text, code, exitStatus }, lines.join('\n'));
}

function lineOf(json: object, text: string): string {
  return `${isJson ? JSON.stringify(json) : text}\n`;
}

function prefix(style: Style): string {
  return hasColors(2) ? styled('l2vpnd: ', style) : 'l2vpnd: ';
}

/** Not over process.stderr: that sets O_NONBLOCK on a pipe that others may share. */
export function printLine(json: object, text: string): void {
  try {
    writeSync(2, lineOf(json, text));
  } catch {
    // Nobody is there to tell; the exit status still says it.
  }
}

/** NO_COLOR and FORCE_COLOR as no-color.org and force-color.org have them; --color is said later and wins. */
export function hasColors(
  fd: 1 | 2,
  env: NodeJS.ProcessEnv = process.env,
  isTerminal: (fd: number) => boolean = isatty,
): boolean {
  if (isJson) return false;
  if (colorWhen !== 'auto') return colorWhen === 'always';
  if ((env.NO_COLOR ?? '') !== '') return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal(fd) && env.TERM !== 'dumb';
}

export function painted(text: string, rules: readonly Rule[]): string {
  return rules.reduce(
    (result, [pattern, style]) => result.replace(pattern, (match: string) => styled(match, style)),
    text,
  );
}

function styled(text: string, style: Style): string {
  return `\x1b[${SGR[style]}m${text}\x1b[39m`;
}
