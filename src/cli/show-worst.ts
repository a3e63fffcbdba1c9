/** What is wrong, before all else: the worst that one look at the tunnels' figures tells. */
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import { type Told, worstOf } from '../doctor/evidence.ts';
import { isWorse } from '../doctor/finding.ts';
import { sentenceOf } from '../doctor/format.ts';

/** `fault: site2: …; l2vpnd doctor says more`, and a newline; empty where nothing is wrong. */
export function worstLine(tunnels: readonly (TunnelSnapshot | DownSnapshot)[]): string {
  let worst: (Told & { tunnel: string }) | null = null;
  let others = -1;
  for (const tunnel of tunnels) {
    const found = worstOf(tunnel);
    if (found === null) continue;
    others++;
    if (worst === null || isWorse(found.level, worst.level)) worst = { ...found, tunnel: tunnel.name };
  }
  if (worst === null) return '';
  const more = others === 0 ? '' : ` (${others} more with something wrong)`;
  return `${worst.level}: ${worst.tunnel}: ${sentenceOf(worst)}${more}; l2vpnd doctor looks further\n`;
}

/** The same of one tunnel, for scripts; null: nothing is wrong. */
export function worstJson(tunnel: TunnelSnapshot | DownSnapshot): object | null {
  const found = worstOf(tunnel);
  if (found === null) return null;
  const { check, level, id, says, cause, remedy } = found;
  return { check, level, id, says, cause, remedy };
}
