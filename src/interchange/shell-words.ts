/**
 * The words of a POSIX shell script (XCU 2.2, 2.3, 2.6.2), command by command: quotes, escapes, comments, continued
 * lines, variables that the script itself sets, here-documents. Nothing is run: what only running would tell (`$(…)`,
 * arithmetic, file name patterns) is left in the word as it stands, and the word is marked as open.
 */

export interface Word {
  readonly text: string;
  /** It has a part that only a shell knows. */
  readonly open: boolean;
}

export interface Command {
  /** Line that it begins on, from 1. */
  readonly line: number;
  readonly words: readonly Word[];
  /** The here-document that it reads, expanded unless its mark is quoted; null: none. */
  readonly input: string | null;
}

/** What is longer is no script that people wrote; each variable may hold so much as well. */
const MAX_WORD_LEN = 4096;
const ENDS_COMMAND = /[;&|\n()]/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/** All commands of `script` in their order, assignments taken out. Never throws. */
export function shellCommands(script: string): Command[] {
  return new ShellReader(script).commands();
}

interface HereDocument {
  readonly mark: string;
  readonly expands: boolean;
  readonly stripsTabs: boolean;
}

class ShellReader {
  readonly #text: string;
  readonly #variables = new Map<string, Word>();
  #at = 0;
  #line = 1;
  #words: Word[] = [];
  /** Line of the first word. */
  #began = 1;
  /** Of this line, in their order; their text begins on the next. */
  #awaited: { document: HereDocument; command: number }[] = [];
  readonly #commands: { line: number; words: Word[]; input: string | null }[] = [];

  constructor(text: string) {
    this.#text = text.replace(/\r\n/g, '\n');
  }

  commands(): Command[] {
    while (this.#at < this.#text.length) this.#step();
    this.#endCommand();
    return this.#commands;
  }

  #step(): void {
    const char = this.#text[this.#at]!;
    if (char === '\n') {
      this.#endCommand();
      this.#at++;
      this.#line++;
      this.#readDocuments();
    } else if (char === '\\' && this.#text[this.#at + 1] === '\n') {
      this.#at += 2;
      this.#line++;
    } else if (char === '#') this.#at = this.#lineEnd(this.#at);
    else if (ENDS_COMMAND.test(char)) {
      this.#endCommand();
      this.#at++;
    } else if (char === '<' || char === '>') this.#redirection();
    else if (/\s/.test(char)) this.#at++;
    else this.#takeWord();
  }

