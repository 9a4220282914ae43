import type { PlanInput } from '../offer.ts'
import { entryOf } from '../own-entry.ts'
import type { LimitLine } from '../plan-lines.ts'
import type { PlannedRung } from '../plan-types.ts'
import type { Governed } from './chains.ts'
import { escaped } from './subjects.ts'

const MINUTE_MS = 60_000

/**
 * What providers allow this account, for each of their models: taken with the hold, on the rungs of that model alone,
 * so that calls wait, or the next rung serves, where the provider would answer 429. Nobody bypasses it.
 */
export function providerLimitsOf(
  { policy }: PlanInput,
  planned: readonly PlannedRung[],
): Governed<LimitLine>[] {
  const served = new Map<string, { readonly of: PlannedRung['rung']; readonly rungs: number[] }>()
  for (const [at, { rung }] of planned.entries()) {
    const name = `${rung.provider}:${rung.upstreamModel}`
    const known = served.get(name)
    if (known) known.rungs.push(at)
    else served.set(name, { of: rung, rungs: [at] })
  }
  return [...served.values()].flatMap(({ of: { provider, upstreamModel }, rungs }) => {
    const { requestsPerMinute: calls = null, tokensPerMinute: tokens = null } =
      entryOf(policy.providers, provider)?.limits ?? {}
    const line = (counts: string, limit: number): LimitLine => ({
      kind: 'sliding-window',
      key: `provider.${provider}.${counts}/${escaped(upstreamModel)}`,
      limit,
      perMs: MINUTE_MS,
      unit: counts === 'requests' ? 'calls' : 'tokens',
    })
    const lines = [
      ...(calls === null ? [] : [line('requests', calls)]),
      ...(tokens === null ? [] : [line('tokens', tokens)]),
    ]
    // One model on every rung governs all of it, and costs no chain.
    const about = rungs.length === planned.length ? null : rungs
    return lines.map((made) => ({ line: made, rungs: about }))
  })
}
