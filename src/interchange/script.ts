/**
 * A shell script of `ip`, `bridge` and `brctl` commands, as the links that it would make. Nothing is run. The way:
 *
 *   1. words        `shell-words.ts`: commands, variables expanded
 *   2. whose        `sudo`, `ip netns exec NS`, `ip -n NS` are taken off: a site per network namespace
 *   3. what         `ip-link-words.ts`, `ip-macsec-words.ts`, `bridge-words.ts` change the links of that site
 *   4. the rest     a command that names one of the tunnels' links and was not understood is told
 */
import { brctlCommand, bridgeCommand } from './bridge-words.ts';
import { addressCommand, fouCommand, linkCommand } from './ip-link-words.ts';
import { macsecCommand } from './ip-macsec-words.ts';
import { type Found, type KernelSite, newSite, type Remark, shown } from './kernel-site.ts';
import { type Command, shellCommands, type Word } from './shell-words.ts';
import { Words } from './words.ts';

/** Scripts in scripts (`sh -c`, `ip netns exec NS sh -c`). */
const MAX_DEPTH = 4;
/** What a shell says around commands; what follows is looked at as if it ran, once. */
const KEYWORDS = new Set([
  'if',
  'then',
  'else',
  'elif',
  'while',
  'until',
  'do',
  '{',
  '!',
  'exec',
  'command',
  'time',
  'sudo',
]);
const LOOPS = new Set(['for', 'while', 'until', 'case']);
const SHELLS = /^(?:\/\S*\/)?(?:ba|da|k|z)?sh$/;

export function readScript(text: string): Found {
  const reader = new ScriptReader();
  reader.read(text, null, 0, 0);
  return reader.found();
}

/** An object of `ip`, or `bridge`, `brctl`: what its command changes of a site. */
type Understand = (words: Words, site: KernelSite, siteOf: (netns: string) => KernelSite) => boolean;

/** Objects by how they are abbreviated at the shortest, as `ip` compares them. */
const OBJECTS: readonly (readonly [string, number, Understand])[] = [
  ['link', 1, linkCommand],
  ['address', 1, addressCommand],
  ['macsec', 3, macsecCommand],
  ['fou', 1, fouCommand],
];

class ScriptReader {
  readonly #sites = new Map<string, KernelSite>();
  readonly #remarks: Remark[] = [];
  /** Commands that nothing was made of. */
  readonly #strangers: { where: string; words: readonly string[] }[] = [];

  /** Reads the commands of `text` in the namespace `netns`; its lines are counted from `above`. */
  read(text: string, netns: string | null, above: number, depth: number): void {
    for (const command of shellCommands(text)) this.#command(command, netns, above, depth);
  }

