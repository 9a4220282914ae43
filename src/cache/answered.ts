import { BursarError, messageOf } from '../errors.ts'

/** Asks the store of cached things. @throws {BursarError} STORE_UNAVAILABLE when it does not answer. */
export async function answered<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (cause) {
    if (cause instanceof BursarError) throw cause
    throw new BursarError('STORE_UNAVAILABLE', `the cache did not answer: ${messageOf(cause)}`, {
      cause,
      retryable: true,
    })
  }
}
