import { modelTarget } from '../../config/model-target.ts'
import type { Policy } from '../../config/policy-types.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { modelsInUse } from '../../ledger/queries/models-in-use.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import type { Catalogue } from '../../pricing/snapshot.ts'
import type { PriceTimeline } from '../../pricing/timeline.ts'
import type { ModelPrice } from '../../pricing/types.ts'

/** A model that is called, and whose price a new list changes. */
export interface UsedChange {
  readonly provider: string
  readonly model: string
  /** In the last 30 days. */
  readonly calls: number
  readonly before: ModelPrice['steps'] | null
  /** null = nobody would know its price: its calls would be refused. */
  readonly after: ModelPrice['steps'] | null
}

const USED_MS = 30 * 86_400_000

export interface NewList {
  readonly catalogue: Catalogue
  readonly effectiveFromMs: number
}

/** What a new price list changes of what is called: by the policy's own book, so that its overrides have their say. */
export async function changesInUse(
  ledger: Ledger,
  policy: Policy,
  known: PriceTimeline,
  { catalogue, effectiveFromMs }: NewList,
  nowMs: number,
): Promise<readonly UsedChange[]> {
  const next = { number: Number.MAX_SAFE_INTEGER, effectiveFromMs, catalogue }
  const later = known.filter((one) => one.effectiveFromMs < effectiveFromMs)
  const before = createPriceBook(policy, known)
  const after = createPriceBook(policy, [...later, next])
  const atMs = Math.max(nowMs, effectiveFromMs)
  const isProvider = (name: string): boolean => Object.hasOwn(policy.providers, name)
  const used = await modelsInUse(ledger, nowMs - USED_MS)
  return used.flatMap(({ provider, model, calls }) => {
    const { upstreamModel } = modelTarget(model, provider, isProvider)
    const was = before.price(upstreamModel, provider, atMs)?.steps ?? null
    const is = after.price(upstreamModel, provider, atMs)?.steps ?? null
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    return [{ provider, model, calls, before: was, after: is }]
  })
}
