import { Ring } from '../collections/ring.ts'
import { BursarError } from '../errors.ts'
import type { Expectation, Results } from '../queue/results.ts'
import type { Guard } from './guard.ts'

/** Redis may blink: one look that it is back comes before those who wait for an answer are told. */
const BLINK_MS = 300
const RETRY_AFTER_MS = 1_000

/** Somebody who waits for an answer. */
interface Waiter {
  leave(): void
  giveUp(): void
}

/**
 * Results whose callers do not wait through an outage: their jobs go on, and asking again under the same job id finds
 * the answer, paid once.
 */
export function impatient(results: Results, guard: Guard): Results {
  const waiters = new Ring<Waiter>()
  let timer: NodeJS.Timeout | undefined
  let stop = () => {}

  /** Nothing else is asked while they wait, and nobody says that a frozen Redis is away. */
  function watch(): void {
    const stopWatching = guard.watch()
    const stopListening = guard.onChange((isAway) => {
      clearTimeout(timer)
      if (!isAway) return
      timer = setTimeout(() => {
        for (const { giveUp } of [...waiters]) giveUp()
      }, BLINK_MS)
    })
    stop = () => {
      clearTimeout(timer)
      stopListening()
      stopWatching()
    }
  }

  function enter(job: string, { result, forget }: Expectation, give: Given): Waiter {
    if (waiters.isEmpty) watch()
    const waiter: Waiter = {
      leave() {
        if (link.leave() && waiters.isEmpty) stop()
      },
      giveUp() {
        waiter.leave()
        forget()
        give.reject(goesOn(job))
      },
    }
    const link = waiters.add(waiter)
    const settle = <T>(tell: (value: T) => void) => {
      return (value: T) => {
        waiter.leave()
        tell(value)
      }
    }
    result.then(settle(give.resolve), settle(give.reject))
    return waiter
  }

  return {
    ...results,
    expect(job, limitMs) {
      const expected = results.expect(job, limitMs)
      let leave = () => {}
      const result = new Promise<string>((resolve, reject) => {
        leave = enter(job, expected, { resolve, reject }).leave
      })
      // It may be given up before anybody awaits it.
      result.catch(() => {})
      const forget = () => {
        leave()
        expected.forget()
      }
      return { result, forget }
    },
  }
}

interface Given {
  readonly resolve: (result: string) => void
  readonly reject: (error: unknown) => void
}

const goesOn = (job: string): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `Redis does not answer, and nobody can say yet how ${job} ended; it goes on: ask for it, or send it, again under the same jobId`,
    { retryable: true, detail: { jobId: job, retryAfterMs: RETRY_AFTER_MS } },
  )
