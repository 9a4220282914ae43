import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { limitsFor } from '../../admission/plan/limit-lines.ts'
import type { LimitLine } from '../../admission/plan-lines.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import type { World } from '../place.ts'
import type { Found, Rule } from './rule.ts'

const RECENT_MS = 10 * 60_000
/** Who asked most of late: nobody else is near a limit. */
const MOST_ASKERS = 100

const Asker = z.object({ tenant: z.string(), user: z.string(), tier: z.string() })

/** A request or token limit is nearly used up. @param above - percent. */
export const limitNear: Rule = {
  name: 'limit-near',
  async look(world, above) {
    const limits = new Map((await limitsInUse(world)).map((one) => [one.line.key, one]))
    const lines = [...limits.values()].map(({ line }) => line)
    const states = lines.length > 0 ? await world.slot.peekLimits(lines) : []
    return states.flatMap(({ key, remaining }): Found[] => {
      const limit = limits.get(key)
      if (!limit) return []
      const most = mostOf(limit.line)
      const value = most > 0 ? Math.floor(((most - remaining) / most) * 100) : 0
      if (value <= above) return []
      const [name = '', ...subject] = key.split('/')
      const about = { limit: name, subject: subject.join('/'), counts: limit.counts }
      const measure = { value, threshold: above, unit: 'percent', overMs: null } as const
      return [
        {
          scope: `limit ${key}`,
          tenant: limit.tenant,
          facts: { rule: 'limit-near', ...about, ...measure },
        },
      ]
    })
  },
}

async function limitsInUse(world: World) {
  const askers = await recentAskers(world)
  return askers.flatMap(({ tenant, user, tier }) =>
    limitsFor(world.policy, { tenant, user, tier, tags: {} })
      // A call that is under way is no sign of anything.
      .filter(({ line }) => line.kind !== 'concurrent')
      .map(({ line, counts }) => ({ line, counts, tenant })),
  )
}

const recentAskers = ({ ledger, nowMs }: World) =>
  rowsOf(
    ledger.db,
    Asker,
    sql`
      select tenant, user_id as "user", tier from requests
      where ended_at_ms >= ${nowMs - RECENT_MS}::bigint
        and tenant is not null and user_id is not null and tier is not null
      group by 1, 2, 3 order by count(*) desc limit ${MOST_ASKERS}`,
  )

const mostOf = (line: LimitLine): number => (line.kind === 'token-bucket' ? line.burst : line.limit)
