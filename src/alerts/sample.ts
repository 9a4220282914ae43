import { hash } from 'node:crypto'
import type { Severity } from '../config/alert-types.ts'
import type { CurvePoint, Notice } from './notice.ts'

const DAY_MS = 86_400_000
const USD = 1_000_000_000
/** As the budget of the example spends over its month so far. */
const DAYS = 24

/**
 * A message that means nothing: what somebody sees who asks how they look. Pure.
 * @param seed - another one makes another id.
 */
export function sampleNotice(nowMs: number, severity: Severity, seed: string): Notice {
  const startMs = nowMs - DAYS * DAY_MS
  const endMs = startMs + 30 * DAY_MS
  const id = `test-${hash('sha256', `${seed} ${nowMs}`).slice(0, 16)}`
  return {
    ...{ id, thread: id, rule: 'budget-threshold', severity, state: 'raised' },
    ...{ scope: 'budget acme', tenant: 'acme', window: monthOf(nowMs), threshold: 95 },
    ...{ atMs: nowMs, timezone: 'UTC', links: [], test: true },
    facts: {
      ...{ rule: 'budget-threshold', marks: [50, 80, 95, 100], budget: 'acme' },
      ...{ window: monthOf(nowMs), per: 'month', startMs, endMs, timezone: 'UTC' },
      ...{ spentNano: 960 * USD, heldNano: 4 * USD, limitNano: 1_000 * USD, percent: 96 },
      timePercent: 80,
      outlook: {
        ...{ expectedNano: 1_190 * USD, lowNano: 1_120 * USD, highNano: 1_270 * USD },
        runsDryAtMs: nowMs + DAY_MS,
      },
      drivers: [
        { kind: 'user', name: 'search-indexer', costNano: 520 * USD },
        { kind: 'user', name: 'tutor', costNano: 310 * USD },
        { kind: 'user', name: 'support-bot', costNano: 130 * USD },
      ],
      ...{ effect: 'steps-down', parked: null, curve: curveOf(startMs) },
      raisers: ['finance@acme.example', 'key acme-finance (finance)'],
    },
  }
}

const monthOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 7)

/** Slow at first, faster of late. */
const curveOf = (startMs: number): CurvePoint[] =>
  Array.from({ length: DAYS + 1 }, (_, day) => ({
    atMs: startMs + day * DAY_MS,
    spentNano: Math.round(960 * USD * (day / DAYS) ** 1.4),
  }))
