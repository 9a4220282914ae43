import type { Redis } from 'ioredis'
import type { AdmissionStore, Signals } from '../admission/store.ts'
import type { VectorStore } from '../cache/embeddings/store.ts'
import type { AnswerShelf } from '../cache/invalidation/answer-shelf.ts'
import type { PromptShelf } from '../cache/warming/prompt-shelf.ts'
import type { Options } from '../config/options.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { windowTotals } from '../ledger/queries/window-sums.ts'
import { beginEpoch, ensureSlotRow, readSlotRow } from '../ledger/slot-row.ts'
import type { QueueBackend } from '../queue/backend.ts'
import type { Clock } from '../queue/clock.ts'
import type { PolicyShelf } from '../queue/published-policy.ts'
import type { ChunkLog } from '../queue/streams/chunk-log.ts'
import type { LogSource } from '../queue/streams/follow.ts'
import type { Intents } from '../slot/intents/intents.ts'
import type { Life } from '../slot/life.ts'
import type { SlotLedger } from '../slot/open-slot.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Where a process keeps money, jobs, chunks and the policy: in Redis and PostgreSQL, or in itself and a folder. */
export interface Home {
  readonly store: AdmissionStore & Signals
  readonly ledger: Ledger
  /** Where the queues live; workers are opened on it. */
  readonly backend: QueueBackend
  readonly chunks: ChunkLog
  readonly vectorStore: VectorStore
  /** Follows what `chunks` write; null = in Redis, where each client follows over a connection of its own. */
  readonly logs: LogSource | null
  readonly shelf: PolicyShelf
  /** What is kept of answers, to be listed and dropped. */
  readonly answerShelf: AnswerShelf
  /** What was asked for answers that are kept, while the policy lets prompts be learned. */
  readonly promptShelf: PromptShelf
  /** This process's part in the slot's lives; null = embedded: the slot loses nothing that the process does not. */
  readonly life: Life | null
  /** Calls on this disk (`durability: journal`); null = embedded: a hold is on disk before it is granted. */
  readonly intents: Intents | null
  /** The bounded connection for commands of the slot, and the one that BullMQ's objects share; null = embedded. */
  readonly redis: { readonly commands: Redis; readonly connection: Redis } | null
}

export interface HomeParts {
  readonly options: Options
  readonly clock: Clock
  readonly logger: Logger
  /** Takes what has to be closed, in the order of opening. */
  readonly closers: (() => unknown)[]
}

/** What the ledger knows of the slot's lives. */
export const slotLedger = (ledger: Ledger): SlotLedger => ({
  epoch: async () => (await readSlotRow(ledger)).epoch,
  beginEpoch: async () => {
    await ensureSlotRow(ledger)
    return (await beginEpoch(ledger)).epoch
  },
  hasPostings: async () => (await windowTotals(ledger)).size > 0,
})
