/** The words of one command in turn, with what is said where one of them is not what it should be. */
import { type Say, shown } from './kernel-site.ts';

export class Words {
  readonly where: string;
  readonly #words: readonly string[];
  readonly #report: Say;
  #at = 0;

  constructor(words: readonly string[], where: string, report: Say) {
    this.#words = words;
    this.where = where;
    this.#report = report;
  }

  get left(): boolean {
    return this.#at < this.#words.length;
  }

  peek(): string {
    return this.#words[this.#at] ?? '';
  }

  /** The next word; empty behind the last. */
  next(): string {
    return this.#words[this.#at++] ?? '';
  }

  /** Takes the next word where it is one of these. */
  skip(...words: readonly string[]): boolean {
    const isOne = this.left && words.includes(this.peek());
    if (isOne) this.#at++;
    return isOne;
  }

  say(text: string): void {
    this.#report(this.where, text);
  }

  /** A whole number, decimal or `0x…`; null, and told, where it is none of `min` to `max`. */
  number(name: string, min: number, max: number): number | null {
    const text = this.next();
    const value = /^(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return this.#unfit(name, text, `is no number from ${min} to ${max}`);
  }

  /** `on` or `off`; null, and told, where it is neither. */
  onOff(name: string): boolean | null {
    const text = this.next();
    if (text === 'on' || text === 'off') return text === 'on';
    return this.#unfit(name, text, 'is neither "on" nor "off"');
  }

  /** A MAC address in lower case; null, and told, where it is none. */
  mac(name: string): string | null {
    const text = this.next();
    if (/^[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}$/.test(text)) return canonicalMac(text);
    return this.#unfit(name, text, 'is no MAC address');
  }

  #unfit(name: string, text: string, fault: string): null {
    this.say(`${name} ${shown(text)} ${fault}, and is left out`);
    return null;
  }
}

/** `0:0:0:11:11:11` as `00:00:00:11:11:11`. */
export function canonicalMac(mac: string): string {
  return mac
    .toLowerCase()
    .split(':')
    .map((octet) => octet.padStart(2, '0'))
    .join(':');
}

/** Is `word` what `full` may be abbreviated to, as `ip` compares its commands? */
export function isShort(word: string, full: string, shortest: number): boolean {
  return word.length >= shortest && full.startsWith(word);
}
