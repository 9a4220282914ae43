import { BursarError } from '../../errors.ts'

/**
 * Runs work until the caller aborts: then the request is cancelled first, and whoever waits hears of it after, so that
 * a process that ends now leaves nothing running.
 * @throws {BursarError} CANCELLED, or what the work throws.
 */
export async function orAborted<T>(
  signal: AbortSignal | undefined,
  cancel: () => Promise<unknown>,
  work: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw cancelled(signal)
  const ended = new AbortController()
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => {
      const tell = () => {
        reject(signal ? cancelled(signal) : undefined)
        ended.abort(signal?.reason)
      }
      cancel().then(tell, tell)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    stop = () => signal?.removeEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work(ended.signal), aborted])
  } finally {
    stop()
  }
}

const cancelled = (signal: AbortSignal): BursarError =>
  new BursarError('CANCELLED', 'the request was aborted by its caller', { cause: signal.reason })
