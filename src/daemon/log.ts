/** The log: pino's JSON lines on stdout, or lines for people. Keys never reach it: only identifiers are logged. */
import { type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { LogLevel } from '../config/types.ts';

export type LogFormat = 'json' | 'pretty';

export function openLog(level: LogLevel, format: LogFormat): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === 'json') return pino(options, pino.destination({ dest: 1, sync: true }));
  const pretty = PinoPretty({
    sync: true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    colorize: process.stdout.isTTY,
  });
  return pino(options, pretty);
}
