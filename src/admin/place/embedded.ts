import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { AdmissionStore } from '../../admission/store.ts'
import type { VectorStore } from '../../cache/embeddings/store.ts'
import type { AnswerShelf } from '../../cache/invalidation/answer-shelf.ts'
import type { Answers } from '../../cache/responses/answers.ts'
import type { Keeper } from '../../cache/responses/keeper.ts'
import type { PromptShelf } from '../../cache/warming/prompt-shelf.ts'
import type { Environment } from '../../config/options.ts'
import { BursarError } from '../../errors.ts'
import { SafeInteger } from '../../ledger/columns.ts'
import { type Ledger, rowsOf } from '../../ledger/ledger.ts'
import type { PolicyOptions } from '../../queue/prepare-policy.ts'
import type { PolicyShelf } from '../../queue/published-policy.ts'
import type { Queues } from '../../queue/queues.ts'
import type { WarmPlace } from '../cache/place.ts'
import type { AdminPlace, RepairSlot } from '../command.ts'
import { type ListedHold, PAGE_WINDOWS, type ReadSlot } from './read-slot.ts'

/** What a process has open that runs embedded. */
export interface EmbeddedParts {
  readonly store: Pick<AdmissionStore, 'outbox' | 'peek' | 'peekLimits' | 'windows'> &
    RepairSlot &
    WarmPlace['store']
  readonly ledger: Ledger
  readonly queues: Queues
  readonly shelf: Pick<PolicyShelf, 'tiers' | 'publish'>
  readonly options: PolicyOptions
  readonly env: Environment
  readonly answerShelf: AnswerShelf
  readonly promptShelf: PromptShelf
  readonly vectorStore: VectorStore
  /** Of a process that answers; absent = nobody here does. */
  readonly keeper?: Keeper
  readonly kept?: Answers
}

/** The parts of this very process; they stay the caller's to close. */
export function embeddedPlace(parts: EmbeddedParts): AdminPlace {
  const { store, ledger, queues, shelf, answerShelf, vectorStore, options, env } = parts
  const slot = slotOver(store, ledger)
  return {
    ledger: async () => ledger,
    slot: async () => slot,
    repair: async () => store,
    queues: async () => queues,
    tiers: async () => shelf.tiers,
    cache: async () => ({
      ...{ answers: answerShelf, vectors: vectorStore, data: null, figures: null },
      memory: async () => null,
    }),
    warming: async () => warmingOver(parts),
    policies: { env, options, publish: (policy) => shelf.publish(policy) },
  }
}

function warmingOver({ store, answerShelf, promptShelf, keeper, kept }: EmbeddedParts): WarmPlace {
  if (keeper && kept) {
    return { store, kept, answerShelf, prompts: { shelf: promptShelf, keeper } }
  }
  throw new BursarError(
    'INVALID_OPTIONS',
    'nobody answers in this folder: start Bursar first (npx bursar start), and ask again',
  )
}

const Count = z.object({ holds: SafeInteger })
const Hold = z.object({ attempt: z.string(), expiry: SafeInteger })

/** Holds are read from the journal: it has each before anybody is told of it, and forgets it as soon. */
function slotOver(store: EmbeddedParts['store'], { db }: Ledger): ReadSlot {
  const { outbox } = store
  return {
    outbox,
    peek: (keys) => store.peek(keys),
    peekLimits: (limits) => store.peekLimits(limits),
    now: async () => Date.now(),
    async *windows(afterMs, pageWindows = PAGE_WINDOWS) {
      const keys = (await endings(store)).filter(({ endMs }) => endMs > afterMs)
      for (let at = 0; at < keys.length; at += pageWindows) {
        yield keys.slice(at, at + pageWindows).map(({ key }) => key)
      }
    },
    async latestWindows(limit) {
      return (await endings(store))
        .toReversed()
        .slice(0, limit)
        .map(({ key }) => key)
    },
    async countHolds() {
      const count = sql`select count(*) as holds from slot.record where kind = 'exp'`
      return (await rowsOf(db, Count, count))[0]?.holds ?? 0
    },
    async holdsDueBefore(beforeMs, limit) {
      const due = sql`
        select key as attempt, value::bigint as expiry from slot.record
        where kind = 'exp' and value::bigint < ${beforeMs} order by 2 limit ${limit}`
      return (await rowsOf(db, Hold, due)).map(
        ({ attempt, expiry }): ListedHold => ({ attempt, expiresAtMs: expiry }),
      )
    },
    async held(attempts) {
      const held = sql`
        select key as attempt, value::bigint as expiry from slot.record
        where kind = 'exp' and key in (select json_array_elements_text(${JSON.stringify(attempts)}::json))`
      return new Set((await rowsOf(db, Hold, held)).map(({ attempt }) => attempt))
    },
  }
}

/** Every window, the one that ends first before the others. */
async function endings(store: EmbeddedParts['store']) {
  const states = await store.peek(await store.windows())
  return states.filter((state) => state !== null).toSorted((a, b) => a.endMs - b.endMs)
}
