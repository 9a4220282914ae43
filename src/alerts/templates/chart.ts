import { Resvg } from '@resvg/resvg-js'
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { CHART_HEIGHT, CHART_WIDTH } from './chart-size.ts'
import type { Chart, CourseShape, DaysShape } from './story.ts'
import { LIMIT_COLOUR, SPEND_COLOUR } from './theme.ts'

use([BarChart, LineChart, GridComponent, SVGRenderer])

/**
 * Draws a chart. The ground is transparent and the colours stand out on light and on dark; without words in it the
 * same shape is the same picture, byte for byte.
 * @returns SVG.
 */
export function drawChart(shape: Chart['shape']): string {
  const size = { width: CHART_WIDTH, height: CHART_HEIGHT }
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  try {
    chart.setOption({ animation: false, ...optionOf(shape) })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

/** The same as PNG: mail programs show no SVG. */
export function pictureOf(shape: Chart['shape']): Uint8Array {
  const svg = new Resvg(drawChart(shape), {
    fitTo: { mode: 'zoom', value: 2 },
    font: { loadSystemFonts: false },
  })
  return svg.render().asPng()
}

const optionOf = (shape: Chart['shape']) =>
  shape.kind === 'course' ? courseOption(shape) : daysOption(shape)

const GRID = { left: 2, right: 2, top: 6, bottom: 2 }
const HIDDEN = { show: false }
const bare = { type: 'line', showSymbol: false, silent: true } as const

/** Spent so far as an area, where it leads as a fan from its end, the limit as a dashed line. */
function courseOption({ fromMs, toMs, points, limitNano, outlook }: CourseShape) {
  const line = points.map(({ atMs, spentNano }) => [clampTime(atMs), spentNano])
  const [lastMs = fromMs, lastNano = 0] = line.at(-1) ?? []
  const top = Math.max(limitNano, outlook?.highNano ?? 0, lastNano, 1) * 1.08
  const fan = (nano: number) => [
    [lastMs, lastNano],
    [toMs, nano],
  ]
  const none = { opacity: 0 }
  const ahead = outlook
    ? [
        { ...bare, stack: 'fan', lineStyle: none, data: fan(outlook.lowNano) },
        {
          ...{ ...bare, stack: 'fan', lineStyle: none },
          areaStyle: { color: SPEND_COLOUR, opacity: 0.28 },
          data: [
            [lastMs, 0],
            [toMs, outlook.highNano - outlook.lowNano],
          ],
        },
        {
          ...{ ...bare, data: fan(outlook.expectedNano) },
          lineStyle: { color: SPEND_COLOUR, width: 2, type: [4, 4] },
        },
      ]
    : []
  return {
    grid: GRID,
    xAxis: { type: 'value', min: fromMs, max: toMs, ...HIDDEN },
    yAxis: { type: 'value', min: 0, max: top, ...HIDDEN },
    series: [
      {
        ...{ ...bare, data: line, step: false },
        lineStyle: { color: SPEND_COLOUR, width: 3 },
        areaStyle: { color: SPEND_COLOUR, opacity: 0.16 },
      },
      ...ahead,
      {
        ...bare,
        data: [
          [fromMs, limitNano],
          [toMs, limitNano],
        ],
        lineStyle: { color: LIMIT_COLOUR, width: 2, type: [7, 4] },
      },
    ],
  }

  function clampTime(atMs: number): number {
    return Math.min(Math.max(atMs, fromMs), toMs)
  }
}

const daysOption = ({ amounts }: DaysShape) => ({
  grid: GRID,
  xAxis: { type: 'category', data: amounts.map((_, at) => at), ...HIDDEN },
  yAxis: { type: 'value', min: 0, max: Math.max(1, ...amounts), ...HIDDEN },
  series: [
    {
      ...{ type: 'bar', data: amounts, barMaxWidth: 56, barCategoryGap: '22%', silent: true },
      itemStyle: { color: SPEND_COLOUR, borderRadius: [3, 3, 0, 0] },
    },
  ],
})
