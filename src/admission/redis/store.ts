import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type SlotKeys, slotKeys } from '../keys.ts'
import type { AdmissionStore, Signals } from '../store.ts'
import { createAdmit } from './admit.ts'
import { adopt } from './adopt.ts'
import { ask as answered } from './ask.ts'
import { begin, callScript, readReply, type SlotCaller } from './caller.ts'
import { credit } from './credit.ts'
import { expire, release, renew } from './hold-life.ts'
import { cancel, conclude, createIntake } from './intake.ts'
import { keepTurns } from './keep-turns.ts'
import { bookLease, closeLease, lease } from './leases.ts'
import { limitStates, writeLimits } from './lines.ts'
import { runIdOf } from './lives.ts'
import { loadScript } from './load-script.ts'
import { redisOutbox } from './outbox.ts'
import { createPeek } from './peek.ts'
import { rebuild } from './rebuild.ts'
import { createSettle } from './settle.ts'
import { createTakeLimits } from './take-limits.ts'
import { Writer } from './writer.ts'

export interface RedisStoreOptions {
  /** For commands: bounded in time; the caller owns and closes it. */
  readonly redis: Redis
  /** With braces, e.g. `{bursar}`. */
  readonly prefix: string
  /** Milliseconds; absent = the server's own TIME, which is what production uses. */
  readonly clock?: () => number
  /**
   * Told when a command found the slot closed, or in another life than `believe` says; absent = whatever life it is in is
   * believed in at once, as becomes whoever holds no money.
   */
  readonly onLost?: () => void
}

/** Which life of the slot a process believes in; commands of another one change nothing. */
export interface BelievedLife {
  /** 0 = none yet. */
  epoch(): number
  believe(epoch: number): void
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
): Promise<AdmissionStore & Signals & BelievedLife> {
  const { redis, prefix, clock, onLost } = options
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
  const takeLimits = createTakeLimits(caller)
  const learnEpoch = async () => {
    if (epoch === 0 && !onLost) epoch = (await outbox.slot())?.epoch ?? 0
  }
  await learnEpoch()
  /** A slot that was opened after this process started is joined at the first command. */
  const joined = async <R extends { outcome: string }>(run: () => Promise<R>): Promise<R> => {
    if (epoch === 0) await learnEpoch()
    const reply = await run()
    if (reply.outcome !== 'unavailable' && reply.outcome !== 'epoch-changed') return reply
    if (onLost) onLost()
    if (onLost || reply.outcome === 'unavailable') return reply
    epoch = 0
    await learnEpoch()
    return run()
  }
  const signals = redisSignals(redis, keys)

  return {
    outbox,
    epoch: () => epoch,
    believe(another) {
      epoch = another
    },
    async open(newEpoch) {
      const words = new Writer()
        .double(newEpoch)
        .double(0)
        .text(await runIdOf(redis))
      const raw = await callScript(caller, openScript, words)
      const [outcome] = readReply(openScript, Open, raw)
      await learnEpoch()
      return outcome
    },
    intake: (command) => joined(() => intake(command)),
    takeLimits: (command) => joined(() => takeLimits(command)),
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
    adopt: (command) => joined(() => adopt(caller, command)),
    rebuild: (command) => rebuild(caller, command),
    peek: createPeek({ redis, keys }, () => clock?.() ?? Date.now()),
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
