/** Findings as lines for people, one each, and as JSON for scripts. */

import type { Line } from './examine.ts';
import { type Finding, LEVELS, worstLevel } from './finding.ts';

/** What it is: cause and remedy behind it where something is wrong. */
export function sentenceOf({ says, cause, remedy }: Finding): string {
  return `${says}${cause === null ? '' : `: ${cause}`}${remedy === null ? '' : `; ${remedy}`}`;
}

export function textOf(lines: readonly Line[]): string {
  const [levelLen, checkLen] = [
    widest(lines.map(({ level }) => level)),
    widest(lines.map(({ check }) => check)),
  ];
  const texts = lines.map((line) => {
    const tunnel = line.tunnel === null ? '' : `${line.tunnel}: `;
    return `${line.level.padEnd(levelLen)}  ${line.check.padEnd(checkLen)}  ${tunnel}${sentenceOf(line)}\n`;
  });
  return `${texts.join('')}${summaryOf(lines)}\n`;
}

function widest(words: readonly string[]): number {
  return Math.max(0, ...words.map((word) => word.length));
}

/** `2 faults, 1 warning, 3 skipped, 20 ok`. */
function summaryOf(lines: readonly Line[]): string {
  const words = { fault: ['fault', 'faults'], warning: ['warning', 'warnings'], skipped: null, ok: null };
  const parts = [...LEVELS].reverse().flatMap((level) => {
    const count = lines.filter((line) => line.level === level).length;
    const word = words[level]?.[count === 1 ? 0 : 1] ?? level;
    return count === 0 && words[level] === null ? [] : [`${count} ${word}`];
  });
  return parts.join(', ');
}

export function jsonOf(lines: readonly Line[]): object {
  return {
    worst: worstLevel(lines),
    findings: lines.map(({ check, tunnel, level, id, says, cause, remedy }) => {
      return { check, tunnel, level, id, says, cause, remedy };
    }),
  };
}