  found(): Found {
    const sites = [...this.#sites.values()];
    const names = new Set(
      sites.flatMap(({ links }) => [...links.values()].filter(isOfTunnel).map(({ name }) => name)),
    );
    for (const { where, words } of this.#strangers) {
      if (words.some((word) => names.has(word))) {
        this.#remarks.push({ where, text: `not understood, and left out: ${shown(words.join(' '))}` });
      }
    }
    return { sites, remarks: this.#remarks };
  }

  #command({ line, words, input }: Command, netns: string | null, above: number, depth: number): void {
    const where = `line ${above + line}`;
    let first = 0;
    while (first < words.length - 1 && KEYWORDS.has(words[first]!.text)) {
      if (LOOPS.has(words[first]!.text)) this.#say(where, 'a loop is read once, as if it ran once');
      first += words[first]!.text === 'sudo' ? 1 + optionsAt(words, first + 1) : 1;
    }
    const rest = words.slice(first);
    const name = (rest[0]?.text ?? '').replace(/^\/\S*\//, '');
    if (name === 'for' || name === 'case')
      this.#say(where, `"${name}" is not followed: what depends on its variable is left out`);
    if (SHELLS.test(name)) this.#shell(rest, netns, above + line - 1, depth);
    else if (name === 'ip') this.#ip(rest.slice(1), where, netns, input, above + line, depth);
    else if (name === 'bridge') this.#with(bridgeCommand, rest.slice(1), where, netns);
    else if (name === 'brctl') this.#with(brctlCommand, rest.slice(1), where, netns);
    else this.#strange(where, rest);
  }

  #shell(words: readonly Word[], netns: string | null, above: number, depth: number): void {
    const at = words.findIndex(({ text }) => /^-[a-z]*c$/.test(text));
    const script = at < 0 ? undefined : words[at + 1];
    if (script !== undefined && depth < MAX_DEPTH) this.read(script.text, netns, above, depth + 1);
  }

  /** `words` follow `ip`. */
  #ip(
    words: readonly Word[],
    where: string,
    netns: string | null,
    input: string | null,
    line: number,
    depth: number,
  ): void {
    let [at, space, batch] = [0, netns, false];
    for (; at < words.length && words[at]!.text.startsWith('-'); at++) {
      const option = words[at]!.text.replace(/^--?/, '');
      if (isShort(option, 'netns', 1)) space = words[++at]?.text ?? space;
      else if (isShort(option, 'batch', 1)) {
        at++;
        batch = true;
      } else if (isShort(option, 'family', 1)) at++;
    }
    if (batch) return this.#batch(input, where, space, line, depth);
    const object = words[at]?.text ?? '';
    if (isShort(object, 'netns', 1) && words[at + 1]?.text === 'exec') {
      const command = { line: 1, words: words.slice(at + 3), input };
      const name = words[at + 2];
      if (name !== undefined && command.words.length > 0) this.#command(command, name.text, line - 1, depth);
      return;
    }
    const [, , understand] = OBJECTS.find(([full, shortest]) => isShort(object, full, shortest)) ?? [];
    if (understand === undefined) this.#strange(where, words);
    else this.#with(understand, words.slice(at + 1), where, space);
  }

  /** The commands that `ip -batch` reads here. */
  #batch(input: string | null, where: string, netns: string | null, line: number, depth: number): void {
    if (input === null)
      return this.#say(where, 'what "ip -batch" reads is not in the script, and is left out');
    if (depth >= MAX_DEPTH) return;
    for (const command of shellCommands(input)) {
      const at = line + command.line;
      this.#ip(command.words, `line ${at}`, netns, null, at, depth + 1);
    }
  }

  #with(understand: Understand, words: readonly Word[], where: string, netns: string | null): void {
    const open = words.find((word) => word.open);
    const reader = new Words(
      words.map(({ text }) => text),
      where,
      (at, text) => this.#say(at, text),
    );
    if (open !== undefined) {
      this.#say(
        where,
        `left out, as only a shell knows what ${shown(open.text)} is: set the variable in the script, or write the value`,
      );
    } else if (!understand(reader, this.#site(netns), (name) => this.#site(name)))
      this.#strange(where, words);
  }

  #strange(where: string, words: readonly Word[]): void {
    this.#strangers.push({ where, words: words.map(({ text }) => text) });
  }

  #say(where: string, text: string): void {
    this.#remarks.push({ where, text });
  }

  #site(netns: string | null): KernelSite {
    const key = netns ?? '';
    const site = this.#sites.get(key) ?? newSite(netns);
    this.#sites.set(key, site);
    return site;
  }
}

function isOfTunnel({ gre, macsec }: { gre: unknown; macsec: unknown }): boolean {
  return gre !== null || macsec !== null;
}

/** How many options follow `sudo`. */
function optionsAt(words: readonly Word[], at: number): number {
  let count = 0;
  while (words[at + count]?.text.startsWith('-')) count++;
  return count;
}

/** Is `word` what `full` may be abbreviated to? */
function isShort(word: string, full: string, shortest: number): boolean {
  return word.length >= shortest && full.startsWith(word);
}
