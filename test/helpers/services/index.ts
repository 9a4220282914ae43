export { ensureServices } from './ensure.ts'
export { type PostgresOptions, startPostgres } from './postgres.ts'
export { type RedisOptions, startRedis } from './redis.ts'
export type { Server } from './server.ts'
