/** The table of docs/reference/doctor.md, as the checks have it. */
import { HOST_CHECKS, TUNNEL_CHECKS } from '../../../src/doctor/checks.ts';
import type { Cases } from '../../../src/doctor/finding.ts';

const LEVELS = { fault: 'fault', warning: 'warning', skipped: 'skipped', either: 'fault, or warning' };

export function findingsTable(): string {
  const rows = [...HOST_CHECKS, ...TUNNEL_CHECKS].flatMap(({ name, cases }) => rowsOf(name, cases));
  return ['| check | | says | cause | remedy |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

export function checksTable(): string {
  const rows = [...HOST_CHECKS, ...TUNNEL_CHECKS].map(
    ({ name, about }) => `| \`${name}\` | ${cell(about)} |`,
  );
  return ['| check | looks at |', '| --- | --- |', ...rows].join('\n');
}

function rowsOf(name: string, cases: Cases): string[] {
  return Object.values(cases).map(({ level, says, cause, remedy }) => {
    return `| \`${name}\` | ${LEVELS[level]} | ${[says, cause, remedy].map(cell).join(' | ')} |`;
  });
}

/** What stands for something that was seen is in italics. */
function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('_', '\\_')
    .replaceAll('*', '\\*')
    .replace(/\{(\w+)\}/g, '*$1*');
}
