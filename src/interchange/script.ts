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
import { type Found, type KernelSite, newSite, type Remark, remark, shown } from './kernel-site.ts';
import { type Command, shellCommands, type Word } from './shell-words.ts';
import { isShort, Words } from './words.ts';

/** Scripts in scripts (`sh -c`, `ip netns exec NS sh -c`). */
const MAX_DEPTH = 4;
/** What a shell says around commands; what follows is looked at as if it ran, once. */
const KEYWORDS = new Set([
  ...['if', 'then', 'else', 'elif', 'while', 'until', 'do', '{', '!'],
  ...['exec', 'command', 'time', 'sudo'],
]);
const LOOPS = new Set(['for', 'while', 'until', 'case']);
const SHELLS = /^(?:ba|da|k|z)?sh$/;

export function readScript(text: string): Found {
  const reader = new ScriptReader();
  reader.read(text, { netns: null, line: 1, depth: 0 });
  return reader.found();
}

/** Where a command stands. */
interface Place {
  readonly netns: string | null;
  readonly line: number;
  readonly depth: number;
}

/** An object of `ip`, or `bridge`, `brctl`: what its command changes of a site. */
type Understand = (words: Words, site: KernelSite, siteOf: (netns: string) => KernelSite) => boolean;

/** Objects of `ip` by how they are abbreviated at the shortest. */
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

  /** Reads the commands of `text`, whose first line stands at `place`. */
  read(text: string, place: Place): void {
    for (const command of shellCommands(text))
      this.#command(command, { ...place, line: place.line + command.line - 1 });
  }

  found(): Found {
    const sites = [...this.#sites.values()];
    const links = sites.flatMap((site) => [...site.links.values()]);
    const names = new Set(
      links.filter(({ gre, macsec }) => gre !== null || macsec !== null).map(({ name }) => name),
    );
    for (const { where, words } of this.#strangers) {
      if (!words.some((word) => names.has(word))) continue;
      this.#remarks.push(remark(where, `not understood, and left out: ${shown(words.join(' '))}`));
    }
    return { sites, remarks: this.#remarks };
  }

  #command({ words, input }: Pick<Command, 'words' | 'input'>, place: Place): void {
    const rest = this.#withoutKeywords(words, place);
    const name = (rest[0]?.text ?? '').replace(/^\/\S*\//, '');
    const operands = rest.slice(1);
    if (SHELLS.test(name)) this.#shell(operands, place);
    else if (name === 'ip') this.#ip(operands, input, place);
    else if (name === 'bridge') this.#understood(bridgeCommand, operands, place);
    else if (name === 'brctl') this.#understood(brctlCommand, operands, place);
    else this.#strange(rest, place);
  }

  /** `if`, `do`, `sudo -n` and the like taken off; a loop is told. */
  #withoutKeywords(words: readonly Word[], place: Place): readonly Word[] {
    let first = 0;
    for (; first < words.length && KEYWORDS.has(words[first]!.text); first++) {
      const { text } = words[first]!;
      if (LOOPS.has(text)) this.#say(place, 'the loop is not followed: it is read as if it ran once');
      while (text === 'sudo' && words[first + 1]?.text.startsWith('-')) first++;
    }
    const next = words[first]?.text ?? '';
    if (LOOPS.has(next))
      this.#say(place, `"${next}" is not followed: what depends on its variable is left out`);
    return words.slice(first);
  }

  #shell(operands: readonly Word[], place: Place): void {
    const at = operands.findIndex(({ text }) => /^-[a-z]*c$/.test(text));
    const script = at < 0 ? undefined : operands[at + 1];
    if (script === undefined || place.depth >= MAX_DEPTH) this.#strange(operands, place);
    else this.read(script.text, { ...place, depth: place.depth + 1 });
  }

  #ip(operands: readonly Word[], input: string | null, place: Place): void {
    let [at, netns, isBatch] = [0, place.netns, false];
    for (; operands[at]?.text.startsWith('-'); at++) {
      const option = operands[at]!.text.replace(/^--?/, '');
      if (isShort(option, 'netns', 1)) netns = operands[++at]?.text ?? netns;
      else if (isShort(option, 'batch', 1)) isBatch = at++ >= 0;
      else if (isShort(option, 'family', 1)) at++;
    }
    if (isBatch) this.#batch(input, { ...place, netns });
    else this.#object(operands.slice(at), input, { ...place, netns });
  }

  /** The commands that `ip -batch` reads, which are none of a shell but have its words. */
  #batch(input: string | null, place: Place): void {
    if (input === null) this.#say(place, 'what "ip -batch" reads is not in the script, and is left out');
    for (const { words, line } of shellCommands(input ?? ''))
      this.#object(words, null, { ...place, line: place.line + line });
  }

  /** `words`: an object of `ip`, and its command. */
  #object(words: readonly Word[], input: string | null, place: Place): void {
    const object = words[0]?.text ?? '';
    const known = OBJECTS.find(([full, shortest]) => isShort(object, full, shortest));
    if (known !== undefined) this.#understood(known[2], words.slice(1), place);
    else if (isShort(object, 'netns', 1)) this.#netns(words.slice(1), input, place);
    else this.#strange(words, place);
  }

  /** `exec NAME COMMAND`. */
  #netns([command, name, ...words]: readonly Word[], input: string | null, place: Place): void {
    if (command?.text !== 'exec' || name === undefined || place.depth >= MAX_DEPTH) return;
    if (name.open) this.#say(place, `left out, as only a shell knows the namespace ${shown(name.text)}`);
    else this.#command({ words, input }, { ...place, netns: name.text, depth: place.depth + 1 });
  }

  #understood(understand: Understand, words: readonly Word[], place: Place): void {
    const open = words.find((word) => word.open);
    const texts = words.map(({ text }) => text);
    if (open !== undefined) {
      const remedy = 'set the variable in the script, or write the value';
      this.#say(place, `left out, as only a shell knows what ${shown(open.text)} is: ${remedy}`);
      return;
    }
    const reader = new Words(texts, whereOf(place), (where, text) => this.#remarks.push(remark(where, text)));
    const isKnown = understand(reader, this.#site(place.netns), (name) => this.#site(name));
    if (!isKnown) this.#strange(words, place);
  }

  #strange(words: readonly Word[], place: Place): void {
    this.#strangers.push({ where: whereOf(place), words: words.map(({ text }) => text) });
  }

  #say(place: Place, text: string): void {
    this.#remarks.push(remark(whereOf(place), text));
  }

  #site(netns: string | null): KernelSite {
    const key = netns ?? '';
    const site = this.#sites.get(key) ?? newSite(netns);
    this.#sites.set(key, site);
    return site;
  }
}

function whereOf({ line }: Place): string {
  return `line ${line}`;
}
