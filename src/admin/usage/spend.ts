import { z } from 'zod'
import { spend } from '../../ledger/questions/spend.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { askedPeriod, comparedAnswer, periodOf, rangesOf, UsageInput } from './question.ts'

/** What is told of each group. */
export const TOLD = [
  'costNano',
  'listNano',
  'savedNano',
  'adjustedNano',
  'unconfirmedNano',
  'overrunNano',
  'requests',
  'served',
  'cached',
  'joined',
  'refused',
  'calls',
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
] as const

const SumsSchema = z.record(z.enum(TOLD), z.int())

const AnswerSchema = comparedAnswer(SumsSchema)
export type UsageAnswer = Readonly<z.infer<typeof AnswerSchema>>

const InputSchema = UsageInput.extend({ rank: z.enum(TOLD).default('costNano') })
type Question = Readonly<z.infer<typeof InputSchema>>

/**
 * What was spent in a period, by anything, beside the period before. Throws INVALID_ARGUMENT, LEDGER_UNAVAILABLE,
 * LEDGER_NOT_MIGRATED, INVALID_OPTIONS.
 */
export const usageCommand: AdminCommand<Question, UsageAnswer> = {
  name: 'usage',
  role: 'viewer',
  summary: 'What was spent in a period, by any dimensions, beside the period before.',
  input: InputSchema,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, question: Question): Promise<UsageAnswer> {
  const period = periodOf(question)
  const { by, where, top, rank } = question
  const { rows, total, groups, ...ranges } = await spend(await place.ledger(), {
    ...rangesOf(question, period),
    ...{ by, where, top, measures: TOLD, rankBy: rank },
  })
  return { period: askedPeriod(period, ranges), by, rows: [...rows.map(copied)], total, groups }
}

const copied = <Row extends { readonly group: readonly string[] }>(row: Row) => ({
  ...row,
  group: [...row.group],
})
