import { z } from 'zod'
import { BursarError } from '../errors.ts'
import type { Environment } from './options.ts'
import { own } from './own.ts'
import { mapSecrets, StoredAlertsSchema } from './policy-alerts-stored.ts'
import { StoredCacheSchema } from './policy-cache.ts'
import { StoredExportSchema } from './policy-exports.ts'
import { StoredLedgerSchema } from './policy-ledger.ts'
import {
  EXECUTES,
  FUND_MODES,
  type FundPolicy,
  type Policy,
  RATES,
  SCOPES,
} from './policy-types.ts'
import { fillVariables, hideVariables } from './policy-variables.ts'

const nano = z.int().min(0)
const count = z.int().min(0)
const one = z.object({ value: z.string() })
const of = z.union([z.literal('each'), one])
const scope = z.union([
  z.object({ kind: z.literal('global') }),
  z.object({ kind: z.enum(SCOPES), of }),
  z.object({ kind: z.literal('tag'), key: z.string(), of }),
])
const cut = { limitNano: nano }
const window = z.discriminatedUnion('per', [
  z.object({ per: z.literal(['minute', 'hour', 'lifetime']), ...cut }),
  z.object({ per: z.literal(['day', 'week']), ...cut }),
  z.object({ per: z.literal('month'), startsOn: count.exactOptional(), ...cut }),
  z.object({ per: z.literal('year'), startsOn: z.string().exactOptional(), ...cut }),
])
const fund: z.ZodType<FundPolicy> = z.preprocess(
  ofOneWindow,
  z.object({
    windows: z.array(window).min(1),
    timezone: z.string(),
    alertAt: z.array(count),
    mode: z.enum(FUND_MODES).exactOptional(),
  }),
)
const rated = {
  id: z.string(),
  scope,
  resource: z.string().exactOptional(),
  counts: z.enum(RATES),
  limit: count,
  perMs: count,
  countCached: z.boolean().exactOptional(),
}
const limit = z.union([
  z.object({ ...rated, algorithm: z.enum(['sliding-window', 'fixed-window']) }),
  z.object({ ...rated, algorithm: z.literal('token-bucket'), burst: count }),
  z.object({
    id: z.string(),
    scope,
    resource: z.string().exactOptional(),
    counts: z.literal('concurrent'),
    limit: count,
  }),
])
const rung = z.object({
  model: z.string(),
  provider: z.string(),
  upstreamModel: z.string(),
  until: z.number().nullable(),
  reasoningEffort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullable(),
  maxOutputTokens: count.nullable(),
  serviceTier: z.enum(['default', 'flex', 'priority']).nullable(),
})
const tier = z.object({
  name: z.string(),
  requests: z
    .object({ limit: count, perMs: count, countCached: z.boolean().exactOptional() })
    .nullable(),
  budget: fund.nullable(),
  ladder: z.string(),
  models: z.array(z.string()),
  onExhausted: z.enum(['park', 'refuse']),
  weight: count.exactOptional(),
  execute: z.enum(EXECUTES).exactOptional(),
})
const provider = z.object({
  name: z.string(),
  baseUrl: z.string(),
  apiKey: z.string().default(''),
  apiKeyFrom: z.string().nullable().exactOptional(),
  prices: z.enum(['book', 'zero']),
  timeoutMs: count,
  limits: z
    .object({ requestsPerMinute: count.nullable(), tokensPerMinute: count.nullable() })
    .exactOptional(),
  profile: z.object({
    unbilledStatus: z.array(count),
    abortEndsBill: z.boolean(),
    inputMarginPercent: count,
  }),
})
const rates = {
  inputUsdPerMtok: z.string(),
  cachedInputUsdPerMtok: z.string().nullable(),
  cacheWriteUsdPerMtok: z.string().nullable(),
  outputUsdPerMtok: z.string(),
}
const price = z.object({
  model: z.string(),
  provider: z.string(),
  effectiveFromMs: count,
  ...rates,
  longContext: z.object({ fromInputTokens: count, ...rates }).nullable(),
})
/** A stored policy. Keys that a later version of Bursar added are left out. */
const StoredPolicySchema = z.object({
  timezone: z.string(),
  identity: z.object({
    defaultTenant: z.string(),
    defaultTier: z.string(),
    users: z.record(z.string(), z.string()),
  }),
  defaults: z.object({
    maxOutputTokens: count,
    minOutputTokens: count,
    execute: z.enum(EXECUTES),
    outage: z.enum(['refuse', 'allow']),
    outageAllowanceNano: count.exactOptional(),
    outageLimits: z.enum(['closed', 'open']).exactOptional(),
    durability: z.enum(['redis', 'journal']).exactOptional(),
    attempts: count,
    maxBodyBytes: count,
  }),
  tiers: z.record(z.string(), tier),
  budgets: z.array(z.object({ id: z.string(), scope }).and(fund)),
  limits: z.array(limit),
  bypass: z
    .object({ users: z.array(z.string()), keys: z.array(z.string()), tenants: z.array(z.string()) })
    .exactOptional(),
  ladders: z.record(z.string(), z.array(rung)),
  providers: z.record(z.string(), provider),
  prices: z.array(price),
  multipliers: z.object({ batch: count, flex: count, priority: count }),
  discounts: z
    .array(
      z.object({
        ...{ provider: z.string(), model: z.string().nullable() },
        ...{ percent: z.number(), fromMs: count, untilMs: count.nullable() },
      }),
    )
    .exactOptional(),
  unknownModels: z
    .union([
      z.literal('refuse'),
      z.object({ inputUsdPerMtok: z.string(), outputUsdPerMtok: z.string() }),
    ])
    .exactOptional(),
  cache: StoredCacheSchema,
  ledger: StoredLedgerSchema.exactOptional(),
  exports: z.array(StoredExportSchema).exactOptional(),
  alerts: StoredAlertsSchema.exactOptional(),
})

