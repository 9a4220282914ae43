import { sql } from 'drizzle-orm'
import { index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { ms } from '../columns.ts'

/** `asked`: by a person, not begun. `retrying`: it failed and begins again. Those two and `running` are under way. */
export const RUN_STATES = [
  'asked',
  'running',
  'retrying',
  'done',
  'failed',
  'timed-out',
  'died',
] as const
export type RunState = (typeof RUN_STATES)[number]

/** What becomes of ticks at which nobody was there: the newest runs late, each does, or none. */
export const MISSED = ['latest', 'each', 'skip'] as const
export type Missed = (typeof MISSED)[number]

/** Jobs whose ticks run once among all processes. The lock of a row makes processes claim one after another. */
export const scheduledJobs = pgTable('scheduled_jobs', {
  name: text().primaryKey(),
  about: text().notNull(),
  /** Cron expression, and the timezone in which it is read. */
  schedule: text().notNull(),
  timezone: text().notNull(),
  missed: text({ enum: MISSED }).notNull(),
  limitMs: ms('limit_ms').notNull(),
  /** The newest tick that was claimed or left out; at first, when the job was seen first. */
  lastTickMs: ms('last_tick_ms').notNull(),
  /** When a process last said that it runs this job, by the database's clock. */
  seenAtMs: ms('seen_at_ms').notNull(),
})

/** Every run of such a job: one row per tick, whoever ran it and however often it was begun. */
export const jobRuns = pgTable(
  'job_runs',
  {
    job: text().notNull(),
    /** The nominal time; of what a person asked for, when that was. */
    tickMs: ms('tick_ms').notNull(),
    state: text({ enum: RUN_STATES }).notNull(),
    /** Who asked; null = the schedule. */
    askedBy: text('asked_by'),
    /** How many ticks before this one it stands for. */
    missed: integer().notNull().default(0),
    /** How often it was begun. */
    attempt: integer().notNull().default(0),
    claimedBy: text('claimed_by'),
    /** Another process may take it over from then on, by the database's clock. */
    leaseUntilMs: ms('lease_until_ms').notNull(),
    startedAtMs: ms('started_at_ms'),
    endedAtMs: ms('ended_at_ms'),
    figures: jsonb().$type<Readonly<Record<string, unknown>>>(),
    error: text(),
  },
  (t) => [
    primaryKey({ columns: [t.job, t.tickMs] }),
    uniqueIndex('job_runs_one_at_a_time')
      .on(t.job)
      .where(sql`${t.state} in ('running', 'retrying')`),
    index('job_runs_under_way')
      .on(t.job)
      .where(sql`${t.state} in ('asked', 'running', 'retrying')`),
  ],
)
