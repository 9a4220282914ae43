import { z } from 'zod'
import { type ApiKey, keyState } from '../access/api-key.ts'
import { canBePromised } from '../access/key-budgets.ts'
import { createKeyStore, type KeyStore } from '../access/key-store.ts'
import { createKey, type IssuedKey, listKeys, revokeKey, rotateKey } from '../access/manage-keys.ts'
import { KEY_ROLES } from '../access/roles.ts'
import { BursarError } from '../errors.ts'
import { readPolicy } from '../ledger/policies.ts'
import { policyInForce } from './budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from './command.ts'

const iso = z.string()
const isoOrNull = iso.nullable()
const textOrNull = z.string().nullable()

/** A key as lists show it: never a secret. Times are ISO 8601. */
const KeySchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(KEY_ROLES),
  state: z.enum(['active', 'expired', 'revoked']),
  ...{ tenant: textOrNull, user: textOrNull, tier: textOrNull },
  models: z.array(z.string()).nullable(),
  budgets: z.array(z.string()).nullable(),
  ...{ createdAt: iso, createdBy: z.string() },
  ...{ expiresAt: isoOrNull, revokedAt: isoOrNull, rotatedAt: isoOrNull, lastUsedAt: isoOrNull },
  /** Until when the secret before the newest one opens. */
  formerUntil: isoOrNull,
})
export type KeyView = Readonly<z.infer<typeof KeySchema>>

/** The one time that a secret is shown. */
const IssuedSchema = z.object({ key: KeySchema, apiKey: z.string() })
export type IssuedView = Readonly<z.infer<typeof IssuedSchema>>

const KeysSchema = z.object({ keys: z.array(KeySchema) })
export type KeysView = Readonly<z.infer<typeof KeysSchema>>

const DAY_MS = 86_400_000
const LONGEST_LIFE_MS = 3_650 * DAY_MS
const LONGEST_GRACE_S = 30 * 86_400
const USUAL_GRACE_S = 86_400

const name = z.string().trim().min(1).max(256)
const id = z.string().regex(/^[0-9a-z]{12}$/, 'the id of a key is what `bursar keys list` shows')
const model = name.refine((one) => one !== 'auto', "'auto' is no model: name those it may choose")

const CreateSchema = z
  .strictObject({
    name: name.max(100).default('unnamed'),
    role: z.enum(KEY_ROLES).default('app'),
    ...{ tenant: name.optional(), user: name.optional(), tier: name.optional() },
    models: z.array(model).min(1).max(100).optional(),
    /** Budgets of the policy in which each of its requests is counted. */
    budgets: z.array(name).min(1).max(20).optional(),
    /** From now; absent = it does not expire. */
    expiresInMs: z.int().positive().max(LONGEST_LIFE_MS).optional(),
  })
  .refine(({ role, tenant }) => role !== 'app' || tenant !== undefined, {
    path: ['tenant'],
    error: 'say whose money the key spends, e.g. tenant: acme',
  })
  .refine(
    ({ role, tenant, user, tier, models, budgets }) =>
      role === 'app' || [tenant, user, tier, models, budgets].every((one) => one === undefined),
    {
      path: ['role'],
      error:
        'viewer, finance and admin see every tenant: leave tenant, user, tier, models and budgets out',
    },
  )
type Create = z.infer<typeof CreateSchema>

const ListSchema = z.strictObject({
  tenant: name.optional(),
  /** Those that are over too. */
  all: z.boolean().default(false),
})
const RotateSchema = z.strictObject({
  id,
  /** How long the secret so far goes on opening, seconds. */
  graceSeconds: z.int().min(0).max(LONGEST_GRACE_S).default(USUAL_GRACE_S),
})
const RevokeSchema = z.strictObject({ id })

/** Makes a key. Throws UNKNOWN_TIER and UNKNOWN_BUDGET when the policy in force has no such tier or budget. */
export const keysCreate: AdminCommand<Create, IssuedView> = {
  name: 'keys-create',
  role: 'admin',
  summary: 'Makes an API key; the one time that its secret is told.',
  input: CreateSchema,
  output: IssuedSchema,
  async run(place, { expiresInMs, tenant, user, tier, models, budgets, ...wanted }) {
    await assertTier(place, tier)
    if (budgets) await assertBudgets(place, budgets)
    const nowMs = Date.now()
    const scope = {
      tenant: tenant ?? null,
      user: user ?? null,
      tier: tier ?? null,
      models: models ?? null,
      budgets: budgets ?? null,
    }
    const expiresAtMs = expiresInMs === undefined ? null : nowMs + expiresInMs
    const createdBy = place.by ?? 'operator'
    const key = { ...wanted, ...scope, expiresAtMs, createdBy }
    return issuedView(await createKey(await keysOf(place), key, nowMs), nowMs)
  },
}