/** Before budgets had several windows, the one they had stood among their keys. */
function ofOneWindow(stored: unknown): unknown {
  if (typeof stored !== 'object' || stored === null || 'windows' in stored) return stored
  const { per, limitNano }: { per?: unknown; limitNano?: unknown } = stored
  return { ...stored, windows: [{ per, limitNano }] }
}

/** A policy as it may be stored and shown: without keys of providers, warnings and version. */
export type StoredPolicy = Omit<Policy, 'version' | 'warnings'>

/**
 * Makes what the ledger stores of a policy. Providers keep the text that names the variable of their key.
 * @returns plain JSON; equal for equal policies, key by key.
 */
export function policyToJson(policy: Policy): StoredPolicy {
  const { version: _version, warnings: _warnings, providers, alerts, ...rest } = policy
  const safe = Object.entries(providers).map(([name, one]) => [name, { ...one, apiKey: '' }])
  return {
    ...rest,
    providers: Object.fromEntries(safe),
    ...(alerts ? { alerts: mapSecrets(alerts, ({ from }) => ({ value: '', from })) } : {}),
  }
}

/**
 * Reads a stored policy.
 * @param version - as the ledger numbered it.
 * @param env - where keys of providers are read from again; a missing one is ''.
 * @throws {BursarError} INVALID_POLICY when it is no stored policy.
 */
export function policyFromJson(json: unknown, version: number, env: Environment = {}): Policy {
  const parsed = StoredPolicySchema.safeParse(json)
  if (!parsed.success) {
    throw new BursarError(
      'INVALID_POLICY',
      `the stored policy ${version} cannot be read; register bursar.yaml again\n${z.prettifyError(parsed.error)}`,
      { detail: { version } },
    )
  }
  const { identity, tiers, ladders, providers, alerts, ...rest } = parsed.data
  const keyed = Object.entries(providers).map(([name, one]) => [
    name,
    { ...one, apiKey: one.apiKey || keyOf(one.apiKeyFrom ?? '', env) },
  ])
  return {
    version,
    ...rest,
    identity: { ...identity, users: own(identity.users) },
    tiers: own(tiers),
    ladders: own(ladders),
    providers: own(Object.fromEntries(keyed)),
    ...(alerts
      ? { alerts: mapSecrets(alerts, ({ from }) => ({ value: keyOf(from, env), from })) }
      : {}),
  }
}

const keyOf = (text: string, env: Environment): string =>
  String(fillVariables(hideVariables(text), env).value)
