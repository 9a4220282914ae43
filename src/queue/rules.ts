import type { Environment } from '../config/options.ts'
import type { Policy } from '../config/policy-types.ts'
import { BursarError, messageOf } from '../errors.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import type { PriceTimeline } from '../pricing/timeline.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Rules, RulesSource } from './context.ts'
import type { PolicyShelf } from './published-policy.ts'
import { createUserTiers, type TierMap, type UserTiers } from './user-tiers.ts'

/** Rules that a process keeps current: its own file's, or newer ones that the slot has seen. */
export interface LiveRules extends RulesSource {
  /** Takes a policy over, unless a newer one is in force. */
  put(policy: Policy): void
}

export interface RulesParts {
  readonly shelf: PolicyShelf
  readonly env: Environment
  readonly logger: Logger
  /** What this process changes in every policy before it works by it. */
  readonly adapt: (policy: Policy) => Policy
  /** The price lists that were imported; another object when there is a new one. Absent = none. */
  readonly lists?: () => PriceTimeline
}

/** How often the shelf is looked at for a newer policy. */
const LOOK_EVERY_MS = 3_000

/** @param first - the policy to start with, registered. */
export function createRules(
  first: Policy,
  { shelf, env, logger, adapt, lists = noLists }: RulesParts,
): LiveRules {
  let listed = lists()
  let rules = rulesOf(adapt(first), listed)
  let reading: Promise<void> | null = null
  let readAtMs = Date.now()
  const tiers = createUserTiers(shelf.tiers)
  const withTiers = tierOverlay()

  function put(policy: Policy): void {
    if (policy.version > rules.policy.version) rules = rulesOf(adapt(policy), listed)
  }

  function priced(): Rules {
    if (lists() !== listed) {
      listed = lists()
      rules = rulesOf(rules.policy, listed)
    }
    return withTiers(rules, tiers.current())
  }

  async function read(level: 'debug' | 'warn'): Promise<void> {
    try {
      readAtMs = Date.now()
      const newer = await shelf.read(rules.policy.version, env)
      if (newer) put(newer)
    } catch (error) {
      logger[level]({ reason: messageOf(error) }, 'a newer policy could not be read')
    } finally {
      reading = null
    }
  }

  return {
    current() {
      // What is known serves meanwhile. One that an operator applied stands in no file.
      if (Date.now() - readAtMs >= LOOK_EVERY_MS) reading ??= read('debug')
      return priced()
    },
    put,
    async atLeast(version) {
      if (version > rules.policy.version) {
        // Many jobs find out at once; one of them reads.
        reading ??= read('warn')
        await reading
      }
      return priced()
    },
  }
}

/** Puts the tiers that users were given into the policy; the same object as long as neither has changed. */
function tierOverlay(): (rules: Rules, given: TierMap) => Rules {
  let of: Rules | null = null
  let tiers: TierMap | null = null
  let made: Rules | null = null
  return (rules, given) => {
    if (given.size === 0) return rules
    if (made && of === rules && tiers === given) return made
    const { policy } = rules
    made = { ...rules, policy: { ...policy, identity: { ...policy.identity, given } } }
    of = rules
    tiers = given
    return made
  }
}

/** Rules of a process without a file: the slot's, looked at again now and then. */
export interface SharedRules {
  /** @throws {BursarError} POLICY_MISSING while nobody has published one, STORE_UNAVAILABLE. */
  get(): Promise<Rules>
}

/** How old the policy of a client may be: limits and tiers changed by an admin hold after it at the latest. */
const FRESH_MS = 5_000

export function createSharedRules(shelf: () => Promise<PolicyShelf>): SharedRules {
  let rules: Rules | null = null
  let readAtMs = 0
  let reading: Promise<void> | null = null
  let tiers: UserTiers | null = null
  const withTiers = tierOverlay()

  async function read(): Promise<void> {
    try {
      const opened = await shelf()
      tiers ??= createUserTiers(opened.tiers)
      const [newer] = await Promise.all([opened.read(rules?.policy.version ?? -1), tiers.refresh()])
      if (newer) rules = rulesOf(newer)
      readAtMs = Date.now()
    } finally {
      reading = null
    }
  }

  const inForce = (known: Rules): Rules => (tiers ? withTiers(known, tiers.current()) : known)

  return {
    async get() {
      if (rules && Date.now() - readAtMs < FRESH_MS) return inForce(rules)
      reading ??= read()
      // What is known serves while the newer one is read; the first caller waits.
      if (rules) reading.catch(() => {})
      else await reading
      if (rules) return inForce(rules)
      throw new BursarError(
        'POLICY_MISSING',
        'no policy is in force yet: start a worker with bursar.yaml (npx bursar start), which publishes it',
        { retryable: true },
      )
    },
  }
}

const NO_LISTS: PriceTimeline = []
const noLists = (): PriceTimeline => NO_LISTS

const rulesOf = (policy: Policy, lists: PriceTimeline = NO_LISTS): Rules => ({
  policy,
  prices: createPriceBook(policy, lists),
})
