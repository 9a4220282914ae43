import { OUTCOMES } from '../../admission/outbox.ts'
import { csvField } from '../../ledger/exports/csv.ts'
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
