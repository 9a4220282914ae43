import { z } from 'zod'
import { isBursarError } from '../../errors.ts'
import type { Measure } from '../../ledger/questions/measures.ts'
import { spend } from '../../ledger/questions/spend.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import {
  askedPeriod,
  comparedAnswer,
  periodOf,
  rangesOf,
  UsageInput,
  type UsageQuestion,
} from './question.ts'
import { steppedDown } from './stepped-down.ts'

/** By tags, all that was saved is told in one sum. */
const SAVED = [
  ...(['savedNano', 'savedCachedNano', 'savedJoinedNano', 'savedEmbeddingsNano'] as const),
  ...(['costNano', 'served', 'cached', 'joined'] as const),
] as const satisfies readonly Measure[]
const OF_TAGS = ['savedNano', 'costNano', 'served', 'cached', 'joined'] as const

const count = z.int()
const SumsSchema = z.object({
  /** At list price, when the answers were paid. */
  savedNano: count,
  /** By how; null = not kept with tags. */
  savedCachedNano: count.nullable(),
  savedJoinedNano: count.nullable(),
  savedEmbeddingsNano: count.nullable(),
  /** What was paid beside it. */
  costNano: count,
  ...{ served: count, cached: count, joined: count },
})

const AnswerSchema = comparedAnswer(SumsSchema).extend({
  /** Cheaper models than asked for, an estimate at today's prices; null = not known with tags, or without a policy. */
  steppedDown: z
    .array(
      z.object({
        ...{ tier: z.string(), asked: z.string(), served: z.string() },
        ...{ calls: count, listNano: count, wouldNano: count },
      }),
    )
    .nullable(),
})
export type SavedAnswer = Readonly<z.infer<typeof AnswerSchema>>
type Sums = z.infer<typeof SumsSchema>

/** What was not paid, and why: kept answers, joined calls, vectors, cheaper models. Throws as `usage`. */
export const usageSaved: AdminCommand<UsageQuestion, SavedAnswer> = {
  name: 'usage-saved',
  role: 'viewer',
  summary: 'What was saved in a period, and how.',
  input: UsageInput,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, question: UsageQuestion): Promise<SavedAnswer> {
  const ledger = await place.ledger()
  const period = periodOf(question)
  const { by, where, top } = question
  const tagged = [...by, ...Object.keys(where)].some((name) => name.startsWith('tag:'))
  const measures = tagged ? OF_TAGS : SAVED
  const found = await spend<(typeof SAVED)[number]>(ledger, {
    ...rangesOf(question, period),
    ...{ by, where, top, measures, rankBy: 'savedNano' },
  })
  const told = (sums: Partial<Sums>): Sums => ({ ...NOTHING, ...sums })
  const both = (row: { now: Partial<Sums>; before: Partial<Sums> | null }) => ({
    now: told(row.now),
    before: row.before && told(row.before),
  })
  return {
    period: askedPeriod(period, found),
    by,
    rows: found.rows.map((row) => ({ group: [...row.group], ...both(row) })),
    total: both(found.total),
    groups: found.groups,
    steppedDown: await withPolicy(place, (policy) => steppedDown(ledger, policy, question)),
  }
}

const NOTHING: Sums = {
  ...{ savedNano: 0, savedCachedNano: null, savedJoinedNano: null, savedEmbeddingsNano: null },
  ...{ costNano: 0, served: 0, cached: 0, joined: 0 },
}

type InForce = Awaited<ReturnType<typeof policyInForce>>

async function withPolicy<T>(
  place: AdminPlace,
  work: (policy: InForce) => Promise<T>,
): Promise<T | null> {
  try {
    return await work(await policyInForce(place))
  } catch (error) {
    if (isBursarError(error, 'POLICY_MISSING')) return null
    throw error
  }
}
