/** Throughput of both directions over time, drawn by uPlot. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { HistoryMessage, StateMessage } from '../../src/page/feed.ts';
import { bitRate, scaled, timeOfDay } from './format.ts';

/** What is drawn: the last five minutes, or all that there is. */
export type Span = 'minutes' | 'hour';
const SPANS: Readonly<Record<Span, number>> = { minutes: 300, hour: 3600 };
const HEIGHT = 220;
const OUT = 0;
const IN = 1;
const DROPS = 4;

export class Chart {
  readonly element: HTMLElement;
  #at: number[] = [];
  #out: number[] = [];
  #in: number[] = [];
  #drops: number[] = [];
  #span: Span = 'minutes';
  #plot: uPlot | null = null;
  #shown = '';

  constructor() {
    this.element = document.createElement('div');
    this.element.className = 'chart';
    this.element.setAttribute('role', 'img');
    this.element.setAttribute('aria-label', 'Throughput: nothing yet');
    new ResizeObserver(() => this.#draw()).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#remake());
  }

  load({ at, series }: HistoryMessage): void {
    this.#at = [...at];
    this.#out = [...series[OUT]!];
    this.#in = [...series[IN]!];
    this.#drops = [...series[DROPS]!];
    this.#draw();
  }

  add({ at, tunnels }: StateMessage, name: string): void {
    const line = tunnels.find((tunnel) => tunnel.name === name);
    if (line === undefined || line.out_bits === null || line.in_bits === null) return;
    if (at / 1000 - (this.#at.at(-1) ?? 0) < 0.5) return;
    this.#at.push(at / 1000);
    this.#out.push(line.out_bits);
    this.#in.push(line.in_bits);
    this.#drops.push(line.drops ?? 0);
    while (at / 1000 - this.#at[0]! > SPANS.hour) {
      for (const values of [this.#at, this.#out, this.#in, this.#drops]) values.shift();
    }
    this.#draw();
  }

  show(span: Span): void {
    this.#span = span;
    this.#draw();
  }

  #draw(): void {
    const width = Math.floor(this.element.clientWidth);
    if (width === 0 || this.#at.length === 0) return;
    this.#plot ??= this.#make(width);
    if (this.#plot.width !== width) this.#plot.setSize({ width, height: HEIGHT });
    const now = this.#at.at(-1)!;
    this.#plot.setData([this.#at, this.#out, this.#in], false);
    this.#plot.setScale('x', { min: now - SPANS[this.#span], max: now });
    this.#describe(now);
  }

  /** What the picture shows, for who cannot see it. */
  #describe(now: number): void {
    const from = this.#at.findIndex((at) => at >= now - SPANS[this.#span]);
    const most = (values: readonly number[]): string => bitRate(Math.max(...values.slice(from)));
    const span = this.#span === 'hour' ? 'hour' : 'five minutes';
    const text = `Throughput of the last ${span}: out at most ${most(this.#out)}, in at most ${most(this.#in)}`;
    if (text !== this.#shown) this.element.setAttribute('aria-label', text);
    this.#shown = text;
  }

  #remake(): void {
    this.#plot?.destroy();
    this.#plot = null;
    this.#draw();
  }

  #make(width: number): uPlot {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { stroke: color('--line'), width: 1 },
      font: '12px system-ui',
    };
    const series = (label: string, stroke: string, dash: number[]): uPlot.Series => ({
      label,
      stroke,
      dash,
      width: 2,
      points: { show: false },
      value: (_plot, value) => bitRate(value),
    });
    return new uPlot(
      {
        width,
        height: HEIGHT,
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(max, 1000) * 1.1] } },
        axes: [
          { ...axis, values: (_plot, ticks) => ticks.map(clock) },
          { ...axis, size: 64, values: (_plot, ticks) => ticks.map((tick) => scaled(tick)) },
        ],
        series: [{ label: 'Time' }, series('out', color('--out'), []), series('in', color('--in'), [6, 4])],
      },
      [this.#at, this.#out, this.#in],
      this.element,
    );
  }
}

/** `14:03`, with seconds between minutes. */
function clock(at: number): string {
  const text = timeOfDay(at * 1000);
  return at % 60 === 0 ? text.slice(0, 5) : text.slice(5);
}
