import { Writable } from 'node:stream'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { inject } from 'vitest'
import type { AdmitReply, SettleCommand, SettleReply } from '../../src/admission/commands.ts'
import { grantHold, type Hold } from '../../src/admission/hold.ts'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { redisShelf } from '../../src/queue/published-policy.ts'
import { slotLedger } from '../../src/runtime/home.ts'
import { type Book, createBook } from '../../src/slot/book.ts'
import { createLife, type Life } from '../../src/slot/life.ts'
import { openNewSlot } from '../../src/slot/open-slot.ts'
import { createOwed } from '../../src/slot/owed.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { freshPrefix } from '../helpers/redis.ts'

export const KEY = 'company:lifetime'
/** Every hold is 2, and the budget is 3, unless a test says otherwise. */
const LIMIT_NANO = 3
const HOLD_NANO = 2

/** A process without jobs: it is granted holds, sends and settles, and answers for what it owes. */
export interface Member {
  readonly book: Book
  readonly store: Awaited<ReturnType<typeof createRedisStore>>
  ask(attempt: string, limitNano?: number): Promise<AdmitReply>
  /** A hold that is granted; null = the life has changed since. @throws when it is not granted. */
  hold(attempt: string, limitNano?: number): Promise<Hold>
  settle(hold: Hold, costNano: number, answer?: string): Promise<SettleReply | null>
}

/** A slot and a ledger of a test's own, and processes on them. */
export interface SlotWorld {
  readonly redis: Redis
  readonly prefix: string
  readonly ledger: Ledger
  /** Lines of the log, parsed. */
  readonly log: readonly Record<string, unknown>[]
  member(): Promise<Member & { readonly life: Life }>
  /** One that knows nothing of the slot's lives until `wake`. */
  silent(): Promise<Member & { wake(): Promise<void> }>
  empty(): Promise<void>
  drain(): Promise<void>
  /** spent and held of the budget, and what the ledger has for it. */
  money(): Promise<{ spent: number; held: number; ledger: number }>
  close(): Promise<void>
}

export async function startSlotWorld(): Promise<SlotWorld> {
  const prefix = freshPrefix()
  const redis = new Redis(inject('redisUrl'))
  const ledger = await openLedger({ databaseUrl: await freshDatabase() })
  const log: Record<string, unknown>[] = []
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      log.push(JSON.parse(line.toString()))
      done()
    },
  })
  const logger = pino({ level: 'info' }, sink)
  const lives: Life[] = []

  async function open() {
    const book = createBook()
    let life: Life | null = null
    const onLost = () => life?.nudge()
    const store = await createRedisStore({ redis, prefix, onLost })
    await openNewSlot({ store, redis, prefix, ledger: slotLedger(ledger) })
    const owed = createOwed({ store, logger, book, firstDelayMs: 5 })
    const shelf = redisShelf(redis, prefix)
    const start = () => {
      const place = { redis, prefix, store, ledger, shelf, book, logger }
      life = createLife({
        ...place,
        role: 'test',
        holdTtlMs: 60_000,
        silentAfterMs: 300,
        beatMs: 50,
      })
      lives.push(life)
      return life
    }
    const ask = (attempt: string, limitNano = LIMIT_NANO) => store.admit(asking(attempt, limitNano))
    return {
      book,
      start,
      store,
      ask,
      async hold(attempt: string, limitNano = LIMIT_NANO) {
        const epoch = store.epoch()
        const reply = await ask(attempt, limitNano)
        if (reply.outcome !== 'held') throw new Error(`${attempt}: ${reply.outcome}`)
        const { rung, holdNano, capTokens, n, atMs } = reply
        const terms = {
          attemptId: attempt,
          job: jobOf(attempt),
          rung,
          holdNano,
          capTokens,
          n,
          atMs,
        }
        const hold = grantHold({ ...terms, windows: [KEY] })
        book.granted(hold, meta, epoch)
        return hold
      },
      settle: (hold: Hold, costNano: number, answer?: string) =>
        owed.settle(settling(hold, costNano, answer), 10_000),
    } as const
  }

  return {
    redis,
    prefix,
    ledger,
    log,
    async member() {
      const opened = await open()
      const life = opened.start()
      await life.open()
      return { ...opened, life }
    },
    async silent() {
      const opened = await open()
      opened.store.believe((await opened.store.outbox.slot())?.epoch ?? 0)
      return { ...opened, wake: () => opened.start().open() }
    },
    async empty() {
      const keys = await redis.keys(`${prefix}:*`)
      if (keys.length > 0) await redis.del(keys)
    },
    async drain() {
      const { outbox } = await createRedisStore({ redis, prefix })
      for (;;) {
        const result = await drainOnce(ledger, outbox, { batch: 500 })
        if (result.state !== 'drained' || !result.more) return
      }
    },
    async money() {
      const store = await createRedisStore({ redis, prefix })
      const [window] = await store.peek([KEY])
      const totals = await windowTotals(ledger)
      const { spentNano: spent = 0, heldNano: held = 0 } = window ?? {}
      return { spent, held, ledger: totals.get(KEY)?.spentNano ?? 0 }
    },
    async close() {
      for (const life of lives) await life.close()
      await ledger.close()
      redis.disconnect()
    },
  }
}

const meta = attemptMeta({ enqueuedAtMs: 1 })
const jobOf = (attempt: string) => attempt.slice(0, attempt.indexOf('/'))

const asking = (attempt: string, limitNano: number) => ({
  attempt,
  job: jobOf(attempt),
  policy: 1,
  windows: [{ key: KEY, startMs: 0, endMs: FOREVER_MS, limitNano, marks: [50, 100] }],
  rungs: [
    {
      gate: 'openai:big',
      fixedNano: HOLD_NANO,
      outputPico: 0,
      capTokens: 0,
      floorTokens: 0,
      until: null,
      inputTokens: 0,
    },
  ],
  limits: [],
  cacheKey: null,
  maxTakes: 9,
  ttlMs: 60_000,
  meta,
})

/** What an owner that knows the cost tells the slot. */
export const settling = ({ terms }: Hold, costNano: number, answer?: string): SettleCommand => ({
  attempt: terms.attemptId,
  job: terms.job,
  kind: 'settled',
  costNano,
  atMs: terms.atMs,
  holdNano: terms.holdNano,
  windows: terms.windows,
  tokens: null,
  meta,
  detail: '',
  conclusion:
    answer === undefined
      ? null
      : { outcome: 'answered', reason: '', result: answer, replyTo: '', resultTtlMs: 60_000 },
  cache: null,
  gate: null,
})
