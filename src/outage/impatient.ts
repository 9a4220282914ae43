import { BursarError } from '../errors.ts'
import type { Results } from '../queue/results.ts'
import type { Guard } from './guard.ts'

/** Redis may blink: one look that it is back comes before those who wait for an answer are told. */
const BLINK_MS = 300
const RETRY_AFTER_MS = 1_000

/**
 * Results whose callers do not wait through an outage: their jobs go on, and asking again under the same job id finds
 * the answer, paid once.
 */
export function impatient(results: Results, guard: Guard): Results {
  return {
    ...results,
    expect(job, limitMs) {
      const expected = results.expect(job, limitMs)
      const { result, stop } = unlessAway(expected.result, job, guard)
      const forget = () => {
        stop()
        expected.forget()
      }
      result.then(stop, forget)
      return { result, forget }
    },
  }
}

function unlessAway(
  expected: Promise<string>,
  job: string,
  guard: Guard,
): { readonly result: Promise<string>; stop(): void } {
  let timer: NodeJS.Timeout | undefined
  let stopListening = () => {}
  // Nothing else is asked while it waits, and nobody says that a frozen Redis is away.
  const stopWatching = guard.watch()
  const away = new Promise<never>((_, reject) => {
    const onChange = (isAway: boolean) => {
      clearTimeout(timer)
      if (isAway) timer = setTimeout(() => reject(goesOn(job)), BLINK_MS)
    }
    stopListening = guard.onChange(onChange)
  })
  return {
    result: Promise.race([expected, away]),
    stop() {
      clearTimeout(timer)
      stopListening()
      stopWatching()
    },
  }
}

const goesOn = (job: string): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `Redis does not answer, and nobody can say yet how ${job} ended; it goes on: ask for it, or send it, again under the same jobId`,
    { retryable: true, detail: { jobId: job, retryAfterMs: RETRY_AFTER_MS } },
  )
