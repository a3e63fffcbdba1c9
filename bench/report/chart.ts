/** Bar charts as SVG files, by ECharts rendered on the server: no browser, no canvas. */

import { writeFile } from 'node:fs/promises';
import { init } from 'echarts';

export interface BarChart {
  title: string;
  subtitle: string;
  /** Of the value axis. */
  unit: string;
  /** A group of bars each, from top to bottom. */
  categories: readonly string[];
  series: readonly { name: string; values: readonly number[] }[];
  digits: number;
}

const WIDTH = 900;
const COLOURS = ['#1f4e79', '#2e86c1', '#76b7e0', '#c5ddef'];
const FONT = 'system-ui, sans-serif';

/** Room for the longest label. Without a browser nobody can measure text: an upper estimate for the font. */
function labelWidth(labels: readonly string[]): number {
  return 24 + 7 * Math.max(...labels.map((label) => label.length));
}

/** Writes the chart; bars of NaN are left out. */
export async function writeBarChart(file: string, chart: BarChart): Promise<void> {
  const height = 130 + chart.categories.length * (14 + 15 * chart.series.length);
  const canvas = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  canvas.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    textStyle: { fontFamily: FONT },
    title: {
      text: chart.title,
      subtext: chart.subtitle,
      left: 12,
      top: 8,
      textStyle: { fontSize: 16 },
      subtextStyle: { fontSize: 11 },
    },
    legend: { show: chart.series.length > 1, right: 16, top: 12 },
    grid: { left: labelWidth(chart.categories), right: 70, top: 66, bottom: 34 },
    xAxis: { type: 'value', name: chart.unit, nameLocation: 'middle', nameGap: 24 },
    yAxis: { type: 'category', inverse: true, data: [...chart.categories], axisTick: { show: false } },
    series: chart.series.map(({ name, values }) => ({
      name,
      type: 'bar',
      barGap: '10%',
      barCategoryGap: '30%',
      data: values.map((value) => (Number.isNaN(value) ? null : Number(value.toFixed(chart.digits)))),
      label: { show: true, position: 'right', fontSize: 10 },
    })),
  });
  const svg = canvas.renderToSVGString();
  canvas.dispose();
  await writeFile(file, svg);
}
