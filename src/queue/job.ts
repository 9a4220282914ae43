import { z } from 'zod'
import { type RequestMeta, URGENCIES } from '../admission/outbox.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import { CacheAskedSchema } from '../cache/asked.ts'
import { OFF_REASONS } from '../cache/rules.ts'
import { OPERATIONS } from '../config/operations.ts'
import { BursarError } from '../errors.ts'
import type { RequestBody } from '../provider/types.ts'

const isRecord = (value: unknown): value is RequestBody =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const atMs = z.int().min(0)

/** What travels in the queue. The body is judged by nobody on the way: intake did, and the provider will. */
export const CompletionJobSchema = z.object({
  v: z.literal(1),
  id: z.string().min(1),
  operation: z.enum(OPERATIONS),
  /** As the app asked: `auto`, or a model's name. */
  model: z.string(),
  /** null: too large for the queue; the slot keeps it until the request ends. */
  body: z.custom<RequestBody>(isRecord).nullable(),
  tenant: z.string(),
  user: z.string(),
  tier: z.string(),
  tags: z.record(z.string(), z.string()),
  urgency: z.enum(URGENCIES),
  resource: z.string().exactOptional(),
  ip: z.string().exactOptional(),
  pinned: z.boolean(),
  /** Whether the caller follows the chunk log. */
  stream: z.boolean(),
  /** Past it the request ends as `expired`; 0 = never. */
  deadlineMs: atMs,
  /** Under which the gateway's log has it; absent = it came otherwise. */
  requestId: z.string().exactOptional(),
  /** Client whose reply channel is told; '' = nobody. */
  replyTo: z.string(),
  /** It makes a stale answer anew: only a fresh one will do. */
  refresh: z.literal(true).exactOptional(),
  /** Exact-cache key; null = neither read nor written. */
  cacheKey: z.string().nullable(),
  /** What was asked of the cache, its mode as intake judged it; absent = nothing, and the mode is `on`. */
  cache: CacheAskedSchema.exactOptional(),
  /** Why there is no key; absent = there is one, or an earlier version handed the job in. */
  cacheOff: z.enum(OFF_REASONS).exactOptional(),
  enqueuedAtMs: atMs,
  /** When intake counted it, by the slot's clock; absent or 0 = it did not. */
  countedAtMs: atMs.exactOptional(),
  /** Virtual time that the worker's clock follows (replay, simulation); 0 = real time. */
  clockMs: atMs,
})
export type CompletionJob = Readonly<z.infer<typeof CompletionJobSchema>>

/** A job whose body is at hand. */
export type LoadedJob = CompletionJob &
  GovernedRequest & {
    /** The slot still keeps the body: it is dropped when the request ends. */
    readonly bodyKept: boolean
  }

/**
 * Reads the data of a queue job.
 * @throws {BursarError} INVALID_REQUEST when it is none of ours or of another version; a retry cannot mend it.
 */
export function readJob(data: unknown): CompletionJob {
  const parsed = CompletionJobSchema.safeParse(data)
  if (parsed.success) return parsed.data
  throw new BursarError(
    'INVALID_REQUEST',
    `the queue holds a job that this version cannot read; run client and worker of one version:\n${z.prettifyError(parsed.error)}`,
  )
}

/** Who asked for what, as it is written with each row. */
export const metaOf = (job: CompletionJob): RequestMeta => ({
  tenant: job.tenant,
  user: job.user,
  tier: job.tier,
  tags: job.tags,
  operation: job.operation,
  urgency: job.urgency,
  modelRequested: job.model,
  enqueuedAtMs: job.enqueuedAtMs,
})

/**
 * Writes what `metaOf` says as JSON, for one request after the other of those that differ in nothing else.
 * @returns given when it was handed in, ms since 1970.
 */
export function metaWriter(
  who: Omit<RequestMeta, 'enqueuedAtMs'>,
): (enqueuedAtMs: number) => string {
  const head = JSON.stringify(who).slice(0, -1)
  return (enqueuedAtMs) => `${head},"enqueuedAtMs":${enqueuedAtMs}}`
}
