import { z } from 'zod'
import { DAY_MS, MOST_DAYS } from '../../cache/figures/shelf.ts'
import { toStats } from '../../cache/figures/stats.ts'
import { report } from '../../ledger/queries/report.ts'
import type { AdminCommand } from '../command.ts'
import { countAnswers } from './count-answers.ts'
import type { CachePlace } from './place.ts'
import { countedSinceMs } from './reset-metrics.ts'

const count = z.int().min(0)
const share = z.number().min(0).max(1).nullable()

const InputSchema = z.strictObject({
  /** How many, today included: of data by UTC day, of requests by 24 hours. */
  days: z.int().min(1).max(MOST_DAYS).default(1),
  tenant: z.string().min(1).max(256).optional(),
})

const RequestsSchema = z.object({
  tenant: z.string(),
  /** Answered from the cache, by another's call under way, and by a call of their own. */
  ...{ hits: count, joined: count, paid: count },
  /** Hits and joins of all that were answered; null = none were. */
  hitRate: share,
  costNano: z.int(),
  /** What the answers that were used again had cost when they were paid. */
  savedNano: count,
})
const time = z.number().nullable()
const DataSchema = z.object({
  ...{ namespace: z.string(), tenant: z.string() },
  ...{ hits: count, misses: count, loaded: count, joined: count },
  ...{ stale: count, unreadable: count, bytes: count },
  hitRate: share,
  readMs: z.object({ p50: time, p95: time, p99: time }),
})
const NoteSchema = z.object({ at: z.string(), by: z.string(), what: z.string(), dropped: count })

const StatsSchema = z.object({
  answers: z.object({ kept: count, bytes: count, counted: z.boolean() }),
  /** When somebody had requests and data counted anew within these days, ISO 8601; null = nobody did. */
  countedSince: z.string().nullable(),
  requests: z.array(RequestsSchema),
  data: z.array(DataSchema),
  memory: z.object({ usedBytes: count, maxBytes: count.nullable() }).nullable(),
  /** What operators dropped, newest first. */
  invalidated: z.array(NoteSchema),
})
export type CacheStatsView = Readonly<z.infer<typeof StatsSchema>>

const MOST_NOTES = 10

/** What the cache keeps, serves and saves. Throws STORE_UNAVAILABLE, LEDGER_UNAVAILABLE. */
export const cacheStats: AdminCommand<Readonly<z.infer<typeof InputSchema>>, CacheStatsView> = {
  name: 'cache-stats',
  role: 'viewer',
  summary: 'What the cache keeps, serves and saves.',
  input: InputSchema,
  output: StatsSchema,
  async run(place, { days, tenant }) {
    const [cache, ledger, nowMs] = [await place.cache(), await place.ledger(), Date.now()]
    const isWanted = (of: string) => tenant === undefined || of === tenant
    const [firstMs, resetMs] = [nowMs - days * DAY_MS, await countedSinceMs(place)]
    const fromMs = Math.max(firstMs, resetMs ?? 0)
    const spent = await report(ledger, { groupBy: 'tenant', fromMs })
    return {
      answers: await countAnswers(cache.answers, tenant),
      countedSince: fromMs > firstMs ? new Date(fromMs).toISOString() : null,
      requests: spent.rows.filter(({ group }) => isWanted(group)).map(requestsOf),
      data: toStats((await cache.figures?.read(days, nowMs)) ?? []).filter((one) =>
        isWanted(one.tenant),
      ),
      memory: await cache.memory(),
      invalidated: await lastNotes(cache),
    }
  },
}

type Row = Awaited<ReturnType<typeof report>>['rows'][number]

function requestsOf({ group, requests, costNano, savedNano }: Row): z.infer<typeof RequestsSchema> {
  const { cached: hits, joined, answered: paid } = requests
  const all = hits + joined + paid
  return {
    ...{ tenant: group, hits, joined, paid, costNano },
    hitRate: all === 0 ? null : (hits + joined) / all,
    savedNano: savedNano.cached + savedNano.joined + savedNano.embeddings,
  }
}

async function lastNotes({ answers }: CachePlace) {
  const lines = await answers.notes(MOST_NOTES)
  return lines.flatMap((line) => {
    const note = NoteSchema.safeParse(JSON.parse(line))
    return note.success ? [note.data] : []
  })
}
