import { z } from 'zod'
import { unitCosts } from '../../ledger/questions/unit-costs.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import {
  askedPeriod,
  comparedAnswer,
  periodOf,
  rangesOf,
  UsageInput,
  type UsageQuestion,
} from './question.ts'

const count = z.int()
const nano = z.int()

/** nano-USD; null = there was none to share the cost. */
const UnitsSchema = z.object({
  costNano: nano,
  ...{ served: count, tokens: count },
  /** null = users are not kept with what was asked by. */
  users: count.nullable(),
  perRequestNano: nano.nullable(),
  perCallNano: nano.nullable(),
  perThousandTokensNano: nano.nullable(),
  perUserNano: nano.nullable(),
})

const AnswerSchema = comparedAnswer(UnitsSchema)
export type UnitsAnswer = Readonly<z.infer<typeof AnswerSchema>>

/** What a request, 1,000 tokens and a user cost. Throws as `usage`. */
export const usageUnits: AdminCommand<UsageQuestion, UnitsAnswer> = {
  name: 'usage-units',
  role: 'viewer',
  summary: 'What a request, 1,000 tokens and a user cost in a period.',
  input: UsageInput,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, question: UsageQuestion): Promise<UnitsAnswer> {
  const period = periodOf(question)
  const { by, where, top } = question
  const found = await unitCosts(await place.ledger(), {
    ...rangesOf(question, period),
    ...{ by, where, top },
  })
  return {
    period: askedPeriod(period, found),
    by,
    rows: found.rows.map((row) => ({ ...row, group: [...row.group] })),
    ...{ total: found.total, groups: found.groups },
  }
}
