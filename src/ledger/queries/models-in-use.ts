import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

const UsedRow = z.object({ provider: z.string(), model: z.string(), calls: SafeInteger })
/** A model that was called. */
export type UsedModel = Readonly<z.infer<typeof UsedRow>>

const DAY_MS = 86_400_000

/** The models that were called since an instant, by whole UTC days. @throws {BursarError} LEDGER_UNAVAILABLE. */
export const modelsInUse = ({ db }: Pick<Ledger, 'db'>, sinceMs: number): Promise<UsedModel[]> =>
  rowsOf(
    db,
    UsedRow,
    sql`
      select provider, model, sum(calls) as calls from usage_daily
      where day_ms >= ${Math.floor(sinceMs / DAY_MS) * DAY_MS}::bigint and kind = 'call' and provider <> ''
      group by provider, model having sum(calls) > 0 order by provider, model`,
  )
