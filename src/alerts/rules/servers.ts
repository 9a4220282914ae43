import { sql } from 'drizzle-orm'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { SafeInteger } from '../../ledger/columns.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import type { World } from '../place.ts'
import type { Found, Rule } from './rule.ts'

/** @param above - percent of `maxmemory`; without one there is nothing to fill. */
export const redisMemory: Rule = {
  name: 'redis-memory',
  async look({ redis }, above) {
    if (!redis) return []
    const field = await infoOf(redis.commands, 'memory')
    const value = percentOf(field('used_memory'), field('maxmemory'))
    if (value <= above) return []
    const measure = { value, threshold: above, unit: 'percent', overMs: null } as const
    return [{ scope: 'redis', facts: { rule: 'redis-memory', ...measure } }]
  },
}

/** Redis or PostgreSQL is about to take no more connections. @param above - percent. */
export const connections: Rule = {
  name: 'connections',
  async look(world, above) {
    const used = [
      { server: 'redis', value: await redisConnections(world) },
      { server: 'postgres', value: await postgresConnections(world) },
    ] as const
    return used.flatMap(({ server, value }): Found[] => {
      if (value <= above) return []
      const measure = { value, threshold: above, unit: 'percent', overMs: null } as const
      return [{ scope: server, facts: { rule: 'connections', server, ...measure } }]
    })
  },
}

async function redisConnections({ redis }: World): Promise<number> {
  if (!redis) return 0
  const field = await infoOf(redis.commands, 'clients')
  return percentOf(field('connected_clients'), field('maxclients'))
}

const Connections = z.object({ used: SafeInteger, most: SafeInteger })

async function postgresConnections({ ledger, redis }: World): Promise<number> {
  // PGlite has one, and it is ours.
  if (!redis) return 0
  const [row] = await rowsOf(
    ledger.db,
    Connections,
    sql`
      select (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
        current_setting('max_connections') as most`,
  )
  return row ? percentOf(row.used, row.most) : 0
}

async function infoOf(redis: Redis, section: string): Promise<(name: string) => number> {
  const info = await redis.info(section)
  return (name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
}

const percentOf = (used: number, most: number): number =>
  most > 0 ? Math.floor((used / most) * 100) : 0
