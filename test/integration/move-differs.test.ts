import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readOptions } from '../../src/config/options.ts'
import { openEmbeddedDatabase } from '../../src/embedded/database.ts'
import type { BursarError } from '../../src/errors.ts'
import { moveFolder } from '../../src/move/move.ts'
import { withClient } from '../helpers/postgres.ts'
import {
  copyFolder,
  createTarget,
  createWorld,
  openRuntime,
  type TargetEnv,
  type World,
} from './move-world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

let folder: string
let target: TargetEnv
beforeEach(async () => {
  folder = await copyFolder(world)
  target = await createTarget()
})
afterEach(() => rm(folder, { recursive: true }))

const move = (signal?: AbortSignal) =>
  moveFolder({
    folder,
    options: readOptions({ ...world.env, ...target }),
    page: 1,
    ...(signal ? { signal } : {}),
  })

const stopAtOnce = () => {
  const stop = new AbortController()
  stop.abort()
  return stop.signal
}

async function inFolder(statement: string): Promise<void> {
  const { database, close } = await openEmbeddedDatabase({ folder })
  await database.exec(statement)
  await close()
}

async function slotThere(): Promise<string | null> {
  const redis = new Redis(target.REDIS_URL)
  const slot = await redis.get(`${target.BURSAR_PREFIX}:slot`)
  redis.disconnect()
  return slot
}

test('a move that is stopped keeps the folder from being used, and goes on when it is run again', async () => {
  await expect(move(stopAtOnce())).rejects.toMatchObject({ code: 'MOVE_STOPPED', retryable: true })
  expect(await slotThere()).toMatch(/^closed 2 /)
  const env = { ...world.env, BURSAR_DATA: folder }
  await expect(openRuntime(env, world.sandboxUrl)).rejects.toMatchObject({
    code: 'DATA_FOLDER_MOVED',
    message: expect.stringContaining('run bursar move again'),
  })
  await expect(move()).resolves.toMatchObject({ when: 'now' })
  expect(await slotThere()).toMatch(/^open 2 0 0 /)
})

test('a counter that the postings do not explain stops the move before anything is written', async () => {
  await inFolder(`
    update slot.record set value = jsonb_set(value::jsonb, '{spentNano}',
      to_jsonb((value::jsonb ->> 'spentNano')::bigint + 1))::text
    where kind = 'windows' and key like 'company:%'`)
  const error: BursarError = await move().catch((thrown) => thrown)
  expect(error).toMatchObject({ code: 'MOVE_DIFFERS' })
  expect(error.message).toMatch(/^the books in the folder do not agree/)
  expect(error.detail.differences).toEqual([expect.stringMatching(/^company:\S+: the counter has/)])
  expect(await slotThere()).toBeNull()
  expect(existsSync(join(folder, 'moved.json'))).toBe(false)
})

test.each([
  [
    'postings',
    'update postings set delta_nano = delta_nano + 1',
    /^postings: \d+ rows \(.+\) in the folder, \d+ \(/,
  ],
  ['entries', 'delete from entries where attempt = (select min(attempt) from entries)', null],
  ['requests', `update requests set outcome = 'failed'`, /^requests: .* some have another content/],
])(
  '%s that changed at the target while a move lay still are found, or copied again',
  async (table, change, found) => {
    const stop = new AbortController()
    const options = readOptions({ ...world.env, ...target })
    const stopped = moveFolder({
      ...{ folder, options, page: 50, signal: stop.signal },
      onProgress: ({ step }) => step === 'threshold_events' && stop.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ code: 'MOVE_STOPPED' })
    await withClient(target.DATABASE_URL, (client) => client.query(change))
    if (found === null) {
      await expect(move()).resolves.toMatchObject({ when: 'now' })
      return
    }
    const error: BursarError = await move().catch((thrown) => thrown)
    expect(error.code, table).toBe('MOVE_DIFFERS')
    expect(error.detail.differences).toEqual([expect.stringMatching(found)])
    expect(await slotThere()).toMatch(/^closed /)
  },
)

test('a Redis that lost what was moved so far is filled again', async () => {
  await expect(move(stopAtOnce())).rejects.toMatchObject({ code: 'MOVE_STOPPED' })
  const redis = new Redis(target.REDIS_URL)
  await redis.del(`${target.BURSAR_PREFIX}:slot`, `${target.BURSAR_PREFIX}:move`)
  redis.disconnect()
  await expect(move()).resolves.toMatchObject({ when: 'now' })
  expect(await slotThere()).toMatch(/^open 2 /)
})
