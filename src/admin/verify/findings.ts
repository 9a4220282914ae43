import { z } from 'zod'

/** What may be wrong, and what each kind means. */
export const VIOLATIONS = {
  'slot-missing': 'the slot in Redis is missing or closed though the ledger has entries',
  'slot-foreign': 'the slot in Redis and the ledger are of different epochs',
  'counter-differs': 'a counter is not what the ledger and the outbox add up to',
  'counter-missing': 'a window has no counter though the ledger has spending in it',
  'held-negative': 'a window holds less than nothing',
  'held-without-hold': 'a window holds money though no hold is listed',
  'hold-overdue': 'a hold outlived its expiry',
  'entry-differs': 'an entry is not the sum of its postings',
  'window-differs': 'a window total is not the sum of its postings',
  'saved-differs': 'an answer is said to have saved another amount than it had cost',
  'usage-differs':
    'a sum of usage is not what its calls add up to: npx bursar rebuild --usage makes it again',
  'posting-conflict': 'a posting came again with other content',
  'bill-lost': 'a billed call is not in the ledger',
  'bill-doubled': 'one attempt was billed more than once',
  'bill-unnamed': 'a billed call carries no attempt: it was not governed',
  'below-bill': 'less is booked than was billed',
  'above-bill': 'more is booked than was billed, and nothing says why',
  'not-billed': 'a confirmed cost is on no bill',
} as const
export type ViolationKind = keyof typeof VIOLATIONS

const isKind = (kind: unknown): kind is ViolationKind =>
  typeof kind === 'string' && Object.hasOwn(VIOLATIONS, kind)

const ViolationSchema = z.object({
  kind: z.custom<ViolationKind>(isKind),
  /** Attempt, window or bill line. */
  id: z.string(),
  /** What was found, with amounts in USD. */
  found: z.string(),
})
export type Violation = Readonly<z.infer<typeof ViolationSchema>>

/** What was found, as it travels. */
export const FoundSchema = z.object({
  /** Violations by kind; a kind that was not found is absent. */
  counts: z.record(z.string(), z.int().min(1)),
  /** In the order they were found; at most 1,000 of a kind. */
  violations: z.array(ViolationSchema).readonly(),
})
export type Found = Readonly<z.infer<typeof FoundSchema>>

/** Per kind; beyond it they are counted and not named, so that memory stays bounded. */
const MOST_NAMED = 1_000

/** Collects what is wrong. */
export class Findings {
  readonly #named: Violation[]
  readonly #counts: Map<string, number>

  /** @param before - what was found already. */
  constructor(before: Found = { counts: {}, violations: [] }) {
    this.#named = [...before.violations]
    this.#counts = new Map(Object.entries(before.counts))
  }

  add(kind: ViolationKind, id: string, found: string): void {
    const count = this.#counts.get(kind) ?? 0
    this.#counts.set(kind, count + 1)
    if (count < MOST_NAMED) this.#named.push({ kind, id, found })
  }

  all(): Found {
    return { counts: Object.fromEntries(this.#counts), violations: this.#named }
  }
}

/** How many were found, named or not. */
export const totalOf = ({ counts }: Found): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)
