import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { emptyDatabase, withClient } from '../helpers/postgres.ts'
import { connectRedis, redisTest } from '../helpers/redis.ts'
import { startPostgres, startRedis } from '../helpers/services/index.ts'

describe('the test services', () => {
  redisTest('the shared Redis runs as production does', async ({ redis }) => {
    expect(await redis.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always'])
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual([
      'maxmemory-policy',
      'noeviction',
    ])
  })

  test('databases are apart', async () => {
    const [a, b] = await Promise.all([emptyDatabase(), emptyDatabase()])
    expect(a).not.toBe(b)
    const version = await withClient(a, (client) => client.query('show server_version_num'))
    expect(Number(version.rows[0].server_version_num)).toBeGreaterThanOrEqual(140_000)
  })

  test('a killed Redis comes back with every acknowledged write', async () => {
    const server = await startRedis()
    try {
      const before = connectRedis({ url: server.url })
      before.on('error', () => {})
      await before.set('kept', '1')
      before.disconnect()
      await server.kill()
      await server.restart()
      const after = connectRedis({ url: server.url })
      expect(await after.get('kept')).toBe('1')
      await after.quit()
    } finally {
      await server.stop()
    }
  })

  test('a killed PostgreSQL comes back with every commit', async () => {
    const server = await startPostgres()
    try {
      await withClient(server.url, (client) => client.query('create table kept (n int)'))
      const witness = new Client(server.url)
      const cut = new Promise((resolve) => witness.once('error', resolve))
      await witness.connect()
      await server.kill()
      await cut
      await server.restart()
      await withClient(server.url, (client) => client.query('select n from kept'))
    } finally {
      await server.stop()
    }
  })

  test('a paused PostgreSQL answers when it is resumed, and not before', async () => {
    const server = await startPostgres()
    try {
      await withClient(server.url, async (client) => {
        await client.query('select 1')
        await server.pause()
        let resumed = false
        const answer = client.query('select 1').then(() => resumed)
        await new Promise(setImmediate)
        resumed = true
        await server.resume()
        expect(await answer).toBe(true)
      })
    } finally {
      await server.stop()
    }
  })
})
