import type { AdmissionStore } from '../admission/store.ts'
import type { VectorCache } from '../cache/embeddings/vector-cache.ts'
import type { AnswerShelf } from '../cache/invalidation/answer-shelf.ts'
import type { Keeper } from '../cache/responses/keeper.ts'
import type { PromptShelf } from '../cache/warming/prompt-shelf.ts'
import type { Policy } from '../config/policy-types.ts'
import type { PriceBook } from '../pricing/types.ts'
import type { Provider } from '../provider/types.ts'
import type { Intents } from '../slot/intents/intents.ts'
import type { Life } from '../slot/life.ts'
import type { Owed } from '../slot/owed.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Clock } from './clock.ts'
import type { ExplainCache } from './explain-cache.ts'
import type { GateBackoff } from './gate-backoff.ts'
import type { LoadedJob } from './job.ts'
import type { LimitQueue } from './limit-queue.ts'
import type { ParkedCount } from './parked-count.ts'
import type { Renewer } from './renewer.ts'
import type { ChunkLog } from './streams/chunk-log.ts'

/** A policy and the prices that belong to it. */
export interface Rules {
  readonly policy: Policy
  readonly prices: PriceBook
}

/** The policy in force, reloaded while the process runs. */
export interface RulesSource {
  current(): Rules
  /** Fetches a newer policy that the slot has seen; resolves, with what there is, when nobody knows it. */
  atLeast(version: number): Promise<Rules>
}

/** Everything that processing a request touches; injected, so that tests and the gateway choose. */
export interface WorkContext {
  readonly store: AdmissionStore
  readonly provider: Provider
  readonly rules: RulesSource
  readonly clock: Clock
  /** Opens and makes kept answers. */
  readonly keeper: Keeper
  /** Where answers are filed under what they depend on, and their prompts beside them; absent = nowhere. */
  readonly answerShelf?: AnswerShelf
  readonly promptShelf?: PromptShelf
  /** Has a stale answer made anew, of a job that was served it. Absent = nobody does. */
  readonly refresh?: (job: LoadedJob) => void
  readonly renewer: Renewer
  readonly owed: Owed
  readonly chunks: ChunkLog
  /** Absent = the texts of embeddings are not looked up one by one. */
  readonly vectors?: VectorCache
  readonly gates: GateBackoff
  readonly metrics: Metrics
  readonly logger: Logger
  /** Absent = nobody counts: parked jobs come back within seconds of each other. */
  readonly parked?: ParkedCount
  /** Absent = whoever waits for the same limit comes back at the same time. */
  readonly waiting?: LimitQueue
  /** Absent or null = the slot loses nothing that this process does not lose too. */
  readonly life?: Pick<Life, 'epoch' | 'book'> | null
  /** Where calls are written down before they are sent; absent or null = nowhere else than in the slot. */
  readonly intents?: Pick<Intents, 'begin'> | null
  /** Absent = nobody wants to know what the cache does. */
  readonly explain?: ExplainCache | undefined
  readonly holdTtlMs: number
  readonly resultTtlMs: number
}
