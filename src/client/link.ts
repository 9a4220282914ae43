import type { Redis } from 'ioredis'
import { createRedisStore } from '../admission/redis/store.ts'
import type { AdmissionStore, Signals } from '../admission/store.ts'
import { readCacheKeys } from '../cache/codec/keys.ts'
import { type Answers, createAnswers } from '../cache/responses/answers.ts'
import { createKeeper, type Keeper } from '../cache/responses/keeper.ts'
import { createNearCache } from '../cache/responses/near-cache.ts'
import type { Options } from '../config/options.ts'
import { BursarError } from '../errors.ts'
import { createGuard, type Guard } from '../outage/guard.ts'
import { guardedStore } from '../outage/guarded-store.ts'
import { impatient } from '../outage/impatient.ts'
import { createOutageAnswers, type OutageAnswers } from '../outage/outage-answers.ts'
import { redisBackend } from '../queue/backend.ts'
import { redisError } from '../queue/check-redis.ts'
import type { Clock } from '../queue/clock.ts'
import { connectCommands, connectPatient } from '../queue/connection.ts'
import { createLossWatch } from '../queue/lost-jobs.ts'
import { type PolicyShelf, redisShelf } from '../queue/published-policy.ts'
import { closeQueues, openQueues, type Queues } from '../queue/queues.ts'
import { createResults, type Results } from '../queue/results.ts'
import type { LogSource } from '../queue/streams/follow.ts'
import { createLogSource } from '../queue/streams/redis-log-source.ts'
import { createKeepAlive, letExit } from './idle.ts'

/** A connected client's parts. */
export interface LinkParts {
  readonly shelf: PolicyShelf
  readonly store: AdmissionStore & Signals
  /** The same, for work that the guard watches as a whole; absent = `store` is it. */
  readonly bare?: AdmissionStore
  readonly queues: () => Queues
  readonly results: Results
  readonly logs: () => LogSource
  /** Kept answers as this process reads them. */
  readonly kept: Answers
  /** Stands before a Redis that may be away; absent = there is none to be away. */
  readonly guard?: Guard
  /** What can be answered while it is away; absent = nothing. */
  readonly outage?: OutageAnswers
}

/** What a gateway shares with its client; a client of its own has its own. */
export interface LinkOutage {
  readonly guard: Guard
  readonly answers: OutageAnswers
  readonly kept: Answers
}

/**
 * The client's way to Redis. It connects at the first use. Idle connections do not keep the process alive; work under
 * way does.
 */
export interface Link {
  /** Runs one operation over the connected parts. @throws {BursarError} STORE_UNAVAILABLE, REDIS_UNSUITABLE. */
  use<T>(work: (parts: LinkParts) => Promise<T>): Promise<T>
  close(): Promise<void>
}

type LinkOptions = Pick<
  Options,
  | 'REDIS_URL'
  | 'BURSAR_PREFIX'
  | 'BURSAR_QUEUE_PREFIX'
  | 'REDIS_COMMAND_TIMEOUT_MS'
  | 'BURSAR_CACHE_KEYS'
>

/** @throws {BursarError} INVALID_OPTIONS when nobody said where Redis is, or a key of BURSAR_CACHE_KEYS is wrong. */
export function createLink(options: LinkOptions, clock: Clock, shared?: LinkOutage): Link {
  const { REDIS_URL: url, BURSAR_PREFIX: prefix } = options
  if (!url) throw noRedis()
  const closers: (() => unknown)[] = []
  const alive = createKeepAlive()
  const guard = shared?.guard ?? createGuard()
  const kept = shared?.kept ?? createAnswers(keeperOf(options), createNearCache())
  const outage = shared?.answers ?? createOutageAnswers({ guard, near: kept.near })
  if (!shared) closers.push(() => guard.close())
  let closed = false
  let connecting: Promise<LinkParts> | null = null
  let connected: LinkParts | null = null

  async function connect(): Promise<LinkParts> {
    const settings = { url: url ?? '', name: 'bursar-client' }
    const timeoutMs = options.REDIS_COMMAND_TIMEOUT_MS
    const redis = letExit(connectCommands({ ...settings, timeoutMs }))
    try {
      await redis.connect()
      const bare = await createRedisStore({
        redis,
        prefix,
        ...(clock.virtual ? { clock: () => clock.now() } : {}),
      })
      const store = guardedStore(bare, guard)
      const queues = once(
        () => openQueues(redisBackend(redis, options.BURSAR_QUEUE_PREFIX)),
        closeQueues,
      )
      const results = createResults(store, createLossWatch(bare, queues))
      closers.push(
        () => redis.disconnect(),
        () => store.close(),
        () => results.close(),
        guard.probe(() => redis.ping()),
        () => (shared ? undefined : outage.close()),
      )
      const logs = once(() => createLogSource(redis, subscriber()))
      const shelf = redisShelf(redis, prefix)
      if (!shared) outage.reach(store)
      const known = { bare, results: impatient(results, guard), guard, outage, kept }
      connected = { shelf, store, queues, logs, ...known }
      return connected
    } catch (error) {
      redis.disconnect()
      throw redisError(error)
    }
  }

  function subscriber(): Redis {
    const redis = letExit(connectPatient({ url: url ?? '', name: 'bursar-client-streams' }))
    closers.push(() => redis.disconnect())
    return redis
  }

  function once<T>(make: () => T, close?: (made: T) => Promise<void>): () => T {
    let made: { readonly it: T } | null = null
    return () => {
      if (made) return made.it
      const it = make()
      made = { it }
      if (close) closers.push(() => close(it))
      return it
    }
  }

  function parts(): Promise<LinkParts> {
    if (closed) throw new BursarError('INVALID_ARGUMENT', 'this client is closed: create another')
    connecting ??= connect()
    // A failed start is tried again by the next operation.
    connecting.catch(() => {
      connecting = null
    })
    return connecting
  }

  return {
    // A server that is frozen takes connections, and says nothing.
    use: (work) => alive.during(() => (connected ? work(connected) : guard.run(parts).then(work))),
    close: () =>
      alive.during(async () => {
        closed = true
        connected = null
        await connecting?.catch(() => {})
        for (const close of closers.splice(0).toReversed()) await close()
      }),
  }
}

const keeperOf = ({ BURSAR_CACHE_KEYS: keys }: LinkOptions): Keeper =>
  createKeeper(readCacheKeys(keys))

const noRedis = (): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    'nobody said where Bursar is: start it (npx bursar start) and set BURSAR_URL=http://127.0.0.1:8080, or set REDIS_URL to go straight to its queue; createClient({ url }) and createClient({ redisUrl }) say the same',
    { detail: { name: 'REDIS_URL' } },
  )
