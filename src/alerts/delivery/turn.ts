import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../../ledger/columns.ts'
import { type Ledger, rowsOf, run } from '../../ledger/ledger.ts'
import { lockMark, moveMark } from '../book.ts'
import { DB_NOW } from './claim.ts'

/** Slack takes one message a second per hook. @see https://docs.slack.dev/apis/web-api/rate-limits/ */
export const TURN_MS = 1_000

const Turn = z.object({ turn: SafeInteger.nullable(), now: SafeInteger })

/**
 * Waits in line for a channel that takes one message at a time, among all processes.
 * @returns how long to wait, ms; 0 = it may be sent now, and nobody else may for `TURN_MS`.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export const takeTurn = (
  ledger: Ledger,
  delivery: string,
  line: string,
  turnMs = TURN_MS,
): Promise<number> =>
  ledger.transaction(async (tx) => {
    const freeAtMs = await lockMark(tx, `line ${line}`)
    const sentAtMs = await lockMark(tx, `sent ${line}`)
    const [row] = await rowsOf(
      tx,
      Turn,
      sql`select turn_at_ms as turn, ${DB_NOW} as now from alert_deliveries where id = ${delivery}`,
    )
    if (!row) return 0
    const turn = row.turn ?? Math.max(freeAtMs, row.now)
    if (row.turn === null) {
      await moveMark(tx, `line ${line}`, turn + turnMs)
      await run(
        tx,
        sql`update alert_deliveries set turn_at_ms = ${turn}::bigint where id = ${delivery}`,
      )
    }
    // Whoever was late may have gone a moment ago.
    const atMs = Math.max(turn, sentAtMs + turnMs)
    if (atMs > row.now) return atMs - row.now
    await moveMark(tx, `sent ${line}`, row.now)
    return 0
  })
