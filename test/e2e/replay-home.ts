import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { inject } from 'vitest'
import { z } from 'zod'
import { onDatabase, withClient } from '../helpers/postgres.ts'
import { connectRedis } from '../helpers/redis.ts'
import { isEmbedded } from '../integration/queue-rig.ts'
import type { Replayed, Servers } from './run-replay.ts'

const Entry = z.object({
  attempt: z.string(),
  status: z.string(),
  cost: z.coerce.number(),
  overrun: z.coerce.number(),
})
export type Entry = z.infer<typeof Entry>

/** Where replays run, and how it is looked at without any code of Bursar's. */
export interface ReplayHome {
  /** What leads a replay there. */
  servers(): Servers
  /** Takes workers' lives, where workers have lives of their own. */
  readonly deaths: readonly string[]
  /** The ledger that a replay kept. */
  entriesIn(replayed: Replayed): Promise<Entry[]>
  /** Names of all replays that have something there. */
  workspaces(): Promise<Set<string>>
}

const ENTRIES = 'select attempt, status, cost_nano as cost, overrun_nano as overrun from entries'

const onServers: ReplayHome = {
  servers: () => ({ REDIS_URL: inject('redisUrl'), DATABASE_URL: inject('databaseUrl') }),
  deaths: ['--kill-every', '3'],
  entriesIn: ({ database }) =>
    withClient(onDatabase(inject('databaseUrl'), database), async (client) =>
      z.array(Entry).parse((await client.query(ENTRIES)).rows),
    ),
  async workspaces() {
    const redis = connectRedis()
    const keys = await redis.keys('*bursar-replay-*')
    await redis.quit()
    const { rows } = await withClient(inject('databaseUrl'), (client) =>
      client.query({ text: 'select datname from pg_database', rowMode: 'array' }),
    )
    const names = [...keys, ...rows.flat().map(String)]
    return new Set(
      names.flatMap((name) => /bursar[-_]replay[-_]([0-9a-f]{8})/.exec(name)?.[1] ?? []),
    )
  },
}

const inFolders: ReplayHome = {
  servers: () => ({}),
  deaths: [],
  async entriesIn({ folder }) {
    const database = await PGlite.create({ dataDir: join(folder, 'data', 'pgdata') })
    const { rows } = await database.query(ENTRIES)
    await database.close()
    return z.array(Entry).parse(rows)
  },
  async workspaces() {
    const names = await readdir(tmpdir())
    return new Set(names.filter((name) => name.startsWith('bursar-replay-')))
  },
}

export const home: ReplayHome = isEmbedded ? inFolders : onServers
