import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { BursarError } from '../../errors.ts'
import { asking, type Ledger } from '../ledger.ts'
import { type EntryStatus, entries } from '../schema.ts'

/** One attempt as the ledger has it. Money in nano-USD, times in UTC ms, tokens in five disjoint buckets. */
export type Entry = typeof entries.$inferSelect

/** All given conditions hold; times are those of admission, `fromMs` included and `toMs` not. */
export interface EntryFilter {
  readonly tenant?: string
  readonly user?: string
  readonly tier?: string
  readonly model?: string
  readonly job?: string
  readonly status?: EntryStatus
  readonly overrun?: true
  /** Every pair must be there. */
  readonly tags?: Readonly<Record<string, string>>
  readonly fromMs?: number
  readonly toMs?: number
}

export interface Page {
  /** Rows, 1..1000; 100 when absent. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly after?: string
}

export interface EntryPage {
  /** Newest admission first. */
  readonly entries: readonly Entry[]
  /** null: this was the last page. */
  readonly next: string | null
}

const MAX_PAGE = 1_000

/** @throws {BursarError} INVALID_ARGUMENT for a page that no list gave, LEDGER_UNAVAILABLE. */
export async function listEntries(
  ledger: Ledger,
  filter: EntryFilter = {},
  page: Page = {},
): Promise<EntryPage> {
  const limit = Math.min(Math.max(1, page.limit ?? 100), MAX_PAGE)
  const rows = await asking(() =>
    ledger.db
      .select()
      .from(entries)
      .where(and(...conditions(filter), page.after === undefined ? undefined : before(page.after)))
      .orderBy(desc(entries.admittedAtMs), desc(entries.attempt))
      .limit(limit + 1),
  )
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { entries: shown, next: last ? `${last.admittedAtMs}_${last.attempt}` : null }
}

function conditions(filter: EntryFilter): (SQL | undefined)[] {
  const { tenant, user, tier, model, job, status, overrun, tags, fromMs, toMs } = filter
  return [
    tenant === undefined ? undefined : eq(entries.tenant, tenant),
    user === undefined ? undefined : eq(entries.userId, user),
    tier === undefined ? undefined : eq(entries.tier, tier),
    model === undefined ? undefined : eq(entries.model, model),
    job === undefined ? undefined : eq(entries.job, job),
    status === undefined ? undefined : eq(entries.status, status),
    overrun && sql`${entries.overrunNano} > 0`,
    tags && sql`${entries.tags} @> ${JSON.stringify(tags)}::text::jsonb`,
    fromMs === undefined ? undefined : gte(entries.admittedAtMs, fromMs),
    toMs === undefined ? undefined : lt(entries.admittedAtMs, toMs),
  ]
}

function before(cursor: string): SQL {
  const [, atMs, attempt] = /^(\d{1,15})_(.+)$/s.exec(cursor) ?? []
  if (atMs === undefined || attempt === undefined) {
    throw new BursarError(
      'INVALID_ARGUMENT',
      'this page is unknown: pass `next` of the page before',
    )
  }
  return sql`(${entries.admittedAtMs}, ${entries.attempt}) < (${Number(atMs)}, ${attempt})`
}
