/** One thing that is wrong in a configuration file, and how it is said. */

/** Where in the JSON: `['tunnels', 0, 'gre', 'remote']`. */
export type JsonPath = (string | number)[];

export interface Problem {
  path: JsonPath;
  text: string;
}

/** Collects problems whose paths begin at `base`. */
export type Report = (path: JsonPath, text: string) => void;

/** `tunnels[0].gre.remote`; the top of the file is the empty string. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += `${text === '' ? '' : '.'}${showString(String(part))}`;
  }
  return text;
}

/** Longest text of a file that a message repeats. */
const MAX_SHOWN = 60;
/**
 * As many hex digits as half a 128-bit key, in whatever groups: what holds such a run may be a key in the wrong place.
 * With colons only groups of two count; groups of four are an IPv6 address.
 */
const LIKE_A_KEY = /(?:[0-9a-f][\s.,_-]*){17,}|(?:[0-9a-f]{2}[:\s-]){8,}/i;

/** A value of the file as a message may show it: short, on one line, and never something like a key. */
export function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  // JSON has no infinity: it is what 1e400 becomes.
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number beyond 1.8e308';
  return typeof value === 'string' ? `"${showString(value)}"` : showString(String(value));
}

/** `text`, unless it may be a key: a file that is not there, for one, may be a key where a name belongs. */
export function withoutKey(text: string): string {
  return LIKE_A_KEY.test(text) ? `(hidden, ${text.length} characters)` : text;
}

function showString(text: string): string {
  if (LIKE_A_KEY.test(text)) return withoutKey(text);
  const printable = text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
  return printable.length > MAX_SHOWN ? `${printable.slice(0, MAX_SHOWN)}…` : printable;
}

/** How many problems are told; the others would hide them. */
const MAX_TOLD = 20;

/** One line each, and how many more there are. */
export function problemLines(all: readonly string[]): string {
  const told = all.slice(0, MAX_TOLD);
  const more = all.length - told.length;
  return [...told, ...(more === 0 ? [] : [`… and ${grouped(more)} more`])].join('\n');
}

/** `39980` as `39 980`. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ' ');
}
