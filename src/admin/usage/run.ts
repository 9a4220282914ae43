import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import { runRows } from '../../ledger/questions/run.ts'
import { addNano } from '../../money/nano.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'

const count = z.int()
const MOST_REQUESTS = 1_000

const AnswerSchema = z.object({
  run: z.string(),
  /** Those that made calls, oldest first; at most 1,000. */
  requests: z.array(
    z.object({
      ...{ tenant: z.string(), job: z.string(), model: z.string() },
      ...{ calls: count, tokens: count, costNano: count },
      /** First admission, ISO 8601. */
      at: z.string(),
    }),
  ),
  /** Whether there are more than 1,000. */
  more: z.boolean(),
  /** Of the requests that are told. */
  total: z.object({ requests: count, calls: count, tokens: count, costNano: count }),
})
export type RunAnswer = Readonly<z.infer<typeof AnswerSchema>>

const InputSchema = z.strictObject({
  run: z.string().min(1).max(1_000),
  tenant: z.string().max(1_000).exactOptional(),
})
type Question = Readonly<z.infer<typeof InputSchema>>

/** What a run used and cost, request by request. Throws UNKNOWN_JOB, LEDGER_UNAVAILABLE. */
export const usageRun: AdminCommand<Question, RunAnswer> = {
  name: 'usage-run',
  role: 'viewer',
  summary: 'What a run used and cost, request by request.',
  input: InputSchema,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, question: Question): Promise<RunAnswer> {
  const rows = await runRows(await place.ledger(), { ...question, limit: MOST_REQUESTS + 1 })
  const told = rows.slice(0, MOST_REQUESTS)
  if (told.length === 0) throw unknownRun(question.run)
  return {
    run: question.run,
    requests: told.map(({ firstAtMs, lastAtMs: _, ...row }) => ({
      ...row,
      at: new Date(firstAtMs).toISOString(),
    })),
    more: rows.length > told.length,
    total: {
      requests: told.length,
      calls: addNano(...told.map(({ calls }) => calls)),
      tokens: addNano(...told.map(({ tokens }) => tokens)),
      costNano: addNano(...told.map(({ costNano }) => costNano)),
    },
  }
}

const unknownRun = (run: string): BursarError =>
  new BursarError(
    'UNKNOWN_JOB',
    `the ledger has no calls of a run ${run}: look whether it is written as the app does, or wait until its calls are in the ledger`,
    { detail: { run } },
  )
