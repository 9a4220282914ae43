import { BursarError } from '../../errors.ts'

/** What lets a stream be iterated, once. @throws {BursarError} INVALID_ARGUMENT at the second time. */
export function iterateOnce<T>(items: () => AsyncGenerator<T>): () => AsyncGenerator<T> {
  let iterated = false
  return () => {
    if (iterated) {
      throw new BursarError('INVALID_ARGUMENT', 'a stream is iterated once: await stream.final')
    }
    iterated = true
    return items()
  }
}
