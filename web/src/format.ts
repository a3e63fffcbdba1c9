/** Figures for people. */

const UNITS = ['', 'k', 'M', 'G', 'T'];

/** `1.24 Gbit/s`; three digits, decimal units as iperf has them. */
export function bitRate(bits: number | null): string {
  return bits === null ? '–' : `${scaled(bits)}bit/s`;
}

/** `12.3 k`. */
export function scaled(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(unit === 0 && rest !== Math.round(rest) ? 1 : digits)} ${UNITS[unit]}`;
}

/** `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `3 d 4 h`, `5 min 6 s`, `12 ms`. */
export function duration(seconds: number): string {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toPrecision(3).replace(/\.?0+$/, '')} ms`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const parts: readonly [number, string][] = [
    [365 * 86_400, 'years'],
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = parts.findIndex(([length]) => seconds >= length);
  const [length, name] = parts[first]!;
  const whole = Math.floor(seconds / length);
  if (first === 0) return `${count(whole)} ${name}`;
  const next = parts[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds - whole * length) / next[0]);
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${next![1]}`;
}

/** `0.02 %`. */
export function percent(ratio: number | null): string {
  if (ratio === null) return '–';
  const value = ratio * 100;
  return `${value === 0 ? '0' : value < 0.1 ? value.toPrecision(1) : value.toFixed(value < 10 ? 2 : 1)} %`;
}

/** `14:03:21`, in the reader's zone. */
export function timeOfDay(at: string | number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false });
}

/** `2026-11-24 14:03`. */
export function moment(at: string): string {
  const date = new Date(at);
  const today = new Date();
  const time = timeOfDay(at);
  return date.toDateString() === today.toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}
