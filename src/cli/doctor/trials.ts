import type { LimitLine } from '../../admission/plan-lines.ts'
import { createKeeper } from '../../cache/responses/keeper.ts'
import {
  admitOnce,
  expectSame,
  freshName,
  freshWindow,
  holdCommand,
  intakeOnce,
  questionOf,
  settleCommand,
  type Trial,
} from './trial.ts'

const MINUTE_MS = 60_000
const CACHE_TTL_MS = 5_000
/** Whether it can be encrypted is a check of its own. */
const keeper = createKeeper(null)
const ANSWER = '{"answer":42}'

/** One live check: resolves when the store does what it must, throws what it saw instead. */
export interface LiveCheck {
  readonly name: string
  readonly run: (trial: Trial) => Promise<void>
}

/** Puts an answer into the cache the way a worker does. */
async function answer(trial: Trial, cacheKey: string): Promise<void> {
  const held = holdCommand(trial, { windows: [freshWindow(trial, 100)], amountNano: 10 })
  expectSame('admit', (await trial.store.admit(held)).outcome, 'held')
  const body = await keeper.keepAnswer(ANSWER, cacheKey, {})
  const cache = { key: cacheKey, body, ttlMs: CACHE_TTL_MS }
  const reply = await trial.store.settle(settleCommand(trial, held, 5, cache))
  expectSame('settle', reply.outcome, 'settled')
}

const exactHit = async (trial: Trial): Promise<void> => {
  const key = questionOf(freshName('tenant'))
  expectSame('before the answer', (await intakeOnce(trial, [], key)).outcome, 'queued')
  await answer(trial, key)
  const reply = await intakeOnce(trial, [], key)
  expectSame('the same question', reply.outcome, 'cached')
  const kept = reply.outcome === 'cached' ? reply.body : null
  expectSame('its answer', await keeper.openAnswer(kept ?? '', key), { ok: true, text: ANSWER })
}

const tenantWall = async (trial: Trial): Promise<void> => {
  await answer(trial, questionOf(freshName('tenant')))
  const other = questionOf(freshName('tenant'))
  expectSame("another tenant's question", (await intakeOnce(trial, [], other)).outcome, 'queued')
}

const cacheEnds = async (trial: Trial): Promise<void> => {
  const key = questionOf(freshName('tenant'))
  await answer(trial, key)
  trial.clock.nowMs += CACHE_TTL_MS
  expectSame('after its time to live', (await intakeOnce(trial, [], key)).outcome, 'queued')
}

async function countIntakes(trial: Trial, limit: LimitLine, times: number): Promise<string[]> {
  const outcomes: string[] = []
  for (let i = 0; i < times; i++) outcomes.push((await intakeOnce(trial, [limit], null)).outcome)
  return outcomes
}

const allowed = (count: number): string[] => Array<string>(count).fill('queued')

const slidingWindow = async (trial: Trial): Promise<void> => {
  const limit: LimitLine = {
    kind: 'sliding-window',
    key: freshName('limit'),
    limit: 10,
    perMs: MINUTE_MS,
  }
  expectSame('11 of 10', await countIntakes(trial, limit, 11), [...allowed(10), 'refused'])
  trial.clock.nowMs += 2 * MINUTE_MS
  expectSame('a window later', await countIntakes(trial, limit, 1), allowed(1))
}

const tokenBucket = async (trial: Trial): Promise<void> => {
  const limit: LimitLine = {
    kind: 'token-bucket',
    key: freshName('limit'),
    limit: 60,
    perMs: MINUTE_MS,
    burst: 5,
  }
  expectSame('6 at once, burst 5', await countIntakes(trial, limit, 6), [...allowed(5), 'refused'])
  trial.clock.nowMs += MINUTE_MS / 60
  expectSame('one refill later', await countIntakes(trial, limit, 2), [...allowed(1), 'refused'])
}

async function counters(trial: Trial, key: string): Promise<{ spent: number; held: number }> {
  const [window] = await trial.store.peek([key])
  return { spent: window?.spentNano ?? -1, held: window?.heldNano ?? -1 }
}

const holdAndSettle = async (trial: Trial): Promise<void> => {
  const window = freshWindow(trial, 1_000)
  const held = holdCommand(trial, { windows: [window], amountNano: 300 })
  expectSame('admit', (await trial.store.admit(held)).outcome, 'held')
  expectSame('while held', await counters(trial, window.key), { spent: 0, held: 300 })
  await trial.store.settle(settleCommand(trial, held, 120))
  await trial.store.settle(settleCommand(trial, held, 120))
  expectSame('settled twice', await counters(trial, window.key), { spent: 120, held: 0 })
}

const overBudget = async (trial: Trial): Promise<void> => {
  const [tight, wide] = [freshWindow(trial, 100), freshWindow(trial, 1_000)]
  const ask = { windows: [wide, tight], amountNano: 60 }
  expectSame('the first', (await admitOnce(trial, ask)).outcome, 'held')
  expectSame('the second', (await admitOnce(trial, ask)).outcome, 'over-budget')
  expectSame('the wide budget', await counters(trial, wide.key), { spent: 0, held: 60 })
}

const concurrentLimit = async (trial: Trial): Promise<void> => {
  const limits: LimitLine[] = [{ kind: 'concurrent', key: freshName('lanes'), limit: 1 }]
  const ask = { windows: [freshWindow(trial, 1_000)], amountNano: 1, limits }
  const held = holdCommand(trial, ask)
  expectSame('the first lane', (await trial.store.admit(held)).outcome, 'held')
  expectSame('a second', (await admitOnce(trial, ask)).outcome, 'busy')
  await trial.store.release({ attempt: held.attempt, job: held.job })
  expectSame('when it is free', (await admitOnce(trial, ask)).outcome, 'held')
}

const cancelFlag = async (trial: Trial): Promise<void> => {
  const job = freshName('job')
  await trial.store.cancel(job)
  const ask = { windows: [freshWindow(trial, 100)], amountNano: 1, job }
  expectSame('a cancelled job', (await admitOnce(trial, ask)).outcome, 'cancelled')
}

const expiry = async (trial: Trial): Promise<void> => {
  const window = freshWindow(trial, 1_000)
  const held = holdCommand(trial, { windows: [window], amountNano: 300 })
  await trial.store.admit(held)
  trial.clock.nowMs += held.ttlMs + 1
  const reply = await trial.store.expire(100)
  const expired = reply.outcome === 'expired' ? reply.holds.map(({ attempt }) => attempt) : []
  expectSame('expired', expired.includes(held.attempt), true)
  expectSame('booked whole', await counters(trial, window.key), { spent: 300, held: 0 })
}

/** What `bursar doctor --validate` tries, in order. */
export const LIVE_CHECKS: readonly LiveCheck[] = [
  { name: 'cache: an equal question is a hit', run: exactHit },
  { name: 'cache: no answer crosses the tenant wall', run: tenantWall },
  { name: 'cache: an answer ends with its time to live', run: cacheEnds },
  { name: 'limits: a sliding window of 10 refuses the 11th', run: slidingWindow },
  { name: 'limits: a token bucket serves its burst, then its rate', run: tokenBucket },
  { name: 'limits: one lane serves one call at a time', run: concurrentLimit },
  { name: 'money: hold and settlement move the counters, once', run: holdAndSettle },
  { name: 'money: over budget is refused in every budget or none', run: overBudget },
  { name: 'money: an expired hold is booked whole', run: expiry },
  { name: 'jobs: a cancelled job gets no hold', run: cancelFlag },
]
