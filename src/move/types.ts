import { z } from 'zod'

/**
 * Tables of the ledger's database that are copied: all but `slot`, which is written anew, and those of processes that
 * run, of which a folder at rest has none.
 */
export const TABLES = [
  'policies',
  'postings',
  'entries',
  'requests',
  'window_totals',
  'dropped_months',
  'window_forward',
  'usage_hourly',
  'usage_daily',
  'usage_monthly',
  'usage_tags',
  'usage_company_hourly',
  'usage_company_daily',
  'usage_company_monthly',
  'usage_tenants_daily',
  'usage_tenants_monthly',
  'usage_company_tags',
  'usage_users_daily',
  'usage_users_monthly',
  'usage_keys_daily',
  'usage_keys_monthly',
  'threshold_events',
  'ledger_conflicts',
  'api_keys',
  'credits',
  'user_tiers',
  'audit',
  'job_webhooks',
  'job_webhook_tries',
  'price_snapshots',
  'adjustments',
  'closes',
  'close_totals',
  'close_adjustments',
  'scheduled_jobs',
  'job_runs',
  'alerts',
  'alert_history',
  'alert_marks',
  'alert_notices',
  'alert_deliveries',
  'alert_tries',
] as const
export type Table = (typeof TABLES)[number]

const count = z.int().min(0)

/** What a folder has, or what was moved out of it. */
export const MoveSummarySchema = z.object({
  /** Of all tables of the ledger. */
  rows: count,
  /** Budget windows that have a counter. */
  windows: count,
  /** What is known of jobs (their takes, how they ended) and of attempts that have ended. */
  jobs: count,
  attempts: count,
  /** Results that callers may still ask for, and bodies that are kept beside the queue. */
  results: count,
  bodies: count,
  /** Limits and closed gates. */
  limits: count,
  /** Jobs that wait for a worker, and those that wait for a time. */
  queued: count,
  parked: count,
})
export type MoveSummary = Readonly<z.infer<typeof MoveSummarySchema>>

/** How far a move is: `done` of `total` rows, records and jobs. */
export interface MoveProgress {
  readonly done: number
  readonly total: number
  readonly step: string
}

/** What a step of a move is given to tell how far it is, and to hear that it shall stop. */
export interface Ticker {
  /** Tells that so many more are done. @throws {BursarError} MOVE_STOPPED when somebody wants the move to stop. */
  tick(count: number, step: string): void
}
