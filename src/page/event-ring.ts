/** The last lines of the log, for who looks at the page: bounded in number and in length. */

const MAX_LINES = 200;
/** Octets of a line that are kept; a longer one is left out, as half a line is no JSON. */
const MAX_LINE_LEN = 2000;

export interface NumberedLine {
  readonly number: number;
  /** A line of pino's, JSON. */
  readonly line: string;
}

export class EventRing {
  readonly #lines: NumberedLine[] = [];
  #last = 0;

  add(line: string): void {
    if (line.length > MAX_LINE_LEN) return;
    this.#lines.push({ number: ++this.#last, line: line.trimEnd() });
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
  }

  /** Those after number `after`, the oldest first. */
  after(after: number): readonly NumberedLine[] {
    return this.#lines.filter(({ number }) => number > after);
  }

  /** The number of the newest. */
  get last(): number {
    return this.#last;
  }
}