  #takeWord(): void {
    const line = this.#line;
    const start = this.#at;
    const word = this.#word();
    // `2>file`: the number belongs to the redirection.
    if (/^[0-9]$/.test(this.#text.slice(start, this.#at)) && /[<>]/.test(this.#text[this.#at] ?? '')) return;
    if (this.#words.length === 0) this.#began = line;
    this.#words.push(word);
  }

  /** Assignments before a command (`A=1 ip …`) count as set for good; there is no harm in that here. */
  #endCommand(): void {
    let first = 0;
    const { length } = this.#words;
    while (first < length && /^(?:export|readonly|local|declare)$/.test(this.#words[first]!.text)) first++;
    const marked = first > 0;
    while (first < length && this.#assign(this.#words[first]!)) first++;
    const words = marked ? [] : this.#words.slice(first);
    this.#words = [];
    if (words.length > 0) this.#commands.push({ line: this.#began, words, input: null });
    else
      this.#awaited = this.#awaited.map((one) => ({
        ...one,
        command: Math.min(one.command, this.#commands.length),
      }));
  }

  #assign({ text, open }: Word): boolean {
    const [name] = NAME.exec(text) ?? [];
    if (name === undefined || text[name.length] !== '=') return false;
    this.#variables.set(name, { text: text.slice(name.length + 1), open });
    return true;
  }

  /** One word from here, quotes taken off. */
  #word(): Word {
    let [text, open] = ['', false];
    const add = (part: Word): void => {
      if (text.length + part.text.length > MAX_WORD_LEN) open = true;
      else text += part.text;
      open ||= part.open;
    };
    for (; this.#at < this.#text.length; ) {
      const char = this.#text[this.#at]!;
      if (/[\s<>]/.test(char) || ENDS_COMMAND.test(char)) break;
      if (char === "'") add({ text: this.#singleQuoted(), open: false });
      else if (char === '"') add(this.#doubleQuoted());
      else if (char === '\\') add({ text: this.#escaped(), open: false });
      else if (char === '$' || char === '`') add(this.#expansion());
      else {
        // `*` and `?` are patterns to a shell; nothing that is read here has any.
        add({ text: char, open: char === '*' || char === '?' });
        this.#at++;
      }
    }
    return { text, open };
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    const text = this.#text.slice(this.#at + 1, end < 0 ? this.#text.length : end);
    this.#skipTo(end < 0 ? this.#text.length : end + 1);
    return text;
  }

  #doubleQuoted(): Word {
    let [text, open] = ['', false];
    this.#at++;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      const part = this.#quotedPart();
      const fits = text.length + part.text.length <= MAX_WORD_LEN;
      if (fits) text += part.text;
      open ||= part.open || !fits;
    }
    this.#at++;
    return { text, open };
  }

  /** One character or expansion, as within double quotes and here-documents. */
  #quotedPart(): Word {
    const char = this.#text[this.#at]!;
    if (char === '$' || char === '`') return this.#expansion();
    if (char === '\\' && /[$`"\\\n]/.test(this.#text[this.#at + 1] ?? '')) {
      return { text: this.#escaped(), open: false };
    }
    this.#skipTo(this.#at + 1);
    return { text: char, open: false };
  }

  /** `\x` is x, and a continued line nothing. */
  #escaped(): string {
    const next = this.#text[this.#at + 1] ?? '';
    this.#skipTo(Math.min(this.#at + 2, this.#text.length));
    return next === '\n' ? '' : next;
  }

  /** `$NAME`, `${NAME}`, and `${NAME:-word}` and its like where NAME is set; everything else stays as it stands. */
  #expansion(): Word {
    const rest = this.#text.slice(this.#at, this.#at + 1 + MAX_WORD_LEN);
    const plain = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest);
    const braced = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?[-?][^}]*)?\}/.exec(rest);
    const [whole, name] = braced ?? plain ?? [];
    if (whole !== undefined && name !== undefined) {
      this.#skipTo(this.#at + whole.length);
      return this.#valueOf(name, braced?.[2]) ?? { text: whole, open: true };
    }
    const end = this.#expansionEnd();
    const text = this.#text.slice(this.#at, end);
    this.#skipTo(end);
    return { text: text.slice(0, MAX_WORD_LEN), open: text.length > 1 };
  }

  #valueOf(name: string, otherwise: string | undefined): Word | null {
    const value = this.#variables.get(name);
    if (value !== undefined && (value.text !== '' || !otherwise?.startsWith(':'))) return value;
    const [, fallback] = /^:?-([^$`"'\\]*)$/.exec(otherwise ?? '') ?? [];
    return fallback === undefined ? null : { text: fallback, open: false };
  }

  /** Behind `$(…)`, `${…}`, `` `…` ``, whatever is nested in it; behind the `$` where it is none of them. */
  #expansionEnd(): number {
    const [first, second] = [this.#text[this.#at], this.#text[this.#at + 1]];
    if (first === '`') {
      const end = this.#text.indexOf('`', this.#at + 1);
      return end < 0 ? this.#text.length : end + 1;
    }
    if (second !== '(' && second !== '{')
      return this.#at + (second !== undefined && /[\d@*#?$!-]/.test(second) ? 2 : 1);
    const close = second === '(' ? ')' : '}';
    let depth = 0;
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      if (this.#text[at] === second) depth++;
      if (this.#text[at] === close && --depth === 0) return at + 1;
    }
    return this.#text.length;
  }

  /** `<<MARK`, `<<-MARK`; of others the file name is passed over. */
  #redirection(): void {
    const [operator = '<'] =
      /^(?:<<<|<<-|<<|<&|<>|>>|>&|>\||<|>)/.exec(this.#text.slice(this.#at, this.#at + 3)) ?? [];
    this.#at += operator.length;
    while (/[ \t]/.test(this.#text[this.#at] ?? '')) this.#at++;
    const start = this.#at;
    const { text } = this.#word();
    if (operator !== '<<' && operator !== '<<-') return;
    const expands = !/['"\\]/.test(this.#text.slice(start, this.#at));
    const document = { mark: text, expands, stripsTabs: operator === '<<-' };
    this.#awaited.push({ document, command: this.#commands.length });
  }

  #readDocuments(): void {
    for (const { document, command } of this.#awaited.splice(0)) {
      const text = this.#document(document);
      const reader = this.#commands[command];
      if (reader !== undefined) reader.input = text;
    }
  }

  #document({ mark, expands, stripsTabs }: HereDocument): string {
    const lines: string[] = [];
    while (this.#at < this.#text.length) {
      const end = this.#lineEnd(this.#at);
      const raw = this.#text.slice(this.#at, end);
      const line = stripsTabs ? raw.replace(/^\t+/, '') : raw;
      if (line === mark) {
        this.#at = end;
        break;
      }
      lines.push(expands ? this.#expanded(end) : line);
      this.#skipTo(Math.min(end + 1, this.#text.length));
    }
    return lines.join('\n');
  }

  /** The line from here to `end`; it leaves the place where it is at `end`. */
  #expanded(end: number): string {
    let text = '';
    while (this.#at < end) {
      const part = this.#quotedPart().text;
      if (text.length + part.length <= MAX_WORD_LEN) text += part;
    }
    return text;
  }

  #lineEnd(at: number): number {
    const end = this.#text.indexOf('\n', at);
    return end < 0 ? this.#text.length : end;
  }

  /** Never back. */
  #skipTo(at: number): void {
    for (; this.#at < at; this.#at++) if (this.#text[this.#at] === '\n') this.#line++;
  }
}
