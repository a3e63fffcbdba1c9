/**
 * A manual page in the macros of man(7), made of text. In text, `code` between backquotes is set in bold as man(1) sets what
 * is typed, <word> between angle brackets in italics as what stands for something else, and page(8) as a reference.
 */

export interface PageTitle {
  readonly name: string;
  readonly section: number;
  /** `2026-11-24`. */
  readonly date: string;
  readonly version: string;
  readonly manual: string;
}

/** Builds a page from top to bottom. */
export class Page {
  readonly #lines: string[];

  constructor({ name, section, date, version, manual }: PageTitle) {
    const words = [name.toUpperCase(), String(section)];
    this.#lines = [
      `.\\" Made by npm run man; do not edit.`,
      // The date as it is: mandoc reads it.
      `.TH ${words.map(argument).join(' ')} "${date}" ${argument(version)} ${argument(manual)}`,
    ];
  }

  section(title: string): this {
    this.#lines.push(`.SH ${argument(title)}`);
    return this;
  }

  subsection(title: string): this {
    this.#lines.push(`.SS ${argument(title)}`);
    return this;
  }

  paragraph(text: string): this {
    const before = this.#lines.at(-1) ?? '';
    // The macro of a heading begins one already.
    if (!/^\.S[HS] /.test(before)) this.#lines.push('.PP');
    this.#lines.push(markedUp(text));
    return this;
  }

  /** A term, and what it means, indented. */
  item(term: string, ...paragraphs: readonly string[]): this {
    const [first = '', ...more] = paragraphs;
    this.#lines.push('.TP', markedUp(term), first === '' ? '\\&' : markedUp(first));
    for (const text of more) this.#lines.push('.IP', markedUp(text));
    return this;
  }

  /** Lines as they are: what somebody types, or a file. */
  example(text: string): this {
    const lines = text.split('\n').map((line) => safeStart(escaped(line)));
    this.#lines.push('.PP', '.in +4n', '.EX', ...lines, '.EE', '.in');
    return this;
  }

  /** Synopses: a line each. */
  synopsis(lines: readonly string[]): this {
    lines.forEach((line, i) => {
      if (i > 0) this.#lines.push('.br');
      this.#lines.push(markedUp(line));
    });
    return this;
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** An argument of a macro. */
function argument(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}

/** One line of input, so that no sentence's end in it adds space; a control character at its start is hidden. */
function markedUp(text: string): string {
  const parts = text.split(/(`[^`]+`|<[a-z][\w,. -]*>|[a-z][\w.-]*\([1-8]\))/);
  const set = parts.map((part) => {
    if (/^`.+`$/.test(part)) return `\\fB${escaped(part.slice(1, -1))}\\fR`;
    if (/^<.+>$/.test(part)) return `\\fI${escaped(part.slice(1, -1))}\\fR`;
    const [, page, section] = /^([a-z].*)(\([1-8]\))$/.exec(part) ?? [];
    // Another page; never hyphenated.
    if (page !== undefined) return `\\%\\fB${escaped(page)}\\fR${section}`;
    return escaped(part);
  });
  return safeStart(set.join('').replace(/\s*\n\s*/g, ' '));
}

/** Characters that roff would read as something else, or that a terminal may lack. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '−': '\\-',
  '–': '\\(en',
  '…': '\\&...',
  '→': '\\(->',
  '×': '\\(mu',
  '§': '\\(sc',
};

function escaped(text: string): string {
  return text.replace(/[\\\-'`^~]|[^\n -~]/gu, (char) => {
    const special = SPECIAL[char];
    if (special !== undefined) return special;
    return `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}

function safeStart(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}
