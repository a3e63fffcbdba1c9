/** The last lines of the daemon's log. */
import { element } from './dom.ts';
import { timeOfDay } from './format.ts';

const MAX_SHOWN = 100;
/** Fields of a line that its text says already, or that say nothing here. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'tunnel']);

interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly msg?: string;
  readonly tunnel?: string;
}

/** The newest first. */
export function addEvents(list: HTMLElement, lines: readonly string[]): void {
  for (const text of lines) {
    const line = JSON.parse(text) as LogLine;
    const level = line.level >= 50 ? 'error' : line.level >= 40 ? 'warning' : 'info';
    const more = Object.entries(line)
      .filter(([key]) => !LEFT_OUT.has(key))
      .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
    list.prepend(
      element(
        'li',
        { class: level },
        element('time', { datetime: line.time }, timeOfDay(line.time)),
        element('span', { class: 'level' }, level),
        element('span', {}, `${line.tunnel === undefined ? '' : `${line.tunnel}: `}${line.msg ?? ''}`),
        more.length === 0 ? null : element('small', {}, more.join(', ')),
      ),
    );
  }
  while (list.childElementCount > MAX_SHOWN) list.lastElementChild!.remove();
}
