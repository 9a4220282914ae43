import { RULES, type RuleName } from '../../config/alert-types.ts'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Finding } from '../finding.ts'
import type { World } from '../place.ts'
import { alertsOf } from '../routes.ts'
import { burnRate, projectedOverrun } from './budgets.ts'
import { cachedLatency, hitRate } from './cache.ts'
import { deliveryFailing } from './deliveries.ts'
import { overrun, providerErrors, unconfirmedOld } from './entries.ts'
import { limitNear } from './limits.ts'
import { priceChange, unpricedModel } from './prices.ts'
import { queueAge } from './queues.ts'
import { completed, type Rule } from './rule.ts'
import { connections, redisMemory } from './servers.ts'

/** Everything that is measured; thresholds are crossed, and differences of the ledger are found by who compares. */
export const MEASURED: readonly Rule[] = [
  limitNear,
  projectedOverrun,
  burnRate,
  unpricedModel,
  priceChange,
  overrun,
  unconfirmedOld,
  hitRate,
  cachedLatency,
  providerErrors,
  queueAge,
  redisMemory,
  connections,
  deliveryFailing,
]

export interface Looked {
  /** Those that could be looked at: alerts of the others stay as they are. */
  readonly rules: readonly RuleName[]
  readonly findings: readonly Finding[]
}

/** Looks at everything that the policy asks for. One thing that cannot be measured hides no other. */
export async function lookAll(world: World & { readonly logger: Logger }): Promise<Looked> {
  const policy = alertsOf(world.policy).rules
  const findings: Finding[] = []
  // Switched off, nothing is found: what was raised is resolved.
  const looked = new Set<RuleName>(RULES.filter((rule) => !policy[rule].enabled))
  for (const rule of MEASURED.filter(({ name }) => policy[name].enabled)) {
    try {
      const found = await rule.look(world, policy[rule.name].above ?? 0)
      findings.push(...found.map((one) => completed(rule.name, one, world)))
      looked.add(rule.name)
    } catch (error) {
      world.logger.warn({ rule: rule.name, reason: messageOf(error) }, 'a rule could not look')
    }
  }
  return { rules: [...looked], findings }
}
