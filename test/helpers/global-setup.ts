import type { TestProject } from 'vitest/node'
import { createTemplate } from './postgres.ts'
import { startPostgres, startRedis } from './services/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A private Redis; share it by random prefixes (`freshPrefix`), never flush it. */
    redisUrl: string
    /** The maintenance database of a private PostgreSQL; ask `freshDatabase` for one of your own. */
    databaseUrl: string
  }
}

/** Starts one Redis and one PostgreSQL for the whole run and hands their URLs to the tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startRedis(), startPostgres()])
  const servers = started.filter((one) => one.status === 'fulfilled').map((one) => one.value)
  const stopAll = async () => {
    await Promise.all(servers.map((server) => server.stop()))
  }
  const [redis, postgres] = servers
  const failed = started.find((one) => one.status === 'rejected')
  if (failed || !redis || !postgres) {
    await stopAll()
    throw failed?.reason
  }
  await createTemplate(postgres.url)
  project.provide('redisUrl', redis.url)
  project.provide('databaseUrl', postgres.url)
  return stopAll
}
