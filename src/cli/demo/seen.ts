import type { Answer } from '../../client/answer.ts'
import type { Nano } from '../../money/nano.ts'
import { createTally, type Tally } from '../traffic/tally.ts'
import type { Cue } from './script.ts'

/** What the people of the demo have seen so far. */
export interface Seen {
  readonly tally: Tally
  /** By the receipts. */
  readonly spentNano: Nano
  /** What answers from the cache and joined ones cost whoever paid for them. */
  readonly savedNano: Nano
  /** Answers of a cheaper model than the first of their ladder. */
  readonly steppedDown: number
  /** Spending of each second since the start. */
  readonly bySecond: readonly Nano[]
  /** Takes a receipt in. */
  receive(receipt: Answer['receipt'], cue: Cue): void
}

/** Time begins now. */
export function createSeen(): Seen {
  const startedMs = performance.now()
  const bySecond: Nano[] = []
  const prices = new Map<string, Nano>()
  /** Answers that were told before the one that was paid for. */
  const unpriced = new Map<string, number>()
  let [spentNano, savedNano, steppedDown] = [0, 0, 0]

  function reuse(question: string): void {
    const price = prices.get(question)
    if (price === undefined) unpriced.set(question, (unpriced.get(question) ?? 0) + 1)
    else savedNano += price
  }

  function pay(question: string, costNano: Nano): void {
    prices.set(question, costNano)
    savedNano += costNano * (unpriced.get(question) ?? 0)
    unpriced.delete(question)
    spentNano += costNano
    const second = Math.floor((performance.now() - startedMs) / 1_000)
    while (bySecond.length <= second) bySecond.push(0)
    bySecond[second] = (bySecond[second] ?? 0) + costNano
  }

  return {
    tally: createTally(),
    bySecond,
    get spentNano() {
      return spentNano
    },
    get savedNano() {
      return savedNano
    },
    get steppedDown() {
      return steppedDown
    },
    receive({ cache, costNano, steppedDown: isLower }, { person, content }) {
      const question = `${person.tenant}\n${content}`
      if (cache === 'hit' || cache === 'joined') return reuse(question)
      pay(question, costNano)
      if (isLower) steppedDown += 1
    },
  }
}
