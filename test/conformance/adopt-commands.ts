import fc from 'fast-check'
import type { AdoptCommand, LedgerWord } from '../../src/admission/adopt-command.ts'
import type { LeaseWorld } from './lease-commands.ts'

/** Lost by an earlier life, beside attempts that this one knows. */
const LOST = ['j1/l', 'j2/l', 'j3/l', 'j4/l', 'j5/l', 'j6/l', 'j7/l', 'j8/l']

const word: fc.Arbitrary<LedgerWord> = fc.record({
  state: fc.constantFrom('S', 'U', 'U', 'R'),
  bookedNano: fc.constantFrom(0, 20, 60),
  // The life that the tests are in, and the one before: postings of this one are not to be numbered twice.
  epoch: fc.constantFrom(0, 1),
  rev: fc.constantFrom(1, 900),
})

/** Attempts that somebody hands over, as the ledger and their owner know them. */
export function adoptCommands(
  { budgets, attempts, jobOf, metaOf, windowLine, keepMs }: LeaseWorld,
  hour: number,
): fc.Arbitrary<(nowMs: number) => AdoptCommand> {
  return fc
    .record({
      attempt: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...LOST) },
        { weight: 1, arbitrary: fc.constantFrom(...attempts) },
      ),
      ledger: fc.oneof(fc.constant(null), word),
      as: fc.constantFrom('held', 'held', 'settled', 'unconfirmed'),
      costNano: fc.integer({ min: 0, max: 140 }),
      ttlMs: fc.constantFrom(1_000, 120_000),
      rung: fc.constantFrom(0, 1),
      holdNano: fc.integer({ min: 0, max: 90 }),
      capTokens: fc.constant(30),
      n: fc.constantFrom(0, 1, 2),
      some: fc.subarray([...budgets], { minLength: 1 }),
      /** Of a window that is open, that ended, or that nobody can open any more. */
      back: fc.constantFrom(0, 0, 0, 1),
      ageMs: fc.constantFrom(0, 1_000, keepMs + 1),
    })
    .map(({ some, back, ageMs, ...rest }) => (nowMs) => ({
      ...rest,
      job: jobOf(rest.attempt),
      atMs: nowMs - ageMs,
      windows: some.map((budget) => windowLine(budget, 0, Math.max(hour - back, 0)).key),
      meta: metaOf(jobOf(rest.attempt)),
      detail: '',
    }))
}
