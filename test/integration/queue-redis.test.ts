import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkRedis } from '../../src/queue/check-redis.ts'
import { connectCommands } from '../../src/queue/connection.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'

let server: Server
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const settings = () => ({ url: server.url, name: 'test', timeoutMs: 500 })

async function check(url = server.url) {
  const redis = connectCommands({ ...settings(), url })
  try {
    return await checkRedis(redis)
  } finally {
    redis.disconnect()
  }
}

async function configure(...pairs: string[]) {
  const redis = new Redis(server.url)
  await redis.config('SET', ...pairs)
  await redis.quit()
}

it('finds nothing wrong with the settings of the compose file', async () => {
  await configure('appendfsync', 'always')
  expect((await check()).warnings).toEqual([])
})

it('refuses a Redis that evicts keys, and says how to mend it', async () => {
  await configure('maxmemory-policy', 'allkeys-lru')
  await expect(check()).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    message: expect.stringContaining('CONFIG SET maxmemory-policy noeviction'),
  })
  await configure('maxmemory-policy', 'noeviction')
})

it('warns of writes that a crash may lose', async () => {
  await configure('appendfsync', 'everysec')
  expect((await check()).warnings).toEqual([expect.stringContaining('appendfsync always')])
})

it('says that the password is missing or wrong, naming REDIS_URL', async () => {
  const admin = new Redis(server.url)
  await admin.config('SET', 'requirepass', 'secret')
  const wrong = new URL(server.url)
  wrong.password = 'nope'
  for (const url of [server.url, wrong.href]) {
    await expect(check(url)).rejects.toMatchObject({
      code: 'REDIS_UNSUITABLE',
      message: expect.stringContaining('REDIS_URL'),
    })
  }
  await admin.config('SET', 'requirepass', '')
  await admin.quit()
})

it('a command gives up in time while Redis is frozen', async () => {
  const redis = connectCommands(settings())
  await redis.ping()
  await server.pause()
  await expect(checkRedis(redis)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await server.resume()
  redis.disconnect()
})
