import type { Sessions } from '../access/sessions/types.ts'
import type { DataCache } from '../cache/data/types.ts'
import type { Limiter } from './limits/limiter.ts'

/** What middleware of any framework stands on. */
export interface MiddlewareParts {
  readonly limiter: Pick<Limiter, 'take'>
  readonly cache: DataCache
  readonly sessions: Sessions
}
