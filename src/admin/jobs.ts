import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { MISSED, RUN_STATES } from '../ledger/tables/schedule.ts'
import { askForRun, type JobRun, type KnownJob, listJobs, listRuns } from '../schedule/history.ts'
import { tickAfter } from '../schedule/ticks.ts'
import type { AdminCommand } from './command.ts'

const textOrNull = z.string().nullable()

const RunSchema = z.object({
  job: z.string(),
  /** The nominal time, ISO 8601. */
  tick: z.string(),
  state: z.enum(RUN_STATES),
  /** null = the schedule did. */
  askedBy: textOrNull,
  /** Ticks before this one that it stood for, and how often it was begun. */
  ...{ missed: z.int().min(0), attempts: z.int().min(0) },
  /** The process that has, or had it. */
  by: textOrNull,
  ...{ startedAt: textOrNull, endedAt: textOrNull },
  figures: z.record(z.string(), z.json()).nullable(),
  error: textOrNull,
})
export type RunView = Readonly<z.infer<typeof RunSchema>>

const ListedSchema = z.object({
  name: z.string(),
  about: z.string(),
  ...{ schedule: z.string(), timezone: z.string() },
  missed: z.enum(MISSED),
  limitMs: z.int().min(0),
  /** ISO 8601; null = never again. */
  next: textOrNull,
  /** When a process last said that it has this job. */
  seenAt: z.string(),
  last: RunSchema.nullable(),
})
const ListSchema = z.object({ jobs: z.array(ListedSchema).readonly() })
export type JobsView = Readonly<z.infer<typeof ListSchema>>

const HistorySchema = z.object({ runs: z.array(RunSchema).readonly() })
export type HistoryView = Readonly<z.infer<typeof HistorySchema>>

const HistoryInput = z.strictObject({
  job: z.string().min(1).max(100).exactOptional(),
  /** Only what did not end well. */
  failed: z.boolean().default(false),
  limit: z.int().min(1).max(1_000).default(50),
})
const RunInput = z.strictObject({ job: z.string().min(1).max(100) })

/** The jobs that run once per tick, when they run next and how they went. Throws LEDGER_UNAVAILABLE. */
export const jobsList: AdminCommand<Readonly<Record<string, never>>, JobsView> = {
  name: 'jobs-list',
  summary: 'What runs on a schedule, when next, and how it went.',
  role: 'viewer',
  input: z.strictObject({}),
  output: ListSchema,
  async run(place) {
    return { jobs: (await listJobs(await place.ledger())).map(jobView) }
  },
}

/** What ran, the newest tick first. Throws LEDGER_UNAVAILABLE. */
export const jobsHistory: AdminCommand<z.infer<typeof HistoryInput>, HistoryView> = {
  name: 'jobs-history',
  summary: 'What ran on a schedule or was asked for, the newest first.',
  role: 'viewer',
  input: HistoryInput,
  output: HistorySchema,
  async run(place, wanted) {
    return { runs: (await listRuns(await place.ledger(), wanted)).map(runView) }
  },
}

/** Asks for a run beside the schedule. Throws UNKNOWN_JOB, LEDGER_UNAVAILABLE. */
export const jobsRun: AdminCommand<z.infer<typeof RunInput>, RunView> = {
  name: 'jobs-run',
  summary: 'Have a scheduled job run now.',
  role: 'admin',
  input: RunInput,
  output: RunSchema,
  async run(place, { job }) {
    const ledger = await place.ledger()
    const known = await listJobs(ledger)
    if (!known.some(({ name }) => name === job)) throw unknown(job, known)
    const atMs = Date.now()
    await askForRun(ledger, job, place.by ?? 'operator', atMs)
    const run = (await listRuns(ledger, { job, limit: 100 })).find(({ tickMs }) => tickMs === atMs)
    if (run) return runView(run)
    throw unknown(job, known)
  },
}

const iso = (atMs: number | null): string | null =>
  atMs === null ? null : new Date(atMs).toISOString()

const runView = (run: JobRun): RunView => ({
  ...{ job: run.job, tick: new Date(run.tickMs).toISOString(), state: run.state },
  ...{ askedBy: run.askedBy, missed: run.missed, attempts: run.attempt, by: run.claimedBy },
  ...{ startedAt: iso(run.startedAtMs), endedAt: iso(run.endedAtMs) },
  ...{ figures: run.figures, error: run.error },
})

function jobView({ last, lastTickMs, seenAtMs, ...job }: KnownJob): JobsView['jobs'][number] {
  const next = tickAfter(job, lastTickMs)
  return {
    ...job,
    next: Number.isFinite(next) ? iso(next) : null,
    seenAt: new Date(seenAtMs).toISOString(),
    last: last && runView(last),
  }
}

const unknown = (job: string, known: readonly KnownJob[]): BursarError =>
  new BursarError(
    'UNKNOWN_JOB',
    known.length === 0
      ? 'no process with the role jobs was ever here: start one (npx bursar start)'
      : `there is no job ${job}; there are ${known.map(({ name }) => name).join(', ')}`,
    { detail: { job } },
  )
