/**
 * The text of systemd's units (systemd.syntax(7)): sections, which may stand several times and are then several;
 * `Key=Value`, which may too; comments with `#` or `;`; lines that `\` continues.
 */

export interface UnitSection {
  readonly name: string;
  readonly line: number;
  readonly entries: readonly UnitEntry[];
}

export interface UnitEntry {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

export interface UnitText {
  readonly sections: readonly UnitSection[];
  /** Lines that are neither section, entry, comment nor empty. */
  readonly strangeLines: readonly number[];
}

/** Never throws. */
export function parseUnit(text: string): UnitText {
  const sections: (UnitSection & { entries: UnitEntry[] })[] = [];
  const strangeLines: number[] = [];
  for (const { line, text: content } of logicalLines(text)) {
    const [, section] = /^\[([^\]]*)\]$/.exec(content) ?? [];
    const equals = content.indexOf('=');
    const last = sections.at(-1);
    if (section !== undefined) sections.push({ name: section, line, entries: [] });
    else if (equals <= 0 || last === undefined) strangeLines.push(line);
    else {
      const [name, value] = [content.slice(0, equals).trim(), content.slice(equals + 1).trim()];
      last.entries.push({ name, value, line });
    }
  }
  return { sections, strangeLines };
}

/** Lines without comments and empty ones, continued ones joined with a space; each with the number of its first. */
function logicalLines(text: string): { line: number; text: string }[] {
  const lines: { line: number; text: string }[] = [];
  let open: { line: number; text: string } | null = null;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const content = raw.trim();
    if (/^[#;]/.test(content)) continue;
    const continues = content.endsWith('\\');
    const part = continues ? content.slice(0, -1).trimEnd() : content;
    const line: { line: number; text: string } =
      open === null ? { line: i + 1, text: part } : { line: open.line, text: `${open.text} ${part}` };
    open = continues ? line : null;
    if (!continues && line.text.trim() !== '') lines.push(line);
  }
  return open === null ? lines : [...lines, open];
}

/** The value that counts where a name stands several times: the last; null: none, or the empty one that resets it. */
export function lastValue(sections: readonly UnitSection[], name: string): string | null {
  const entry = sections.flatMap(({ entries }) => entries).findLast((one) => one.name === name);
  return entry === undefined || entry.value === '' ? null : entry.value;
}
