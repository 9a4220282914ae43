import { z } from 'zod'
import { splitWindowKey } from '../../admission/outbox.ts'
import { addNano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import { queueError } from '../../queue/check-redis.ts'
import { type CompletionJob, CompletionJobSchema } from '../../queue/job.ts'
import { QUEUES } from '../../queue/names.ts'
import { readParkNote } from '../../queue/park-note.ts'
import type { CompletionQueue, Queues } from '../../queue/queues.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { createBacklog, TenantBacklogSchema, withRunways } from './backlog.ts'

const count = z.int().min(0)
const nano = z.int().min(0)

/** A job that waits for something other than a free worker. */
const ParkedJobSchema = z.object({
  job: z.string(),
  queue: z.enum(QUEUES),
  ...{ tenant: z.string(), user: z.string(), tier: z.string(), model: z.string() },
  /** What holds it up: budget, gate, limit, flight or slot, and which; `retry` = it failed and comes back. */
  why: z.object({ by: z.string(), what: z.string() }),
  /** ISO 8601. */
  ...{ since: z.string(), resumesAt: z.string() },
  /** The most it can cost, nano-USD; null = nobody has planned it yet. */
  mostNano: nano.nullable(),
})
export type ParkedJob = Readonly<z.infer<typeof ParkedJobSchema>>

/** A budget window that work waits for, and the order that would let all of it go on. */
const HeldUpSchema = z.object({
  ...{ budget: z.string(), window: z.string() },
  jobs: count,
  /** The most that they can cost, nano-USD. */
  mostNano: nano,
  /** For whoever may raise budgets. */
  command: z.string(),
})
export type HeldUp = Readonly<z.infer<typeof HeldUpSchema>>

const ParkedSchema = z.object({
  /** Those that come back first, at most as many as were asked for. */
  jobs: z.array(ParkedJobSchema),
  /** Of all that is parked, those that the most jobs wait for first, as many as were asked for. */
  budgets: z.array(HeldUpSchema),
  /** The price tag of each tenant's, the dearest first; at most 100. */
  tenants: z.array(TenantBacklogSchema),
  /** Why no runway is told; null = they are. */
  runwayFault: z.string().nullable(),
  total: z.object({
    jobs: count,
    /** Budget windows that work waits for, and tenants whose work waits, listed or not. */
    ...{ budgets: count, tenants: count },
    /** Sum of what is known. */
    mostNano: nano,
    /** Jobs that the sum leaves out. */
    unpriced: count,
  }),
})
export type Parked = Readonly<z.infer<typeof ParkedSchema>>

const MOST = 10_000
const InputSchema = z.strictObject({
  /** Jobs to list. */
  limit: z.int().min(0).max(MOST).default(50),
  /** Budget windows to list, and how many to pass over before. */
  budgets: z.int().min(0).max(MOST).default(20),
  budgetsFrom: z.int().min(0).default(0),
})
type Wanted = Readonly<z.infer<typeof InputSchema>>

/**
 * What waits, why, until when, what all of it would cost, and how long each tenant's money lasts. Throws STORE_UNAVAILABLE, INVALID_OPTIONS. Jobs that come
 * and go meanwhile may be left out or counted twice.
 */
export const parkedCommand: AdminCommand<Wanted, Parked> = {
  name: 'parked',
  role: 'viewer',
  summary: 'What waits, for what, until when, and what all of it can cost.',
  input: InputSchema,
  output: ParkedSchema,
  run: listParked,
}

async function listParked(place: AdminPlace, wanted: Wanted): Promise<Parked> {
  const queues = await place.queues()
  const jobs: ParkedJob[] = []
  const total = { jobs: 0, budgets: 0, tenants: 0, mostNano: 0, unpriced: 0 }
  const windows = new Map<string, Waiting>()
  const backlog = createBacklog()
  for await (const job of everyParked(queues)) {
    total.jobs += 1
    backlog.add(job)
    if (job.mostNano === null) total.unpriced += 1
    else total.mostNano = addNano(total.mostNano, job.mostNano)
    if (job.why.by === 'budget') {
      const known = windows.get(job.why.what) ?? { jobs: 0, mostNano: 0 }
      const mostNano = addNano(known.mostNano, job.mostNano ?? 0)
      windows.set(job.why.what, { jobs: known.jobs + 1, mostNano })
    }
    keepSoonest(jobs, job, wanted.limit)
  }
  total.budgets = windows.size
  total.tenants = backlog.size()
  const priced = await withRunways(place, backlog.tags())
  return { jobs, budgets: heldUp(windows, wanted), ...priced, total }
}

type Waiting = Pick<HeldUp, 'jobs' | 'mostNano'>

/** One page of them; of equals, those first that the alphabet has first. */
const heldUp = (
  windows: ReadonlyMap<string, Waiting>,
  { budgets, budgetsFrom }: Wanted,
): HeldUp[] =>
  [...windows]
    .toSorted(([one, a], [other, b]) => b.jobs - a.jobs || (one < other ? -1 : 1))
    .slice(budgetsFrom, budgetsFrom + budgets)
    .map(([key, known]) => {
      const { budget, window } = splitWindowKey(key)
      const usd = formatUsd(known.mostNano)
      const command = `bursar budget grant ${budget} --usd ${usd} --window ${window} --reason "..."`
      return { budget, window, ...known, command }
    })

/** Keeps the list in order and short: two queues are read one after the other. */
function keepSoonest(jobs: ParkedJob[], job: ParkedJob, limit: number): void {
  const later = jobs.findIndex(({ resumesAt }) => resumesAt > job.resumesAt)
  if (later === -1 && jobs.length >= limit) return
  jobs.splice(later === -1 ? jobs.length : later, 0, job)
  if (jobs.length > limit) jobs.pop()
}

/** Bodies travel with their jobs, 16 KB each at most: a page is a few MB. */
const PAGE_JOBS = 200

async function* everyParked(queues: Queues): AsyncGenerator<ParkedJob, void> {
  for (const queue of QUEUES) {
    const delayed = await asking(queues[queue].getDelayedCount())
    for (let at = 0; at < delayed; at += PAGE_JOBS) {
      const page = queues[queue].getJobs('delayed', at, at + PAGE_JOBS - 1, true)
      for (const job of await asking(page)) {
        const { data } = CompletionJobSchema.safeParse(job.data)
        if (data) yield parkedJob(job, data, queue)
      }
    }
  }
}

type QueueJob = Awaited<ReturnType<CompletionQueue['getJobs']>>[number]

async function asking<T>(question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (error) {
    throw queueError(error)
  }
}

function parkedJob(job: QueueJob, data: CompletionJob, queue: ParkedJob['queue']): ParkedJob {
  const { id, tenant, user, tier, model } = data
  const note = readParkNote(job)
  // Moved there by the take that began then; a job that nobody took yet was delayed from the start.
  const fromMs = job.processedOn ?? job.timestamp
  return {
    job: id,
    queue,
    ...{ tenant, user, tier, model },
    why: note ? { by: note.by, what: note.what } : { by: 'retry', what: '' },
    since: iso(note?.sinceMs ?? fromMs),
    resumesAt: iso(fromMs + job.delay),
    mostNano: note?.holdNano ?? null,
  }
}

const iso = (atMs: number): string => new Date(atMs).toISOString()
