import { sum } from '../sum.ts'
import { type DataStore, EVERYTHING } from './store.ts'

/** Longer than any day: whoever comes late on it finds it done. */
const CLAIM_MS = 172_800_000

/**
 * Drops a namespace of every tenant, once a day whoever asks.
 * @returns how many were there; null when it was done before. What fails may be tried again.
 */
export async function dropOnce(
  store: DataStore,
  namespace: string,
  day: string,
): Promise<number | null> {
  const claim = await store.lock('daily', `${namespace}/${day}`, CLAIM_MS)
  if (!claim) return null
  try {
    const scopes = await store.scopes(namespace)
    return await sum(scopes.map((scope) => store.dropMatching(scope, EVERYTHING)))
  } catch (error) {
    await claim.release().catch(() => {})
    throw error
  }
}