/** Every key that opens, newest first. */
export const keysList: AdminCommand<z.infer<typeof ListSchema>, KeysView> = {
  name: 'keys-list',
  role: 'admin',
  summary: 'API keys, newest first; never a secret.',
  changes: false,
  input: ListSchema,
  output: KeysSchema,
  async run(place, { tenant, all }) {
    const nowMs = Date.now()
    const keys = await listKeys(await keysOf(place), tenant ?? null)
    return {
      keys: keys.map((key) => keyView(key, nowMs)).filter(({ state }) => all || state === 'active'),
    }
  },
}

/** Gives a key a new secret. Throws UNKNOWN_KEY, INVALID_ARGUMENT. */
export const keysRotate: AdminCommand<z.infer<typeof RotateSchema>, IssuedView> = {
  name: 'keys-rotate',
  role: 'admin',
  summary: 'Gives a key a new secret; the one before opens a while longer.',
  input: RotateSchema,
  output: IssuedSchema,
  async run(place, input) {
    const nowMs = Date.now()
    const times = { nowMs, graceMs: input.graceSeconds * 1_000 }
    return issuedView(await rotateKey(await keysOf(place), input.id, times), nowMs)
  },
}

/** Ends a key: every process knows within a second. Throws UNKNOWN_KEY. */
export const keysRevoke: AdminCommand<z.infer<typeof RevokeSchema>, KeyView> = {
  name: 'keys-revoke',
  role: 'admin',
  summary: 'Ends a key, everywhere within a second.',
  input: RevokeSchema,
  output: KeySchema,
  async run(place, input) {
    const nowMs = Date.now()
    return keyView(await revokeKey(await keysOf(place), input.id, nowMs), nowMs)
  },
}

const keysOf = async (place: AdminPlace): Promise<KeyStore> => createKeyStore(await place.ledger())

const Tiers = z.object({ tiers: z.record(z.string(), z.unknown()) })

/** A ledger without a policy is new: whatever will be in it, nobody can say yet. */
async function assertTier(place: AdminPlace, tier: string | undefined): Promise<void> {
  if (tier === undefined) return
  const policy = await readPolicy(await place.ledger())
  const known = Object.keys(Tiers.safeParse(policy?.body).data?.tiers ?? { [tier]: null })
  if (known.includes(tier)) return
  throw new BursarError(
    'UNKNOWN_TIER',
    `no tier is called '${tier}': use one of ${known.join(', ')}, or add it to the policy`,
    { detail: { tier, known } },
  )
}

/** Whether each request of a key can be counted in them. */
async function assertBudgets(place: AdminPlace, wanted: readonly string[]): Promise<void> {
  const { budgets } = await policyInForce(place)
  const known = budgets.filter(canBePromised).map(({ id }) => id)
  const unknown = wanted.find((id) => !known.includes(id))
  if (unknown === undefined) return
  throw new BursarError(
    'UNKNOWN_BUDGET',
    `no key can promise to spend from budget '${unknown}': use one of ${known.join(', ')}, or add it to the policy (one of models or providers depends on who answers)`,
    { detail: { budget: unknown, known } },
  )
}

const issuedView = ({ key, text }: IssuedKey, nowMs: number): IssuedView => ({
  key: keyView(key, nowMs),
  apiKey: text,
})

function keyView(key: ApiKey, nowMs: number): KeyView {
  const at = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  const { createdAtMs, expiresAtMs, revokedAtMs, rotatedAtMs, lastUsedAtMs, formerUntilMs } = key
  const { id, name, role, tenant, user, tier, models, budgets, createdBy } = key
  return {
    ...{ id, name, role, state: keyState(key, nowMs), tenant, user, tier, createdBy },
    models: models && [...models],
    budgets: budgets && [...budgets],
    createdAt: new Date(createdAtMs).toISOString(),
    ...{ expiresAt: at(expiresAtMs), revokedAt: at(revokedAtMs), rotatedAt: at(rotatedAtMs) },
    ...{ lastUsedAt: at(lastUsedAtMs), formerUntil: at(formerUntilMs) },
  }
}
