import { z } from 'zod'
import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import { openWindows, soleBudgets } from '../../admission/plan/find-windows.ts'
import { FOREVER_MS, type WindowLine } from '../../admission/plan-lines.ts'
import { listCredits } from '../../ledger/credits.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { policyInForce } from './policy-in-force.ts'
import { BudgetSchema, type BudgetView, CreditSchema, creditView } from './views.ts'

const ListSchema = z.strictObject({
  /** It and its subjects alone; absent = all. */
  budget: z.string().trim().min(1).max(1_000).optional(),
  limit: z.int().min(0).max(10_000).default(100),
})

const BudgetsSchema = z.object({
  /** Windows that are open now, fullest first, at most as many as were asked for. */
  budgets: z.array(BudgetSchema),
  /** How many there are. */
  total: z.int().min(0),
  /** Newest first, at most as many as were asked for. */
  credits: z.array(CreditSchema),
})
export type BudgetList = Readonly<z.infer<typeof BudgetsSchema>>

/** What every budget allows, and what was granted. Throws POLICY_MISSING, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE. */
export const budgetList: AdminCommand<z.infer<typeof ListSchema>, BudgetList> = {
  name: 'budget-list',
  role: 'viewer',
  summary: 'How every budget stands, and what was granted on top.',
  input: ListSchema,
  output: BudgetsSchema,
  async run(place, { budget, limit }) {
    const nowMs = Date.now()
    const concerns = (name: string) =>
      budget === undefined || name === budget || name.startsWith(`${budget}/`)
    const known = (await readOpen(place, nowMs)).filter((view) => concerns(view.budget))
    const names = new Set(known.map(({ budget: name, window }) => `${name}:${window}`))
    const fresh = (await unspent(place, nowMs)).filter(
      (view) => concerns(view.budget) && !names.has(`${view.budget}:${view.window}`),
    )
    const all = [...known, ...fresh].toSorted(byFullness)
    const credits = await listCredits(await place.ledger(), budget ?? null, limit)
    return {
      budgets: all.slice(0, limit),
      total: all.length,
      credits: credits.map((credit) => creditView(credit, nowMs)),
    }
  },
}

async function readOpen(place: AdminPlace, nowMs: number): Promise<BudgetView[]> {
  const slot = await place.slot()
  const views: BudgetView[] = []
  for await (const page of slot.windows(nowMs)) {
    for (const state of await slot.peek(page)) {
      if (state && state.startMs <= nowMs) views.push(viewOf(state))
    }
  }
  return views
}

/** Budgets with one state for all that nobody has spent from yet. */
async function unspent(place: AdminPlace, nowMs: number): Promise<BudgetView[]> {
  const policy = await policyInForce(place)
  const lines = soleBudgets(policy).flatMap((name) => openWindows(policy, name, nowMs))
  return lines.map((line) => viewOf(untouched(line)))
}

const untouched = ({ marks: _, ...line }: WindowLine): Opened => ({
  ...line,
  ...{ creditNano: 0, spentNano: 0, heldNano: 0 },
})

type Opened = Omit<WindowState, 'policy' | 'firedPercent'>

function viewOf(state: Opened): BudgetView {
  const { key, limitNano, creditNano, spentNano, heldNano, warnOnly = false, endMs } = state
  const used = spentNano + heldNano
  return {
    ...splitWindowKey(key),
    ...{ limitNano, creditNano, spentNano, heldNano, warnOnly },
    leftNano: limitNano - used,
    usedPercent: limitNano === 0 ? null : Math.round((used / limitNano) * 1_000) / 10,
    resetsAt: endMs >= FOREVER_MS ? null : new Date(endMs).toISOString(),
  }
}

const byFullness = (a: BudgetView, b: BudgetView): number =>
  (b.usedPercent ?? 0) - (a.usedPercent ?? 0) || (a.budget < b.budget ? -1 : 1)
