import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../../ledger/columns.ts'
import { type Ledger, rowsOf } from '../../ledger/ledger.ts'

/** A delivery in the hands of one process alone. */
export interface Claim {
  readonly state: 'claimed'
  /** Which try it is, from 1. */
  readonly tries: number
  readonly notice: string
  readonly channel: string
}

export type Claimed =
  | Claim
  /** Sent, given up, or gone. */
  | { readonly state: 'over' }
  /** Another process has it, or had it when it died. */
  | { readonly state: 'busy'; readonly forMs: number }

export interface ClaimParts {
  readonly process: string
  /** Longer than any try takes, ms. */
  readonly claimMs: number
  readonly nowMs: number
}

/** The database's own clock: processes need not agree on the time. */
export const DB_NOW = sql.raw('(extract(epoch from clock_timestamp()) * 1000)::bigint')

const Row = z.object({ tries: z.number(), notice: z.string(), channel: z.string() })
const Left = z.object({ state: z.string(), for: SafeInteger })

/**
 * Takes a delivery and writes the try down before it is made, as one that nobody knows the end of: so it stays when this
 * process dies. @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function claimTry(
  ledger: Ledger,
  id: string,
  { process, claimMs, nowMs }: ClaimParts,
): Promise<Claimed> {
  const [taken] = await rowsOf(
    ledger.db,
    Row,
    sql`
      with taken as (
        update alert_deliveries set tries = tries + 1, claimed_until_ms = ${DB_NOW} + ${claimMs}::bigint
        where id = ${id} and state = 'waiting' and claimed_until_ms <= ${DB_NOW}
        returning id, tries, notice, channel
      ), tried as (
        insert into alert_tries (delivery, n, process, at_ms, outcome)
        select id, tries, ${process}, ${nowMs}::bigint, 'unknown' from taken
      )
      select tries, notice, channel from taken`,
  )
  if (taken) return { state: 'claimed', ...taken }
  const [left] = await rowsOf(
    ledger.db,
    Left,
    sql`select state, claimed_until_ms - ${DB_NOW} as for from alert_deliveries where id = ${id}`,
  )
  if (left?.state !== 'waiting') return { state: 'over' }
  return { state: 'busy', forMs: Math.max(left.for, 0) }
}
