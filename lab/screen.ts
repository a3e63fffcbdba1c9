/** What the demo shows: steps that move while they run, quoted output, tables. Colour and motion only on a terminal. */

const isTerminal = process.stdout.isTTY === true;
const hasColour = isTerminal && process.env.NO_COLOR === undefined;
const paint =
  (code: number) =>
  (text: string): string =>
    hasColour ? `\u001b[${code}m${text}\u001b[0m` : text;

export const bold: (text: string) => string = paint(1);
export const dim: (text: string) => string = paint(2);
export const red: (text: string) => string = paint(31);
export const green: (text: string) => string = paint(32);
export const cyan: (text: string) => string = paint(36);

export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** A numbered headline. */
export function headline(text: string): void {
  say(`\n${bold(cyan('■'))} ${bold(text)}`);
}

/** Output of a program, indented, long lines folded under themselves; `$ command` above it. */
export function quote(command: string, lines: readonly string[]): void {
  say(`  ${dim('$')} ${command}`);
  const width = Math.max(60, (process.stdout.columns ?? 120) - 6);
  for (const line of lines) {
    for (const [i, part] of fold(line, width).entries()) say(`  ${dim('│')} ${i === 0 ? '' : '  '}${part}`);
  }
}

/** Parts of at most `width` characters, broken at spaces where there are any. */
function fold(line: string, width: number): string[] {
  const parts: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const cut = space > width / 2 ? space : width;
    parts.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  return [...parts, rest];
}

/** A line that shows that something is under way, and afterwards how it ended. */
export class Progress {
  readonly #title: string;
  readonly #since: number = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #note = '';
  #turn = 0;

  constructor(title: string) {
    this.#title = title;
    if (isTerminal) {
      this.#timer = setInterval(() => this.#draw(), 100);
      this.#timer.unref();
      this.#draw();
    }
  }

  /** What to show beside the title while it goes on. */
  note(text: string): void {
    this.#note = text;
    if (isTerminal) this.#draw();
  }

  done(result = ''): void {
    this.#end(green('✓'), result);
  }

  failed(result = ''): void {
    this.#end(red('✗'), result);
  }

  #end(mark: string, result: string): void {
    clearInterval(this.#timer);
    const took = performance.now() - this.#since;
    const time = took < 1000 ? `${took.toFixed(0)} ms` : `${(took / 1000).toFixed(1)} s`;
    const erase = isTerminal ? '\r\u001b[2K' : '';
    say(`${erase}  ${mark} ${this.#title.padEnd(44)} ${result} ${dim(`(${time})`)}`);
  }

  #draw(): void {
    const turning = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
    const mark = turning[this.#turn++ % turning.length] ?? '';
    process.stdout.write(`\r\u001b[2K  ${cyan(mark)} ${this.#title.padEnd(44)} ${this.#note}`);
  }
}

/** Runs `work` under a progress line. `work` gets the line and returns what to say at its end. */
export async function progress(title: string, work: (line: Progress) => Promise<string>): Promise<void> {
  const line = new Progress(title);
  try {
    line.done(await work(line));
  } catch (error) {
    line.failed();
    throw error;
  }
}

/** A table with a head; all columns but the first are aligned right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ');
  say(`  ${bold(line(head))}`);
  say(`  ${dim(widths.map((width) => '─'.repeat(width)).join('───'))}`);
  for (const row of rows) say(`  ${line(row)}`);
}
