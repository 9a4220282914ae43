import { z } from 'zod'
import { DAY_MS } from '../../cache/figures/shelf.ts'
import { tenantHash } from '../../cache/walls.ts'
import { isBursarError } from '../../errors.ts'
import { outcomeCounts } from '../../ledger/queries/outcome-counts.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import type { CachePlace } from './place.ts'
import { countedSinceMs } from './reset-metrics.ts'

const CheckSchema = z.object({
  name: z.enum(['reachable', 'quick', 'hit rate', 'memory', 'readable']),
  ok: z.boolean(),
  /** What was found, for a person. */
  found: z.string(),
  /** What to do, where it is not well; '' = nothing. */
  mend: z.string(),
})
const HealthSchema = z.object({ ok: z.boolean(), checks: z.array(CheckSchema) })
type Check = Readonly<z.infer<typeof CheckSchema>>
export type CacheHealth = Readonly<z.infer<typeof HealthSchema>>

const InputSchema = z.strictObject({})

/** Looks at how the cache is: reachable, quick, used, and not full. What is away is an answer, not an error. */
export const cacheHealth: AdminCommand<Readonly<z.infer<typeof InputSchema>>, CacheHealth> = {
  name: 'cache-health',
  role: 'viewer',
  summary: 'Whether the cache is reachable, quick, used and not full.',
  input: InputSchema,
  output: HealthSchema,
  async run(place) {
    const checks = await examine(place)
    return { ok: checks.every(({ ok }) => ok), checks }
  },
}

async function examine(place: AdminPlace): Promise<Check[]> {
  try {
    const cache = await place.cache()
    const quick = await checkTime(cache)
    const reachable = well('reachable', 'it answers')
    const others = [await checkMemory(cache), await checkReadable(cache), await checkRate(place)]
    return [reachable, quick, ...others]
  } catch (error) {
    if (!isBursarError(error, 'STORE_UNAVAILABLE')) throw error
    return [ill('reachable', error.message, 'look at REDIS_URL and at the server: bursar doctor')]
  }
}

const well = (name: Check['name'], found: string): Check => ({ name, ok: true, found, mend: '' })
const ill = (name: Check['name'], found: string, mend: string): Check => ({
  ...{ name, found, mend },
  ok: false,
})

const LOOKS = 50
const MOST_MS = 100

/** What a cached answer waits for is one look. */
async function checkTime({ answers }: CachePlace): Promise<Check> {
  const times: number[] = []
  for (let look = 0; look < LOOKS; look++) {
    const startedMs = performance.now()
    await answers.look([`${tenantHash('')}:${look}`])
    times.push(performance.now() - startedMs)
  }
  const p95 = times.toSorted((a, b) => a - b)[Math.ceil(0.95 * LOOKS) - 1] ?? 0
  const found = `95 of 100 looks take ${p95.toFixed(1)} ms at most`
  if (p95 < MOST_MS) return well('quick', found)
  return ill('quick', found, `look for slow commands and a far network: ${MOST_MS} ms are too many`)
}

const MOST_FULL = 0.9

async function checkMemory({ memory }: CachePlace): Promise<Check> {
  const known = await memory()
  if (known === null) return well('memory', 'in the memory of the process')
  const { usedBytes, maxBytes } = known
  const used = `${(usedBytes / 2 ** 20).toFixed(1)} MiB`
  if (maxBytes === null) return well('memory', `${used}; maxmemory is not set`)
  const full = usedBytes / maxBytes
  const found = `${used}, ${Math.round(full * 100)}% of maxmemory`
  if (full < MOST_FULL) return well('memory', found)
  return ill('memory', found, 'raise maxmemory, or shorten cache.responses.ttl')
}

const MOST_UNREADABLE = 0.01

async function checkReadable({ figures }: CachePlace): Promise<Check> {
  const lines = (await figures?.read(1, Date.now())) ?? []
  const sum = (what: 'hits' | 'misses' | 'unreadable') =>
    lines.reduce((total, { counts }) => total + counts[what], 0)
  const [asked, unreadable] = [sum('hits') + sum('misses'), sum('unreadable')]
  const found = `${unreadable} of ${asked} values of today were of no use`
  if (asked === 0 || unreadable / asked <= MOST_UNREADABLE) return well('readable', found)
  return ill('readable', found, 'look whether every process has the same BURSAR_CACHE_KEYS')
}

/** Fewer say nothing. */
const FEWEST_REQUESTS = 100

async function checkRate(place: AdminPlace): Promise<Check> {
  const { hitRateTarget = null } = (await policyInForce(place)).cache
  const range = { fromMs: Math.max(Date.now() - DAY_MS, (await countedSinceMs(place)) ?? 0) }
  const { cached, joined, answered } = await outcomeCounts(await place.ledger(), range)
  const all = cached + joined + answered
  const rate = all === 0 ? 0 : (cached + joined) / all
  const found = `${(rate * 100).toFixed(1)}% of ${all} answers in 24 hours cost nothing`
  const target = hitRateTarget === null ? '' : `; the policy wants ${hitRateTarget}%`
  const isWell = hitRateTarget === null || all < FEWEST_REQUESTS || rate * 100 >= hitRateTarget
  if (isWell) return well('hit rate', found + target)
  const mend =
    'CACHE_DEBUG says of each request why it was no hit; a longer cache.responses.ttl and cache.warming help'
  return ill('hit rate', found + target, mend)
}
