import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { limitsFor } from '../../admission/plan/limit-lines.ts'
import { OWN_TAGS } from '../../admission/plan/own-tags.ts'
import type { LimitLine } from '../../admission/plan-lines.ts'
import type { Policy } from '../../config/policy-types.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import type { World } from '../place.ts'
import type { Found, Rule } from './rule.ts'

const RECENT_MS = 10 * 60_000
/** Who asked most of late, and with which tags that limits go by: nobody else is near a limit. */
const MOST_ASKERS = 100

const Asker = z.object({
  tenant: z.string(),
  user: z.string(),
  tier: z.string(),
  tags: z.record(z.string(), z.string()),
})

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
  // What a request was for is not on record: each limit that counts one thing alone is looked at.
  const resources = [
    undefined,
    ...new Set(world.policy.limits.flatMap(({ resource = [] }) => resource)),
  ]
  return askers.flatMap((asker) =>
    resources
      .flatMap((resource) => limitsFor(world.policy, { ...asker, ...(resource && { resource }) }))
      // A call that is under way is no sign of anything.
      .filter(({ line }) => line.kind !== 'concurrent')
      .map(({ line, counts }) => ({ line, counts, tenant: asker.tenant })),
  )
}

/** Names of the tags that some limit goes by. */
const tagsOfLimits = ({ limits }: Policy): string[] =>
  limits.flatMap(({ scope }) => {
    if (scope.kind === 'tag') return [scope.key]
    if (scope.kind === 'session' || scope.kind === 'run' || scope.kind === 'key')
      return [OWN_TAGS[scope.kind]]
    return []
  })

const recentAskers = ({ ledger, nowMs, policy }: World) =>
  rowsOf(
    ledger.db,
    Asker,
    sql`
      with named as (
        select array(
          select json_array_elements_text(${JSON.stringify(tagsOfLimits(policy))}::text::json)) as names),
      recent as (
        select tenant, user_id, tier, coalesce((
          select jsonb_object_agg(key, value) from jsonb_each_text(tags), named
          where key = any(names)), '{}') as tags
        from requests
        where ended_at_ms >= ${nowMs - RECENT_MS}::bigint
          and tenant is not null and user_id is not null and tier is not null)
      select tenant, user_id as "user", tier, tags from recent
      group by 1, 2, 3, 4 order by count(*) desc limit ${MOST_ASKERS}`,
  )

const mostOf = (line: LimitLine): number => (line.kind === 'token-bucket' ? line.burst : line.limit)
