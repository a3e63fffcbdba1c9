/** A log whose lines a test reads. */
import { type Logger, pino } from 'pino';

export interface Line {
  level: number;
  msg: string;
  [field: string]: unknown;
}

export function logLines(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  return { log, lines };
}
