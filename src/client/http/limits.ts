/** A signal of our own that follows others and a clock. */
export interface Limits {
  readonly signal: AbortSignal
  /** Starts the time again. */
  touch(): void
  /** Stops listening; the signal never aborts after it. */
  release(): void
}

/** Aborts with one of `signals`, with its reason, or with `expired()` after `limitMs` without a `touch`. */
export function createLimits(
  signals: readonly (AbortSignal | undefined)[],
  limitMs: number,
  expired: () => unknown,
): Limits {
  const own = new AbortController()
  const followed = signals.filter((signal) => signal !== undefined)
  const follow = () => own.abort(followed.find(({ aborted }) => aborted)?.reason)
  const wait = () => setTimeout(() => own.abort(expired()), limitMs)
  let timer = wait()
  for (const signal of followed) {
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
  }
  return {
    signal: own.signal,
    touch() {
      // Browsers have no `refresh`.
      clearTimeout(timer)
      timer = wait()
    },
    release() {
      clearTimeout(timer)
      for (const signal of followed) signal.removeEventListener('abort', follow)
    },
  }
}

/** Resolves after `ms`. Rejects with the signal's reason when it aborts first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
