/** The speeds that the project set out to reach, as ratios within one run, beside what that run measured. */
import { YARDSTICK } from '../contenders/index.ts';
import type { ContenderRow } from './aggregate.ts';

export interface Goal {
  what: string;
  aim: string;
  measured: string;
  reached: boolean;
}

/** Largest resident memory of a daemon, in megabytes. */
const MAX_MEMORY_MB = 150;

/** Goals whose contenders were all in this run. */
export function checkGoals(rows: readonly ContenderRow[]): Goal[] {
  const row = (name: string): ContenderRow | undefined => rows.find((one) => one.name === name);
  const raw = row('l2vpnd-raw');
  const udp = row('l2vpnd-udp');
  const plain = row('l2vpnd-plain');
  const yardstick = row(YARDSTICK);
  const least = (what: string, value: number | undefined, aim: number): Goal[] =>
    value === undefined || Number.isNaN(value)
      ? []
      : [{ what, aim: `≥ ${aim}`, measured: value.toFixed(2), reached: value >= aim }];
  const most = (what: string, value: number | undefined, aim: number): Goal[] =>
    value === undefined || Number.isNaN(value)
      ? []
      : [{ what, aim: `≤ ${aim}`, measured: value.toFixed(2), reached: value <= aim }];
  const onStreams = (title: string, one: ContenderRow | undefined, aim: number): Goal[] =>
    [1, 5].flatMap((n) =>
      least(`TCP, ${title}, ${n} ${n === 1 ? 'stream' : 'streams'}, × ${YARDSTICK}`, one?.ratio[n], aim),
    );
  const memory = Math.max(...rows.filter(isOurs).map(({ residentMb }) => residentMb?.max ?? 0));
  return [
    ...onStreams('MACsec over raw GRE', raw, 2.5),
    ...onStreams('MACsec over GRE-in-UDP', udp, 8),
    ...onStreams('MACsec over raw GRE, crypto: node', row('l2vpnd-raw-node'), 1.2),
    ...least('TCP, MACsec to plain GRETAP, 1 stream', over(raw?.tcp[1]?.median, plain?.tcp[1]?.median), 0.85),
    ...most(`ping, idle, × ${YARDSTICK}`, over(raw?.pingIdleMs?.median, yardstick?.pingIdleMs?.median), 1.5),
    ...least(
      `UDP, small packets without loss, × ${YARDSTICK}`,
      over(raw?.udpFramesPerSecond?.median, yardstick?.udpFramesPerSecond?.median),
      1.3,
    ),
    ...most('memory of a daemon, MB', memory > 0 ? memory : undefined, MAX_MEMORY_MB),
  ];
}

function isOurs({ name }: ContenderRow): boolean {
  return name.startsWith('l2vpnd-');
}

function over(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined ? undefined : value / base;
}
