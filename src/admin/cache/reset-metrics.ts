import { z } from 'zod'
import { listChanges } from '../../ledger/audit.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'

const ResetSchema = z.object({
  /** From when on is counted, ISO 8601. */
  countedSince: z.string(),
  /** What could not be forgotten, and why. */
  notes: z.array(z.string()),
})
export type MetricsReset = Readonly<z.infer<typeof ResetSchema>>

const InputSchema = z.strictObject({})
const NAME = 'cache-reset-metrics'
const OWN_MEMORY =
  'embedded, programs count their data in their own memory: it begins anew with them'

/**
 * Has what the cache did counted anew from now on: hits, misses and times of data are forgotten, and of requests those
 * that ended before are left out. The ledger keeps every one of them. Throws STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export const cacheResetMetrics: AdminCommand<
  Readonly<z.infer<typeof InputSchema>>,
  MetricsReset
> = {
  name: NAME,
  role: 'admin',
  summary: 'Counts what the cache does anew from now on; the ledger keeps what was.',
  input: InputSchema,
  output: ResetSchema,
  async run(place) {
    const { figures } = await place.cache()
    const nowMs = Date.now()
    await figures?.clear(nowMs)
    return {
      countedSince: new Date(nowMs).toISOString(),
      notes: figures === null ? [OWN_MEMORY] : [],
    }
  },
}

const Done = z.object({ countedSince: z.iso.datetime().transform(Date.parse) })
/** Of some orders in a row the newest may have failed. */
const LOOKS_BACK = 20

/** When the figures of the cache were reset last, by the audit log, UTC ms; null = never. Throws LEDGER_UNAVAILABLE. */
export async function countedSinceMs(place: Pick<AdminPlace, 'ledger'>): Promise<number | null> {
  const changes = await listChanges(await place.ledger(), { action: NAME, limit: LOOKS_BACK })
  const done = changes.find(({ outcome }) => outcome === 'done')
  return done ? (Done.safeParse(done.result).data?.countedSince ?? null) : null
}
