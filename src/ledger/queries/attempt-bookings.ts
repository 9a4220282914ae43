import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { ENTRY_STATUSES } from '../schema.ts'

const Booking = z.object({
  attempt: z.string(),
  job: z.string(),
  bookedNano: SafeInteger,
  status: z.enum(ENTRY_STATUSES),
  overrunNano: SafeInteger,
})

/** What one attempt has booked, for comparing with a bill. */
export type AttemptBooking = z.infer<typeof Booking>

const PAGE_ROWS = 5_000

/** Every attempt in the ledger, ordered by its id; one page in memory at a time, and no connection kept between pages. */
export async function* attemptBookings(
  ledger: Ledger,
  pageRows = PAGE_ROWS,
): AsyncGenerator<AttemptBooking, void> {
  let after = ''
  while (true) {
    const page = await rowsOf(
      ledger.db,
      Booking,
      sql`
        select attempt, job, cost_nano as "bookedNano", status, overrun_nano as "overrunNano"
        from entries where attempt > ${after} order by attempt limit ${pageRows}`,
    )
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageRows) return
    after = last.attempt
  }
}

/** What these attempts have booked; those without an entry are absent. */
export const bookingsOf = (
  ledger: Ledger,
  attempts: readonly string[],
): Promise<AttemptBooking[]> =>
  rowsOf(
    ledger.db,
    Booking,
    sql`
      select attempt, job, cost_nano as "bookedNano", status, overrun_nano as "overrunNano"
      from entries
      where attempt in (select json_array_elements_text(${JSON.stringify(attempts)}::text::json))`,
  )
