import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import { getEntry } from '../../ledger/queries/get-entry.ts'
import { getRequest, type RequestRecord } from '../../ledger/queries/get-request.ts'
import type { Entry } from '../../ledger/queries/list-entries.ts'
import { addNano } from '../../money/nano.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'

const count = z.int().nullable()
const text = z.string().nullable()
const tags = z.record(z.string(), z.string()).nullable()

const AttemptSchema = z.object({
  attempt: z.string(),
  n: z.int(),
  status: z.string(),
  ...{ model: text, servedModel: text, provider: text, serviceTier: text },
  ...{ seen: text, reason: text, httpStatus: count, providerRequestId: text },
  ...{ inputTokens: count, cachedInputTokens: count, cacheWriteTokens: count },
  ...{ outputTokens: count, reasoningTokens: count },
  ...{ costNano: z.int(), listNano: count, holdNano: z.int(), overrunNano: z.int() },
  priceVersion: text,
  policyVersion: count,
  /** `<budget>:<window>` of every budget that it was paid from. */
  windows: z.array(z.string()),
  /** ISO 8601. */
  ...{ admittedAt: z.string(), startedAt: text, endedAt: text },
})

const AnswerSchema = z.object({
  job: z.string(),
  ...{ tenant: text, user: text, tier: text, tags, operation: text, urgency: text },
  modelRequested: text,
  enqueuedAt: text,
  /** null = it has not ended, or the ledger has not read its end yet. */
  ...{ outcome: text, reason: text, endedAt: text },
  /** What kept answers had cost when they were paid; null = none was used. */
  savedNano: count,
  /** Oldest first; those still held are not here. */
  attempts: z.array(AttemptSchema),
  costNano: z.int(),
})
export type RequestAnswer = Readonly<z.infer<typeof AnswerSchema>>

const InputSchema = z.strictObject({
  /** A job, or one of its attempts. */
  id: z.string().min(1).max(1_000),
})
type Question = Readonly<z.infer<typeof InputSchema>>

/** One request as the ledger has it: who asked, how it ended, and every call with its tokens, prices and budgets. Throws UNKNOWN_JOB. */
export const usageRequest: AdminCommand<Question, RequestAnswer> = {
  name: 'usage-request',
  role: 'viewer',
  summary: 'One request as the ledger has it, with every call that was made for it.',
  input: InputSchema,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, { id }: Question): Promise<RequestAnswer> {
  const ledger = await place.ledger()
  const found = await getRequest(ledger, id)
  if (found) return recordOf(id, found)
  const entry = await getEntry(ledger, id)
  const job = entry && (await getRequest(ledger, entry.job))
  if (entry && job) return recordOf(entry.job, job)
  throw new BursarError(
    'UNKNOWN_JOB',
    `the ledger has no request or attempt ${id}: look at its spelling, or wait until it has ended and is in the ledger`,
    { detail: { id } },
  )
}

function recordOf(job: string, { end, attempts }: RequestRecord): RequestAnswer {
  const asked = end ?? attempts[0]
  return {
    job,
    tenant: asked?.tenant ?? null,
    user: asked?.userId ?? null,
    tier: asked?.tier ?? null,
    tags: asked?.tags ?? null,
    operation: asked?.operation ?? null,
    urgency: asked?.urgency ?? null,
    modelRequested: asked?.modelRequested ?? null,
    enqueuedAt: iso(asked?.enqueuedAtMs),
    outcome: end?.outcome ?? null,
    reason: end?.reason ?? null,
    endedAt: iso(end?.endedAtMs),
    savedNano: end?.savedNano ?? null,
    attempts: attempts.map(attemptOf),
    costNano: addNano(...attempts.map(({ costNano }) => costNano)),
  }
}

const attemptOf = ({ admittedAtMs, startedAtMs, endedAtMs, windows, ...entry }: Entry) => ({
  ...entry,
  windows: [...windows],
  admittedAt: new Date(admittedAtMs).toISOString(),
  startedAt: iso(startedAtMs),
  endedAt: iso(endedAtMs),
})

const iso = (atMs: number | null | undefined): string | null =>
  atMs === null || atMs === undefined ? null : new Date(atMs).toISOString()
