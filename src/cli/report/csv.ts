import { OUTCOMES } from '../../admission/outbox.ts'
import type { Report } from '../../ledger/queries/report.ts'

const COLUMN_NAMES = [
  'attempts',
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'listNano',
  'costNano',
] as const

// What a spreadsheet would run as a formula is made text: names come from requests.
const FORMULA = /^[=+\-@\t\r]/

/** One field by RFC 4180. */
export function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A header and one line per group, money in nano-USD; lines end as RFC 4180 has them, but for the last. */
export function reportCsv({ groupBy, rows }: Report): string {
  const header = [
    groupBy,
    ...OUTCOMES,
    ...COLUMN_NAMES,
    'unconfirmedAttempts',
    'unconfirmedNano',
    'overrunAttempts',
    'overrunNano',
    'savedCachedNano',
    'savedJoinedNano',
    'savedEmbeddingsNano',
  ]
  const lines = rows.map((row) => [
    row.group,
    ...OUTCOMES.map((outcome) => row.requests[outcome]),
    ...COLUMN_NAMES.map((name) => row[name]),
    ...[row.unconfirmed.attempts, row.unconfirmed.nano, row.overrun.attempts, row.overrun.nano],
    ...[row.savedNano.cached, row.savedNano.joined, row.savedNano.embeddings],
  ])
  return [header, ...lines].map((line) => line.map(csvField).join(',')).join('\r\n')
}
