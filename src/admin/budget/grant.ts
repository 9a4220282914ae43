import { z } from 'zod'
import { splitWindowKey } from '../../admission/outbox.ts'
import { findWindow } from '../../admission/plan/find-windows.ts'
import { escaped } from '../../admission/plan/subjects.ts'
import type { WindowLine } from '../../admission/plan-lines.ts'
import { BursarError } from '../../errors.ts'
import { creditCommand } from '../../ledger/credit-command.ts'
import { insertCredit, type LedgerCredit, revokeCredit } from '../../ledger/credits.ts'
import { MAX_NANO } from '../../money/nano.ts'
import { newJobId } from '../../queue/ids.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { policyInForce } from './policy-in-force.ts'
import { CreditSchema, type CreditView, creditView } from './views.ts'

const nano = z.int().min(0)
const name = z.string().trim().min(1).max(1_000)
const reason = z.string().trim().min(1, 'say why: it stays on record').max(500)
const LONGEST_MS = 3_650 * 86_400_000

const GrantSchema = z
  .strictObject({
    /** One's own, so that the same order given twice grants once: what came first under it counts. Absent = drawn. */
    id: z
      .string()
      .regex(/^c-[0-9a-z]{16,60}$/, 'write c- and 16 to 60 of 0-9 and a-z')
      .optional(),
    /** As lists show it: `company`, `tenants/acme`, `tier.basic/acme/u42`. */
    budget: name,
    amountNano: z.int().min(1, 'grant more than 0').max(MAX_NANO),
    /** e.g. `2026-11`; absent = the one that is open. */
    window: name.optional(),
    /** First instant at which it counts no more; absent = as long as the window. */
    untilMs: z.int().positive().optional(),
    forMs: z.int().positive().max(LONGEST_MS).optional(),
    reason,
  })
  .refine(({ untilMs, forMs }) => untilMs === undefined || forMs === undefined, {
    path: ['untilMs'],
    error: 'say until when or for how long, not both',
  })
const RevokeSchema = z.strictObject({ id: name, reason: reason.default('revoked') })

/** A credit, and how its window stands with it; null = its window or itself has ended. */
const GrantedSchema = z.object({
  credit: CreditSchema,
  window: z.object({ limitNano: nano, spentNano: nano, heldNano: nano }).nullable(),
})
export type Granted = Readonly<z.infer<typeof GrantedSchema>>

/**
 * Raises the limit of one budget window, until an instant. The ledger knows first; when the slot cannot be told now, a
 * job tells it within half a minute. Throws UNKNOWN_BUDGET, INVALID_ARGUMENT, POLICY_MISSING.
 */
export const budgetGrant: AdminCommand<z.infer<typeof GrantSchema>, Granted> = {
  name: 'budget-grant',
  role: 'finance',
  summary: 'Raises the limit of one budget window.',
  input: GrantSchema,
  output: GrantedSchema,
  async run(place, wanted) {
    const nowMs = Date.now()
    const policy = await policyInForce(place)
    const budget = canonical(wanted.budget)
    const line = findWindow(policy, budget, wanted.window, nowMs)
    const credit: LedgerCredit = {
      // Short enough to be typed, and in order of time.
      id: wanted.id ?? `c-${newJobId().toLowerCase()}`,
      ...splitWindowKey(line.key),
      amountNano: wanted.amountNano,
      untilMs: endOf(wanted, line, nowMs),
      ...{ policyVersion: policy.version, startMs: line.startMs, endMs: line.endMs },
      ...{ limitNano: line.limitNano, marks: [...line.marks], warnOnly: line.warnOnly === true },
      ...{ reason: wanted.reason, grantedBy: place.by ?? 'operator', grantedAtMs: nowMs },
      ...{ revokedBy: null, revokedAtMs: null, revokedReason: null },
    }
    return tellSlot(place, await insertCredit(await place.ledger(), credit), nowMs)
  },
}

/** Takes a credit back: it pays for nothing new, and what was spent of it stays spent. Throws UNKNOWN_CREDIT. */
export const budgetRevoke: AdminCommand<z.infer<typeof RevokeSchema>, Granted> = {
  name: 'budget-revoke',
  role: 'finance',
  summary: 'Takes a grant back.',
  input: RevokeSchema,
  output: GrantedSchema,
  async run(place, { id, reason: why }) {
    const nowMs = Date.now()
    const by = place.by ?? 'operator'
    const credit = await revokeCredit(await place.ledger(), id, { by, atMs: nowMs, reason: why })
    return tellSlot(place, credit, nowMs)
  },
}

/** A name as people write it becomes the one that the slot knows; one from a list is that already. */
const canonical = (budget: string): string =>
  budget
    .split('/')
    .map((part, at) => (at === 0 || /%[0-9A-Fu]/.test(part) ? part : escaped(part)))
    .join('/')

/** @throws {BursarError} INVALID_ARGUMENT when it is over already. */
function endOf(
  { untilMs, forMs }: Pick<z.infer<typeof GrantSchema>, 'untilMs' | 'forMs'>,
  { startMs, endMs }: WindowLine,
  nowMs: number,
): number | null {
  const end = forMs === undefined ? untilMs : nowMs + forMs
  if (end === undefined || end >= endMs) return null
  if (end > Math.max(nowMs, startMs)) return end
  throw new BursarError(
    'INVALID_ARGUMENT',
    `the credit would end at ${new Date(end).toISOString()}, before it could pay for anything: give a later time`,
  )
}

async function tellSlot(place: AdminPlace, credit: LedgerCredit, nowMs: number): Promise<Granted> {
  const view: CreditView = creditView(credit, nowMs)
  try {
    const reply = await (await place.repair()).credit(creditCommand(credit))
    if (reply.outcome === 'lapsed') return { credit: view, window: null }
    if (reply.outcome !== 'set') throw slotClosed(credit.id)
    const { limitNano, spentNano, heldNano } = reply
    return { credit: view, window: { limitNano, spentNano, heldNano } }
  } catch (cause) {
    if (cause instanceof BursarError && cause.retryable) throw untold(credit.id, cause)
    throw cause
  }
}

const slotClosed = (id: string): BursarError =>
  new BursarError('SLOT_CLOSED', `the slot is missing or closed; ${id} is on record`, {
    retryable: true,
  })

const untold = (id: string, cause: BursarError): BursarError =>
  new BursarError(
    cause.code,
    `credit ${id} is on record, and the slot could not be told: a worker with the role jobs tells it as soon as it answers; do not grant it again (${cause.message})`,
    { cause, detail: { credit: id } },
  )
