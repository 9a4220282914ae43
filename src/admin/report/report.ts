import { z } from 'zod'
import { OUTCOMES } from '../../admission/outbox.ts'
import { DIMENSIONS } from '../../ledger/queries/report.ts'
import type { AdminCommand } from '../command.ts'
import { RunwaySchema } from '../runway/runway.ts'
import { type Gathered, gatherReport, type ReportQuestion } from './gather.ts'

const count = z.int().min(0)
const nano = z.int()
const part = z.object({ attempts: count, nano })

const TotalsSchema = z.object({
  requests: z.record(z.enum(OUTCOMES), count),
  ...{ attempts: count, inputTokens: count, cachedInputTokens: count, cacheWriteTokens: count },
  ...{ outputTokens: count, reasoningTokens: count, costNano: nano, listNano: nano },
  ...{ unconfirmed: part, overrun: part },
  savedNano: z.object({ cached: nano, joined: nano, embeddings: nano }),
})

const BudgetSchema = z.object({
  ...{ budget: z.string(), window: z.string() },
  ...{ limitNano: nano, spentNano: nano, heldNano: nano },
  usedPercent: z.number().nullable(),
  warnOnly: z.boolean(),
  ...{ startsAt: z.string(), endsAt: z.string() },
})

const GatheredSchema = z.object({
  report: z.object({
    groupBy: z.enum(DIMENSIONS),
    rows: z.array(TotalsSchema.extend({ group: z.string() })),
    total: TotalsSchema,
  }),
  budgets: z.object({ open: z.boolean(), windows: z.array(BudgetSchema) }).nullable(),
  runways: z.array(RunwaySchema).nullable(),
  slotFault: z.string().nullable(),
  waiting: count.nullable(),
})

const atMs = z.int().min(0)
const QuestionSchema: z.ZodType<ReportQuestion> = z.strictObject({
  by: z.enum(DIMENSIONS).default('tier'),
  fromMs: atMs.exactOptional(),
  toMs: atMs.exactOptional(),
})

/**
 * Requests, tokens and money of a time range from the ledger, and the budgets as they stand.
 * Throws INVALID_OPTIONS, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export const reportCommand: AdminCommand<ReportQuestion, Gathered> = {
  name: 'report',
  role: 'viewer',
  summary: 'Requests, tokens and money by a dimension, and how the budgets stand.',
  input: QuestionSchema,
  output: GatheredSchema,
  run: gatherReport,
}
