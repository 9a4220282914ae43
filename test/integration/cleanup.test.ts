import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cleanup } from '../../jobs/cleanup.ts'
import { redisSessions } from '../../src/access/sessions/redis/sessions.ts'
import { dataPrefix, redisDataStore } from '../../src/cache/data/redis-store.ts'
import { lockFolder } from '../../src/embedded/folder-lock.ts'
import { outageRoot } from '../../src/outage/allowance/start.ts'
import { claimFolder, forgetFolders } from '../../src/outage/journal/folders.ts'
import { askForRun, listJobs, listRuns } from '../../src/schedule/history.ts'
import { startScheduler } from '../../src/schedule/scheduler.ts'
import { connectRedis } from '../helpers/redis.ts'
import { isEmbedded, type Rig, startRig, until } from './queue-rig.ts'

const DAY_MS = 86_400_000
const OLD = new Date(Date.now() - 2 * DAY_MS)

/** A folder as a process left it two days ago. */
function leftBy(root: string, name: string, journal: string): string {
  const path = join(root, name)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'journal'), journal)
  utimesSync(path, OLD, OLD)
  return path
}

describe.skipIf(isEmbedded)('cleanup', () => {
  let rig: Rig
  let redis: Redis
  beforeAll(async () => {
    rig = await startRig()
    redis = connectRedis()
  })
  afterAll(async () => {
    await redis.quit()
    await rig.close()
  })

  // Red when: a name whose value lives is taken out of its tag; a scope with `}:t:` in its name is taken for another;
  // a journal that says anything, a folder of a process that lives or a fresh one goes.
  test('what ended is forgotten and counted in the history, what lives stays', async () => {
    const { runtime, options } = rig
    const data = redisDataStore(redis, dataPrefix(options.BURSAR_PREFIX))
    const [scope, odd] = ['courses/acme', 'odd}:t:one']
    const of = (key: string, ttlMs: number) => ({
      key,
      value: key,
      ttlMs,
      tags: ['course-7', '}:t:'],
    })
    await data.put(scope, [of('gone', 1), of('stays', 60_000)])
    await data.put(odd, [of('gone', 1), of('stays', 60_000)])
    const sessions = (now?: () => number) =>
      redisSessions({ redis, prefix: options.BURSAR_PREFIX, ...(now && { now }) })
    await sessions(() => OLD.getTime() - 60 * DAY_MS).open({ user: 'ann' })
    const { token } = await sessions().open({ user: 'ben' })
    const root = outageRoot(options.BURSAR_DATA)
    const [empty, owes, lived] = [
      leftBy(root, '700', ''),
      leftBy(root, '701', 'money'),
      leftBy(root, '702', ''),
    ]
    const lock = lockFolder(lived)
    utimesSync(lived, OLD, OLD)
    const fresh = join(root, '703')
    mkdirSync(fresh)
    await until(async () => (await data.get(scope, ['gone']))[0] === null)

    const scheduler = startScheduler([cleanup], { ...runtime, parts: runtime })
    await until(async () => (await listJobs(runtime.ledger)).length > 0)
    const atMs = Date.now()
    await askForRun(runtime.ledger, 'cleanup', 'test', atMs)
    const newest = async () => (await listRuns(runtime.ledger, { job: 'cleanup', limit: 1 }))[0]
    await until(async () => (await newest())?.state === 'done')
    await scheduler.close()
    // Two scopes, two tags each.
    expect((await newest())?.figures).toMatchObject({ sessions: 1, tags: 4, index: 2, journals: 1 })

    expect(await data.dropTagged(scope, 'course-7')).toBe(1)
    expect(await data.dropTagged(odd, '}:t:')).toBe(1)
    expect((await sessions().touch(token))?.user).toBe('ben')
    expect([empty, owes, lived, fresh].map(existsSync)).toEqual([false, true, true, true])
    lock.release()
  })

  test('an empty folder goes, and whoever comes next makes it again', () => {
    const root = join(rig.options.BURSAR_DATA, 'taken')
    for (let n = 0; n < 20; n += 1) {
      const { path, lock } = claimFolder(root)
      lock.release()
      utimesSync(path, OLD, OLD)
      expect(forgetFolders(root, Date.now() - DAY_MS)).toBe(1)
      expect(existsSync(path)).toBe(false)
    }
  })
})
