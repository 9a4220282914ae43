import fc from 'fast-check'
import type { Conclusion } from '../../src/admission/commands.ts'
import type {
  BookLeaseCommand,
  CloseLeaseCommand,
  LeaseCommand,
} from '../../src/admission/lease-commands.ts'
import type { WindowLine } from '../../src/admission/plan-lines.ts'

/** What generated allowances are made of. */
export interface LeaseWorld {
  readonly budgets: readonly string[]
  readonly attempts: readonly string[]
  readonly jobOf: (attempt: string) => string
  readonly metaOf: (job: string) => string
  readonly windowLine: (budget: string, limitNano: number, hour: number) => WindowLine
  readonly conclusion: fc.Arbitrary<Conclusion>
  /** A time that records are kept. */
  readonly keepMs: number
}

const LEASES = ['lease/1', 'lease/2', 'lease/3', 'lease/4', 'lease/5']
const lease = fc.constantFrom(...LEASES)
/** Called from allowances alone; the others may be held already, as after an emptied slot. */
const OWN = ['j1/x', 'j2/x', 'j3/x', 'j4/x']

/** Allowances that are taken, spent from, expired and closed, some of it twice and some of it too late. */
export function leaseCommands(world: LeaseWorld, hour: number) {
  const { budgets, attempts, jobOf, metaOf, windowLine, conclusion, keepMs } = world
  const take: fc.Arbitrary<LeaseCommand> = fc
    .record({
      lease,
      process: fc.constantFrom('gateway-1', 'gateway-2'),
      policy: fc.constantFrom(1, 1, 1, 2),
      some: fc.subarray([...budgets], { minLength: 1, maxLength: 2 }),
      isWarned: fc.constantFrom(false, false, false, true),
      limitNano: fc.constantFrom(150, 900, 900, 2_000),
      amountNano: fc.constantFrom(10, 60, 60, 151),
      ttlMs: fc.constantFrom(30_000, 4_000_000),
      lag: fc.constantFrom(0, 0, 0, 0, 1),
    })
    .map(({ some, isWarned, limitNano, lag, ...rest }) => ({
      ...rest,
      windows: some.map((budget) => ({
        ...windowLine(
          budget,
          rest.policy === 2 ? limitNano * 2 : limitNano,
          Math.max(hour - lag, 0),
        ),
        ...(isWarned && { warnOnly: true }),
      })),
    }))
  const book = fc
    .record({
      lease,
      attempt: fc.constantFrom(...OWN, ...OWN, ...attempts),
      kind: fc.constantFrom('settled', 'settled', 'unconfirmed'),
      costNano: fc.integer({ min: 0, max: 60 }),
      holdNano: fc.constantFrom(10, 25, 40),
      conclusion: fc.oneof(fc.constant(null), conclusion),
      ageMs: fc.constantFrom(0, 0, 0, 0, keepMs + 1),
      budget: fc.constantFrom(...budgets),
    })
    .map(
      ({ ageMs, budget, ...rest }) =>
        (nowMs: number): BookLeaseCommand => ({
          ...rest,
          job: jobOf(rest.attempt),
          atMs: nowMs - ageMs,
          windows: [windowLine(budget, 0, hour).key],
          meta: metaOf(jobOf(rest.attempt)),
          detail: '',
        }),
    )
  const close: fc.Arbitrary<CloseLeaseCommand> = fc.record({
    lease,
    attempts: fc.oneof(fc.constant([]), fc.subarray(OWN)),
  })
  return { take, book, close }
}
