import type { Counter, Histogram, LabelValues } from 'prom-client'

/** How many values of one label a metric tells apart; those that come after them are one. */
const MOST_VALUES = 100
export const OTHER = 'other'

type Labels = Readonly<Record<string, string | number | undefined>>

/** Keeps labels few, whatever callers put into a name: the first hundred values of each stand for themselves. */
export function boundLabels(most = MOST_VALUES): <T extends Labels>(labels: T) => T {
  const seen = new Map<string, Set<string>>()
  const bounded = (label: string, value: string): string => {
    const known = seen.get(label) ?? new Set()
    seen.set(label, known)
    if (known.size < most) known.add(value)
    return known.has(value) ? value : OTHER
  }
  return <T extends Labels>(labels: T): T => {
    const changed = Object.entries(labels).map(([label, value]) => [
      label,
      value === undefined ? value : bounded(label, String(value)),
    ])
    return Object.fromEntries(changed)
  }
}

/** Keeps the labels of a counter few. @returns the same counter. */
export function boundCounter<T extends string>(counter: Counter<T>): Counter<T> {
  const bound = boundLabels()
  const inc = counter.inc.bind(counter)
  return Object.assign(counter, {
    inc(labels?: LabelValues<T> | number, value?: number) {
      if (typeof labels === 'object') inc(bound(labels), value)
      else inc(labels)
    },
  })
}

/** Keeps the labels of a histogram few. @returns the same histogram. */
export function boundHistogram<T extends string>(histogram: Histogram<T>): Histogram<T> {
  const bound = boundLabels()
  const observe = histogram.observe.bind(histogram)
  return Object.assign(histogram, {
    observe(labels: LabelValues<T> | number, value?: number) {
      if (typeof labels === 'object') observe(bound(labels), value ?? 0)
      else observe(labels)
    },
  })
}
