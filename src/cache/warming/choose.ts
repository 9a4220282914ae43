import type { CachePolicy } from '../../config/cache-types.ts'
import type { KeptAnswer } from '../invalidation/answer-shelf.ts'

/** How far back repetitions are looked for. */
export const LEARNED_MS = 86_400_000
/** An answer that ends within this time is asked for again: two looks of the job. */
const LEAD_MS = 600_000

/** Whether somebody asks at least once while an answer lives, on average: else keeping it warm costs more than it saves. */
export const isWorth = (times: number, { ttlMs }: CachePolicy['responses']): boolean =>
  times * ttlMs >= LEARNED_MS

/** Whether an answer is gone, or will be before the next look. @param kept - null = it is gone. */
export function isDue(kept: KeptAnswer | null, responses: CachePolicy['responses']): boolean {
  if (kept === null) return true
  const { ttlMs, staleWhileRevalidateMs = 0, staleIfOverBudgetMs = 0 } = responses
  // What is kept beyond its time to live is kept for times of need.
  const freshMs = kept.leftMs - Math.max(staleWhileRevalidateMs, staleIfOverBudgetMs)
  return freshMs < Math.min(LEAD_MS, ttlMs / 2)
}
