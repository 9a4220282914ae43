import { addNano, type Nano } from '../../money/nano.ts'
import { billByAttempt } from './bill.ts'
import { type BookedAttempt, type Difference, difference, type Evidence } from './evidence.ts'

/**
 * The ledger has every billed call once. A confirmed entry is its bill, and names what of it is above the hold; an
 * unconfirmed one is its whole hold, and never below its bill.
 */
export function judgeBill({
  entries,
  bill,
  conflicts,
}: Pick<Evidence, 'entries' | 'bill' | 'conflicts'>): Difference[] {
  const booked = new Set(entries.map(({ attempt }) => attempt))
  const billed = billByAttempt(bill)
  const wrong = (entry: BookedAttempt) => wrongBooking(entry, billed.get(entry.attempt) ?? 0)
  const confirmed = entries.filter(({ status }) => status !== 'unconfirmed')
  const unconfirmed = entries.filter(({ status }) => status === 'unconfirmed')
  return [
    ...difference(
      'billed attempts that the ledger lacks',
      [...billed.keys()].filter((attempt) => !booked.has(attempt)),
    ),
    ...difference('attempts billed twice', twice(bill.map(({ attempt }) => attempt))),
    ...difference('attempts with two entries', twice(entries.map(({ attempt }) => attempt))),
    ...difference('confirmed entries that are not their bill', confirmed.flatMap(wrong)),
    ...difference('unconfirmed entries below their bill', unconfirmed.flatMap(wrong)),
    ...difference(
      'unconfirmed entries that are not their whole hold',
      unconfirmed.flatMap(notWhole),
    ),
    ...difference('entries above their hold that name no overrun', entries.flatMap(unnamed)),
    ...difference(
      'postings that came again with other content',
      Array.from({ length: conflicts }, () => 'see the table ledger_conflicts'),
    ),
  ]
}

function wrongBooking({ attempt, status, costNano }: BookedAttempt, billedNano: Nano): string[] {
  const right = status === 'unconfirmed' ? costNano >= billedNano : costNano === billedNano
  return right ? [] : [`${attempt}: booked ${costNano}, billed ${billedNano}`]
}

const notWhole = ({ attempt, costNano, holdNano }: BookedAttempt): string[] =>
  costNano === holdNano ? [] : [`${attempt}: booked ${costNano}, held ${holdNano}`]

const unnamed = ({ attempt, costNano, holdNano, overrunNano }: BookedAttempt): string[] =>
  costNano - holdNano > overrunNano
    ? [`${attempt}: booked ${costNano}, held ${holdNano}, overrun ${overrunNano}`]
    : []

function twice(names: readonly string[]): string[] {
  const seen = new Set<string>()
  return names.filter((name) => seen.size === seen.add(name).size)
}

/** Sums for the summary, nano-USD. */
export const sumsOf = ({ entries, bill }: Pick<Evidence, 'entries' | 'bill'>) => ({
  ledgerNano: sum(entries, ({ costNano }) => costNano),
  billedNano: sum(bill, ({ nano }) => nano),
  overrunNano: sum(entries, ({ overrunNano }) => overrunNano),
  unconfirmed: entries.filter(({ status }) => status === 'unconfirmed').length,
})

const sum = <T>(items: readonly T[], amountOf: (item: T) => Nano): Nano =>
  items.reduce((total, item) => addNano(total, amountOf(item)), 0)
