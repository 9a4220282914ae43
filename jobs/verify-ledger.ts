import type { RebuiltWindow } from '../src/admission/rebuild-command.ts'
import { takeFindings } from '../src/alerts/evaluate.ts'
import { differenceFindings } from '../src/alerts/rules/ledger.ts'
import { isBursarError } from '../src/errors.ts'
import { isWrong, rebuildCounters } from '../src/ledger/rebuild.ts'
import type { Runtime } from '../src/runtime.ts'
import type { ScheduledJob } from './runner.ts'

type Books = Pick<Runtime, 'store' | 'ledger'>

const PAGE_WINDOWS = 1_000
const MOST_LOGGED = 100

/**
 * Windows whose counter the ledger, the outbox and the live holds do not explain. Reads only, beside any traffic, and
 * looks twice: what one look finds, the next must find the same.
 * @throws {BursarError} SLOT_CLOSED, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function wrongCounters(books: Books): Promise<readonly RebuiltWindow[]> {
  const keys = await books.store.windows()
  const wrong: RebuiltWindow[] = []
  for (let at = 0; at < keys.length; at += PAGE_WINDOWS) {
    const first = await lookAt(books, keys.slice(at, at + PAGE_WINDOWS))
    if (first.length === 0) continue
    const errors = new Map(first.map((one) => [one.key, errorOf(one)]))
    const second = await lookAt(books, [...errors.keys()])
    wrong.push(...second.filter((one) => errors.get(one.key) === errorOf(one)))
  }
  return wrong
}

const lookAt = async (books: Books, keys: readonly string[]) =>
  (await rebuildCounters({ ...books, apply: false }, keys)).filter(isWrong)

/** By how much the counter is off: while money moves this stays, and the counter does not. */
const errorOf = ({ before, after }: RebuiltWindow): string =>
  `${before.spentNano - after.spentNano} ${before.heldNano - after.heldNano}`

/** Watches law 5 all the time: each counter that the books do not explain is an error until it is mended. */
export const verifyLedger: ScheduledJob = {
  name: 'verify-ledger',
  schedule: '*/30 * * * * *',
  async run(runtime) {
    const { logger, metrics } = runtime
    try {
      const wrong = await wrongCounters(runtime)
      metrics.counterDifferences.set(wrong.length)
      for (const { key, before, after } of wrong.slice(0, MOST_LOGGED)) {
        logger.error(
          { job: 'verify-ledger', window: key, counter: before, books: after },
          'a counter is not what the ledger, the outbox and the holds add up to: bursar rebuild mends it',
        )
      }
      await tellOf(wrong.slice(0, MOST_LOGGED), runtime)
      return wrong.length > 0 ? { wrong: wrong.length } : undefined
    } catch (error) {
      // What is away, or closed, says so elsewhere; the next look comes soon.
      if (isBursarError(error) && error.retryable) return { unverified: error.code }
      throw error
    }
  },
}

function tellOf(wrong: readonly RebuiltWindow[], { ledger, rules, store, clock }: Runtime) {
  const { policy } = rules.current()
  const place = { ledger, policy, slot: store, nowMs: clock.now() }
  return takeFindings(place, ['ledger-difference'], differenceFindings(wrong, place))
}
