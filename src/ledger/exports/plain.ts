import { isOwnTag } from '../../admission/plan/own-tags.ts'
import { formatUsd } from '../../money/usd.ts'
import { csvField } from './csv.ts'
import type { ExportRow } from './rows.ts'

const iso = (atMs: number | null): string => (atMs === null ? '' : new Date(atMs).toISOString())

/** Columns of our own files; `raw` = no text from outside. */
const COLUMNS: readonly (readonly [name: string, of: (row: ExportRow) => unknown, raw?: true])[] = [
  ['kind', (row) => row.kind, true],
  ['attempt', (row) => row.attempt],
  ['job', (row) => row.job],
  ['status', (row) => row.status, true],
  ['admittedAt', (row) => iso(row.admittedAtMs), true],
  ['startedAt', (row) => iso(row.startedAtMs), true],
  ['endedAt', (row) => iso(row.endedAtMs), true],
  ['bookedAt', (row) => iso(row.bookedAtMs), true],
  ['tenant', (row) => row.tenant],
  ['user', (row) => row.user],
  ['tier', (row) => row.tier],
  ['operation', (row) => row.operation],
  ['urgency', (row) => row.urgency],
  ['modelRequested', (row) => row.modelRequested],
  ['model', (row) => row.model],
  ['servedModel', (row) => row.servedModel],
  ['provider', (row) => row.provider],
  ['serviceTier', (row) => row.serviceTier],
  ['inputTokens', (row) => row.inputTokens, true],
  ['cachedInputTokens', (row) => row.cachedInputTokens, true],
  ['cacheWriteTokens', (row) => row.cacheWriteTokens, true],
  ['outputTokens', (row) => row.outputTokens, true],
  ['reasoningTokens', (row) => row.reasoningTokens, true],
  ['costUsd', (row) => formatUsd(row.costNano), true],
  ['listUsd', (row) => formatUsd(row.listNano), true],
  ['overrunUsd', (row) => formatUsd(row.overrunNano), true],
  ['costNano', (row) => row.costNano, true],
  ['listNano', (row) => row.listNano, true],
  ['priceVersion', (row) => row.priceVersion],
  ['policyVersion', (row) => row.policyVersion, true],
  ['tags', (row) => row.tags && JSON.stringify(row.tags)],
]

const fieldOf = (text: string, raw: boolean): string => (raw ? text : csvField(text))

export const csvHead = `${COLUMNS.map(([name]) => name).join(',')}\r\n`

export const csvLine = (row: ExportRow): string =>
  `${COLUMNS.map(([, of, raw]) => fieldOf(String(of(row) ?? ''), raw === true)).join(',')}\r\n`

/** Every field as it is, money in nano-USD and USD. */
export const jsonLine = (row: ExportRow): string =>
  `${JSON.stringify({ ...row, costUsd: formatUsd(row.costNano), listUsd: formatUsd(row.listNano) })}\n`

/** Tags of the caller's own. */
export const ownersTags = ({ tags }: ExportRow): Record<string, string> =>
  Object.fromEntries(Object.entries(tags ?? {}).filter(([name]) => !isOwnTag(name)))
