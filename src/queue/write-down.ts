import type { Admitted } from './admit-request.ts'
import type { WorkContext } from './context.ts'
import type { LoadedJob } from './job.ts'

/**
 * Under `durability: journal` a call is on this process's own disk before it is sent.
 * @throws {BursarError} STORE_UNAVAILABLE, retryable, when it is not: the hold was given back, and nothing is sent.
 */
export async function writeDown(
  { id, cacheKey }: LoadedJob,
  { hold, meta, rules }: Admitted,
  { intents, life, owed }: WorkContext,
): Promise<void> {
  const isWanted = rules.policy.defaults.durability === 'journal'
  try {
    await intents?.begin({ hold, meta, epoch: life?.epoch() ?? 0, isWanted })
  } catch (error) {
    await owed.release({ attempt: hold.attemptId, job: id, flight: cacheKey })
    throw error
  }
}
