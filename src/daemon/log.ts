/**
 * The log: pino's JSON lines on stdout, or lines for people. Keys never reach it: only identifiers are logged.
 * A stdout that takes nothing never holds the daemon up (host/line-writer.ts). Where it is the journal, a line
 * begins with its priority (`man 3 sd-daemon`), so that `journalctl -p warning` finds it.
 */
import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { LineWriter } from '../host/line-writer.ts';
import { EventRing } from '../page/event-ring.ts';

export type LogFormat = 'json' | 'pretty';

const STDOUT = 1;
const STDERR = 2;

export interface Log {
  readonly logger: Logger;
  /** The last lines, whoever reads the log or not. */
  readonly events: EventRing;
  readonly writer: LineWriter;
}

/** Opens the log on `fd`, level `info`. `format` null: pretty on a terminal, else JSON. */
export function openLog(format: LogFormat | null, fd: number = STDOUT): Log {
  const writer = new LineWriter(fd);
  const events = new EventRing();
  const render = (format ?? (isatty(fd) ? 'pretty' : 'json')) === 'pretty' ? prettyLines(fd) : asIs;
  const prefixed = isJournal(fd);
  const destination = {
    // pino tells the level of the line that it is about to write.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string): void {
      events.add(line);
      const text = render(line);
      writer.push(prefixed ? withPriority(text, priorityOf(this.lastLevel)) : text);
    },
  };
  const logger = pino({ level: 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  writer.onDrained = (dropped) => {
    const faults = writer.faults;
    logger.warn({ dropped, faults }, `log: ${dropped} lines were dropped: nobody took them`);
  };
  return { logger, events, writer };
}

function asIs(line: string): string {
  return line;
}

function prettyLines(fd: number): (line: string) => string {
  const colorize = isatty(fd) && (process.env.NO_COLOR ?? '') === '';
  const pretty = prettyFactory({ singleLine: true, translateTime: 'SYS:HH:MM:ss.l', colorize });
  return (line) => pretty(line) ?? line;
}

/** The syslog priority of a pino level. */
export function priorityOf(level: number): number {
  if (level >= 60) return 2;
  if (level >= 50) return 3;
  if (level >= 40) return 4;
  return level >= 30 ? 6 : 7;
}

/** Every line of `text` begins with `<priority>`. */
export function withPriority(text: string, priority: number): string {
  return text.replace(/^(?=.)/gms, `<${priority}>`);
}

/**
 * Whether `fd` is the journal's stream: JOURNAL_STREAM is device and inode of what systemd opened for us. That
 * systemd started us (SYSTEMD_EXEC_PID) says less: the unit may send stdout to a file, where prefixes are noise.
 */
export function isJournal(fd: number, stream: string = process.env.JOURNAL_STREAM ?? ''): boolean {
  if (stream === '') return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return stream === `${dev}:${ino}`;
}

/** Whether what goes to stderr arrives where the log goes: a fault that was logged has been told there. */
export function stderrIsLog(): boolean {
  const [log, err] = [STDOUT, STDERR].map((fd) => fstatSync(fd, { bigint: true }));
  return log!.dev === err!.dev && log!.ino === err!.ino;
}
