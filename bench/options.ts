/** Numbers on the command line. */

/** Throws unless `text` is a positive number; `usual` where the option was not given. */
export function positive(name: string, text: string | undefined, usual: number): number {
  const value = text === undefined ? usual : Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} expected a positive number, got "${text}"`);
}

/** As `positive`, and whole. */
export function positiveInteger(name: string, text: string | undefined, usual: number): number {
  const value = positive(name, text, usual);
  if (Number.isInteger(value)) return value;
  throw new Error(`--${name} expected a whole number, got "${text}"`);
}

/** `1,3,5,7`. */
export function integerList(name: string, text: string): number[] {
  return text.split(',').map((part) => positiveInteger(name, part, Number.NaN));
}
