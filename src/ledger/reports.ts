import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import { markReported } from './processes.ts'

const nano = z.int().min(0)

/** What is owed for one attempt, as whoever holds it knows it. */
export const OwedAttemptSchema = z.object({
  attempt: z.string(),
  job: z.string(),
  /** `held`: it was sent, or may have been. */
  as: z.enum(['held', 'settled', 'unconfirmed']),
  costNano: nano,
  rung: z.int(),
  holdNano: nano,
  capTokens: z.int(),
  n: z.int(),
  atMs: z.int(),
  windows: z.array(z.string()).readonly(),
  meta: z.string(),
  detail: z.string(),
})
export type OwedAttempt = Readonly<z.infer<typeof OwedAttemptSchema>>

/** Whose reports are what a slot still knew that was rolled back. */
export const SLOT_ITSELF = 'slot'

const PAGE_ROWS = 500

/**
 * Writes down all that a process owes, for the life that begins, and that this is all. Again is harmless.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export const report = (
  ledger: Ledger,
  { process, epoch }: { process: string; epoch: number },
  owed: readonly OwedAttempt[],
): Promise<void> =>
  ledger.transaction(async (tx) => {
    for (let at = 0; at < owed.length; at += PAGE_ROWS) {
      await insertReports(tx, process, epoch, owed.slice(at, at + PAGE_ROWS))
    }
    await markReported(tx, process, epoch)
  })

// Texts of JSON in JSON: an app's names may hold what PostgreSQL's jsonb refuses, but not once they are escaped twice.
const insertReports = (
  db: LedgerDb,
  process: string,
  epoch: number,
  owed: readonly OwedAttempt[],
): Promise<void> =>
  run(
    db,
    sql`
      insert into reports (epoch, attempt, process, body)
      select ${epoch}, one->>'attempt', ${process}, to_jsonb(one->>'body')
      from json_array_elements(${JSON.stringify(
        owed.map((one) => ({ attempt: one.attempt, body: JSON.stringify(one) })),
      )}::json) as one
      on conflict (epoch, attempt, process) do update set body = excluded.body`,
  )

const ReportRow = z.object({ body: z.string() })

/**
 * All that was reported for a life, with what slots of earlier ones still knew; known costs before holds, for a cost
 * that is known is never held again.
 */
export async function reportsOf({ db }: Ledger, epoch: number): Promise<OwedAttempt[]> {
  const rows = await rowsOf(
    db,
    ReportRow,
    sql`
      select body #>> '{}' as body from reports where epoch = ${epoch} or process = ${SLOT_ITSELF}
      order by attempt, epoch`,
  )
  const owed = rows.map(({ body }) => OwedAttemptSchema.parse(JSON.parse(body)))
  return owed.toSorted((a, b) => RANK[a.as] - RANK[b.as])
}

const RANK = { settled: 0, unconfirmed: 1, held: 2 } as const

/** The life has been opened: nobody asks for what was owed any more. */
export const forgetReports = ({ db }: Ledger, epoch: number): Promise<void> =>
  run(db, sql`delete from reports where epoch <= ${epoch}`)
