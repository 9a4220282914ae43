import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import { type SlotKeys, slotKeys } from '../keys.ts'
import type { AdmissionStore, Signals } from '../store.ts'
import { createAdmit } from './admit.ts'
import { begin, callScript, readReply, type SlotCaller } from './caller.ts'
import { credit } from './credit.ts'
import { expire, release, renew } from './hold-life.ts'
import { cancel, conclude, createIntake } from './intake.ts'
import { keepTurns } from './keep-turns.ts'
import { bookLease, closeLease, lease } from './leases.ts'
import { limitStates, writeLimits } from './lines.ts'
import { loadScript } from './load-script.ts'
import { redisOutbox } from './outbox.ts'
import { readWindow } from './read-window.ts'
import { rebuild } from './rebuild.ts'
import { createSettle } from './settle.ts'
import { Writer } from './writer.ts'

export interface RedisStoreOptions {
  /** For commands: bounded in time; the caller owns and closes it. */
  readonly redis: Redis
  /** With braces, e.g. `{bursar}`. */
  readonly prefix: string
  /** Milliseconds; absent = the server's own TIME, which is what production uses. */
  readonly clock?: () => number
}

const openScript = loadScript(new URL('./open.lua', import.meta.url))
const peekLimitsScript = loadScript(new URL('./peek-limits.lua', import.meta.url))

const Open = z.tuple([z.enum(['opened', 'already-open'])])
const Flat = z.array(z.int())
/**
 * The slot in Redis. The epoch is read once and then believed in: a slot that came back in another one answers
 * `epoch-changed`, and what this process holds must not go on as if nothing had happened.
 */
export async function createRedisStore(
  options: RedisStoreOptions,
): Promise<AdmissionStore & Signals> {
  const { redis, prefix, clock } = options
  const keys = slotKeys(prefix)
  let epoch = 0
  const caller: SlotCaller = {
    redis,
    keys,
    epoch: () => epoch,
    nowMs: () => clock?.() ?? 0,
  }
  const outbox = redisOutbox(caller)
  const admit = createAdmit(caller)
  const settle = createSettle(caller)
  const intake = createIntake(caller)
  const learnEpoch = async () => {
    if (epoch === 0) epoch = (await outbox.slot())?.epoch ?? 0
  }
  await learnEpoch()
  /** A slot that was opened after this process started is joined at the first command. */
  const joined = async <R>(run: () => Promise<R>): Promise<R> => {
    if (epoch === 0) await learnEpoch()
    return run()
  }
  const signals = redisSignals(redis, keys)

  return {
    outbox,
    async open(newEpoch) {
      const run = /run_id:(\w+)/.exec(await redis.info('server'))?.[1] ?? ''
      const words = new Writer().double(newEpoch).double(0).text(run)
      const raw = await callScript(caller, openScript, words)
      const [outcome] = readReply(openScript, Open, raw)
      await learnEpoch()
      return outcome
    },
    intake: (command) => joined(() => intake(command)),
    admit: (command) => joined(() => admit(command)),
    release: (command) => joined(() => release(caller, command)),
    settle: (command) => joined(() => settle(command)),
    renew: (command) => joined(() => renew(caller, command)),
    expire: (limit) => joined(() => expire(caller, limit)),
    conclude: (command) => joined(() => conclude(caller, command)),
    cancel: (job) => joined(() => cancel(caller, job)),
    keepTurns: (command) => joined(() => keepTurns(caller, command)),
    credit: (command) => joined(() => credit(caller, command)),
    lease: (command) => joined(() => lease(caller, command)),
    bookLease: (command) => joined(() => bookLease(caller, command)),
    closeLease: (command) => joined(() => closeLease(caller, command)),
    rebuild: (command) => rebuild(caller, command),
    async peek(windowKeys) {
      if (windowKeys.length === 0) return []
      const packed = await answered(redis.mgetBuffer(windowKeys.map((key) => keys.window(key))))
      const nowMs = clock?.() ?? Date.now()
      return windowKeys.map((key, i) => readWindow(key, packed[i], nowMs))
    },
    windows: () => answered(redis.zrange(keys.windows, '0', '-1')),
    async peekLimits(limits) {
      const words = writeLimits(begin(caller), limits)
      const raw = await callScript(caller, peekLimitsScript, words)
      return limitStates(limits, readReply(peekLimitsScript, Flat, raw))
    },
    result: (job) => answered(redis.get(keys.result(job))),
    async results(jobs) {
      return jobs.length === 0 ? [] : answered(redis.mget(jobs.map((job) => keys.result(job))))
    },
    body: (job) => answered(redis.get(keys.body(job))),
    ...signals,
  }
}

async function answered<T>(question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (cause) {
    throw new BursarError('STORE_UNAVAILABLE', `Redis did not answer: ${messageOf(cause)}`, {
      cause,
      retryable: true,
    })
  }
}

/** One subscriber connection per process, opened when somebody first listens. */
function redisSignals(redis: Redis, keys: SlotKeys): Signals & { close(): Promise<void> } {
  let subscriber: Redis | null = null
  const listeners = new Map<string, Map<string, (message: string) => void>>()

  const connection = (): Redis => {
    if (subscriber) return subscriber
    subscriber = redis.duplicate({
      maxRetriesPerRequest: null,
      enableAutoPipelining: false,
      // ioredis resubscribes by itself, and a time limit on that would reject where nobody listens.
      commandTimeout: undefined,
    })
    subscriber.on('error', () => {}) // ioredis reconnects and resubscribes; commands report the outage
    subscriber.on('message', (channel, message) => {
      for (const listener of listeners.get(channel)?.values() ?? []) listener(message)
    })
    return subscriber
  }

  const subscribe = async (channel: string, listener: (message: string) => void) => {
    const id = randomUUID()
    const here = listeners.get(channel) ?? new Map()
    here.set(id, listener)
    listeners.set(channel, here)
    await answered(connection().subscribe(channel))
    return async () => {
      here.delete(id)
      if (here.size > 0) return
      listeners.delete(channel)
      await subscriber?.unsubscribe(channel).catch(() => {})
    }
  }

  return {
    onResult: (client, listener) =>
      subscribe(keys.reply(client), (message) => {
        const cut = message.indexOf('\n')
        listener(message.slice(0, cut), message.slice(cut + 1))
      }),
    onCancel: (listener) => subscribe(keys.cancelChannel, listener),
    async close() {
      listeners.clear()
      subscriber?.disconnect()
      subscriber = null
    },
  }
}
