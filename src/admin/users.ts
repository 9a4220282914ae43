import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { currentTiers, recordTier, type SetTier, tiersAfter } from '../ledger/user-tiers.ts'
import { publishTiers } from '../queue/tier-shelf.ts'
import { policyInForce } from './budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from './command.ts'

const name = z.string().trim().min(1).max(256)
const LONGEST_MS = 3_650 * 86_400_000

const SetSchema = z.strictObject({
  user: name,
  /** null = none is set any more: the policy says again. */
  tier: name.nullable(),
  /** Absent = the policy's default tenant. */
  tenant: name.optional(),
  /** First instant at which it counts no more; absent = until it is changed. */
  untilMs: z.int().positive().optional(),
  forMs: z.int().positive().max(LONGEST_MS).optional(),
  reason: z.string().trim().max(500).default(''),
})
const ListSchema = z.strictObject({
  tenant: name.optional(),
  limit: z.int().min(0).max(100_000).default(100),
})

const UserTierSchema = z.object({
  ...{ tenant: z.string(), user: z.string() },
  /** null = none is set any more. */
  tier: z.string().nullable(),
  /** First instant at which it counts no more, ISO 8601; null = until it is changed. */
  until: z.string().nullable(),
  /** Whether it counts now. */
  inForce: z.boolean(),
  ...{ setBy: z.string(), setAt: z.string(), reason: z.string() },
})
export type UserTier = Readonly<z.infer<typeof UserTierSchema>>

const UsersSchema = z.object({ users: z.array(UserTierSchema) })
export type UserTiersView = Readonly<z.infer<typeof UsersSchema>>

/**
 * Gives a user of a tenant a tier, or takes it back. The ledger knows first, every process within seconds. Throws
 * UNKNOWN_TIER, INVALID_ARGUMENT, POLICY_MISSING.
 */
export const usersSetTier: AdminCommand<z.infer<typeof SetSchema>, UserTier> = {
  name: 'users-set-tier',
  role: 'admin',
  summary: 'Gives a user a tier, or takes it back.',
  input: SetSchema,
  output: UserTierSchema,
  async run(place, { user, tier, tenant, untilMs, forMs, reason }) {
    const nowMs = Date.now()
    const end = forMs === undefined ? (untilMs ?? null) : nowMs + forMs
    if (end !== null && end <= nowMs) throw over(end)
    return giveTier(place, { user, tier, tenant, untilMs: end, reason, event: null }, nowMs)
  },
}

/** A change of a user's tier that somebody wants. */
export interface WantedTier
  extends Pick<SetTier, 'user' | 'tier' | 'untilMs' | 'reason' | 'event'> {
  /** undefined = the policy's default tenant. */
  readonly tenant: string | undefined
}

/**
 * Puts a change on record and tells every process; one that a message asked for once, however often it comes.
 * @throws {BursarError} UNKNOWN_TIER, POLICY_MISSING, LEDGER_UNAVAILABLE, STORE_UNAVAILABLE; INVALID_ARGUMENT when the
 * message's id stands for another change already.
 */
export async function giveTier(
  place: TierPlace,
  { tenant, ...wanted }: WantedTier,
  nowMs: number,
): Promise<UserTier> {
  const policy = await policyInForce(place)
  const { user, tier } = wanted
  if (tier !== null && !Object.hasOwn(policy.tiers, tier)) throw unknownTier(tier, policy.tiers)
  const whose = tenant ?? policy.identity.defaultTenant
  const by = { setBy: place.by ?? 'operator', setAtMs: nowMs }
  const change = await recordTier(await place.ledger(), { ...wanted, ...by, tenant: whose })
  const same = change.tenant === whose && change.user === user && change.tier === tier
  if (!same || change.untilMs !== wanted.untilMs) throw usedUp(change.event)
  await publish(place)
  return view(change, nowMs)
}

/** Where tiers are kept. */
export type TierPlace = Pick<AdminPlace, 'by' | 'ledger' | 'tiers'>

/** The tiers that users were given, by tenant and user. */
export const usersList: AdminCommand<z.infer<typeof ListSchema>, UserTiersView> = {
  name: 'users-list',
  role: 'viewer',
  summary: 'Users that were given a tier.',
  input: ListSchema,
  output: UsersSchema,
  async run(place, { tenant, limit }) {
    const nowMs = Date.now()
    const changes = await currentTiers(await place.ledger(), tenant ?? null, limit)
    return { users: changes.map((change) => view(change, nowMs)) }
  },
}

async function publish(place: TierPlace): Promise<void> {
  const ledger = await place.ledger()
  try {
    await publishTiers(await place.tiers(), (version, limit) => tiersAfter(ledger, version, limit))
  } catch (cause) {
    if (!(cause instanceof BursarError) || !cause.retryable) throw cause
    throw new BursarError(
      cause.code,
      `the tier is on record, and the processes could not be told: a worker with the role jobs tells them as soon as Redis answers (${cause.message})`,
      { cause },
    )
  }
}

const view = (change: SetTier, nowMs: number): UserTier => ({
  ...{ tenant: change.tenant, user: change.user, tier: change.tier },
  until: change.untilMs === null ? null : new Date(change.untilMs).toISOString(),
  inForce: change.tier !== null && (change.untilMs === null || change.untilMs > nowMs),
  ...{ setBy: change.setBy, setAt: new Date(change.setAtMs).toISOString(), reason: change.reason },
})

function unknownTier(tier: string, tiers: object): BursarError {
  const known = Object.keys(tiers)
  return new BursarError(
    'UNKNOWN_TIER',
    `no tier is called '${tier}': use one of ${known.join(', ')}, or add it to the policy`,
    { detail: { tier, known } },
  )
}

const usedUp = (event: string | null): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    `message ${event} was about another change already: give each change an id of its own`,
  )

const over = (atMs: number): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    `${new Date(atMs).toISOString()} has passed: give a later time`,
  )
