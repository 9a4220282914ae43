import { sql } from 'drizzle-orm'
import type { Outbox } from '../admission/outbox.ts'
import { BursarError, messageOf } from '../errors.ts'
import { type Ledger, run } from '../ledger/ledger.ts'
import { slotClosed } from '../queue/producer.ts'
import type { Queues } from '../queue/queues.ts'
import type { Life } from '../slot/life.ts'

/** What work needs. The ledger may lag for hours without harm, but nobody should start on one that is away. */
export interface ReadinessParts {
  readonly store: { readonly outbox: Pick<Outbox, 'slot'> }
  readonly queues: Queues
  readonly ledger: Ledger
  /** Knows why the slot is closed; absent or null = nothing but this process could have closed it. */
  readonly life?: Pick<Life, 'describe'> | null
}

export type PartState =
  | {
      readonly state: 'up'
      /** How long it took to answer, ms. */
      readonly ms: number
    }
  | { readonly state: 'down'; readonly reason: string }

export interface Readiness {
  readonly ready: boolean
  readonly parts: Readonly<Record<'slot' | 'queue' | 'ledger', PartState>>
}

const PROBE_LIMIT_MS = 1_000

/** @returns a check of every part at once, each answered for within a second. */
export function createReadiness({
  store,
  queues,
  ledger,
  life,
}: ReadinessParts): () => Promise<Readiness> {
  const slot = createProbe(async () => {
    if ((await store.outbox.slot()) !== null) return
    throw life
      ? new BursarError('SLOT_CLOSED', `the slot is ${await life.describe()}`)
      : slotClosed()
  })
  const queue = createProbe(() => queues.interactive.getJobCountByTypes('waiting'))
  const books = createProbe(() => run(ledger.db, sql`select 1`))
  return async () => {
    const [slotState, queueState, ledgerState] = await Promise.all([slot(), queue(), books()])
    const parts = { slot: slotState, queue: queueState, ledger: ledgerState }
    return { ready: Object.values(parts).every(({ state }) => state === 'up'), parts }
  }
}

/**
 * One question at a time: a part that hangs is not asked again until it has answered, so that a prober which comes
 * each second piles nothing up behind it.
 */
function createProbe(ask: () => Promise<unknown>): () => Promise<PartState> {
  let asked: Promise<PartState> | null = null
  return () => {
    const askedAtMs = performance.now()
    asked ??= ask()
      .then(
        (): PartState => ({ state: 'up', ms: Math.round(performance.now() - askedAtMs) }),
        (error: unknown): PartState => ({ state: 'down', reason: messageOf(error) }),
      )
      .finally(() => {
        asked = null
      })
    return within(asked)
  }
}

function within(asked: Promise<PartState>): Promise<PartState> {
  return new Promise((resolve) => {
    const reason = `no answer within ${PROBE_LIMIT_MS} ms`
    const timer = setTimeout(() => resolve({ state: 'down', reason }), PROBE_LIMIT_MS)
    void asked.then((state) => {
      clearTimeout(timer)
      resolve(state)
    })
  })
}
