import type { EmbeddedParts } from '../admin/place/embedded.ts'
import type { WatchedClient } from '../client/client-type.ts'
import type { Options } from '../config/options.ts'
import type { Guard } from '../outage/guard.ts'
import type { RulesSource } from '../queue/context.ts'
import type { Home } from '../runtime/home.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { JobPlaces } from './find-job.ts'
import type { ReadinessParts } from './readiness.ts'

/** What the gateway needs of a process: a `Runtime` has it all, in Redis or embedded. */
export interface GatewayRuntime extends JobPlaces, ReadinessParts {
  readonly store: JobPlaces['store'] & ReadinessParts['store'] & EmbeddedParts['store']
  readonly rules: Pick<RulesSource, 'current'>
  readonly shelf: EmbeddedParts['shelf']
  readonly answerShelf: EmbeddedParts['answerShelf']
  readonly promptShelf: EmbeddedParts['promptShelf']
  readonly vectorStore: EmbeddedParts['vectorStore']
  readonly keeper: NonNullable<EmbeddedParts['keeper']>
  readonly kept: NonNullable<EmbeddedParts['kept']>
  readonly metrics: Pick<Metrics, 'registry'>
  readonly logger: Logger
  readonly options: Options
  readonly env: EmbeddedParts['env']
  /** null = embedded. */
  readonly redis: Pick<NonNullable<Home['redis']>, 'commands'> | null
  /** Absent or null = there is no Redis that may be away. */
  readonly guard?: Guard | null
}

/** What every route is given. */
export interface GatewayParts {
  readonly runtime: GatewayRuntime
  readonly client: WatchedClient
  /** Aborted when the server closes: whoever waits is answered with what there is. */
  readonly closing: AbortSignal
}
