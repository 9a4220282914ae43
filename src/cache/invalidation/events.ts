import { setTimeout as pause } from 'node:timers/promises'
import type { Policy } from '../../config/policy-types.ts'
import { isBursarError } from '../../errors.ts'
import type { Owner } from '../data/types.ts'
import type { AnswerShelf } from './answer-shelf.ts'
import { dropAnswers } from './drop-answers.ts'

type OnEvent = (event: string, owner: Owner) => Promise<number | null>

/** How soon what could not be dropped is tried again. */
const AGAIN_MS = 1_000
/** More than this is not remembered one by one: all answers go instead. */
const MOST_OWED = 1_000

/**
 * Drops the answers that an event of the application ends, by the policy's `cache.responses.invalidate_on`: a user's,
 * a tenant's, or all.
 * @returns null when they depend on no such event, or nobody can be asked now: they are dropped as soon as somebody can.
 */
export function answersOnEvents(
  shelf: AnswerShelf,
  policy: () => Promise<Policy | null>,
  defaultTenant: () => string,
  againMs = AGAIN_MS,
): OnEvent {
  let owed: Owner[] = []

  const drop = ({ tenant, user }: Owner): Promise<number> =>
    tenant === undefined && user === undefined
      ? dropAnswers(shelf, {})
      : dropAnswers(shelf, { tenant: tenant ?? defaultTenant(), user })

  /** Until nothing is owed; no timer keeps a process alive. */
  async function pay(): Promise<void> {
    while (owed.length > 0) {
      await pause(againMs, undefined, { ref: false })
      const [first = {}] = owed
      const isPaid = await drop(first).then(
        () => true,
        () => false,
      )
      if (isPaid) owed = owed.filter((one) => one !== first)
    }
  }

  function owe(owner: Owner): null {
    const isPaying = owed.length > 0
    owed = owed.length < MOST_OWED ? [...owed, owner] : [{}]
    if (!isPaying) void pay()
    return null
  }

  return async (event, owner) => {
    const { invalidateOn = [] } = (await policy())?.cache.responses ?? {}
    if (!invalidateOn.includes(event)) return null
    try {
      return await drop(owner)
    } catch (error) {
      if (isBursarError(error, 'STORE_UNAVAILABLE')) return owe(owner)
      throw error
    }
  }
}
