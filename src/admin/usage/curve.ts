import { z } from 'zod'
import { curve } from '../../ledger/questions/curve.ts'
import { GRAINS } from '../../ledger/questions/period.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { AskedPeriodSchema, askedPeriod, periodOf, UsageInput } from './question.ts'
import { TOLD } from './spend.ts'

const MOST_LINES = 50

const AnswerSchema = z.object({
  period: AskedPeriodSchema,
  by: z.array(z.string()),
  grain: z.enum(GRAINS),
  measure: z.enum(TOLD),
  /** First instant of each hour, day, week or month, ISO 8601. */
  starts: z.array(z.string()),
  /** Highest first; one value for each start. */
  lines: z.array(z.object({ group: z.array(z.string()), values: z.array(z.int()) })),
  /** Of all groups, told or not. */
  total: z.array(z.int()),
})
export type CurveAnswer = Readonly<z.infer<typeof AnswerSchema>>

const InputSchema = UsageInput.extend({
  grain: z.enum(GRAINS).default('day'),
  measure: z.enum(TOLD).default('costNano'),
})
type Question = Readonly<z.infer<typeof InputSchema>>

/** How usage went, hour by hour to month by month. Throws as `usage`, and INVALID_ARGUMENT above 1,000 steps. */
export const usageCurve: AdminCommand<Question, CurveAnswer> = {
  name: 'usage-curve',
  role: 'viewer',
  summary: 'How usage went over a period, hour by hour to month by month.',
  input: InputSchema,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, question: Question): Promise<CurveAnswer> {
  const period = periodOf(question)
  const { by, where, top, grain, measure } = question
  const { timezone, range } = period
  const { buckets, lines, total } = await curve(await place.ledger(), {
    ...{ range, timezone, grain, by, where, measure, top: Math.min(top, MOST_LINES) },
  })
  const covered = {
    fromMs: buckets.at(0)?.fromMs ?? range.fromMs,
    toMs: buckets.at(-1)?.toMs ?? range.toMs,
  }
  return {
    period: askedPeriod(period, { range: covered, before: null }),
    ...{ by, grain, measure },
    starts: buckets.map(({ fromMs }) => new Date(fromMs).toISOString()),
    lines: lines.map(({ group, values }) => ({ group: [...group], values: [...values] })),
    total: [...total],
  }
}
