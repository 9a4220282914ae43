import type { Nano } from '../money/nano.ts'
import type { AlertPolicy } from './alert-types.ts'
import type { CachePolicy } from './cache-types.ts'
import type { DiscountPolicy, PessimisticPrice, PriceOverride } from './price-types.ts'

/**
 * What one value of a request may be governed by. `key` is the API key that it came with, by its id; `ip` is for limits
 * alone.
 */
export const SCOPES = [
  'user',
  'tenant',
  'tier',
  'session',
  'run',
  'key',
  'ip',
  'model',
  'provider',
] as const

/**
 * `each` = one budget or limit per value; otherwise only the one named value is governed. `model` and `provider` are
 * about the rung that serves, the others about who asks.
 */
export type Scope =
  | { kind: 'global' }
  | { kind: (typeof SCOPES)[number]; of: 'each' | { value: string } }
  | { kind: 'tag'; key: string; of: 'each' | { value: string } }

/** How a budget cuts time into windows. */
export type Calendar =
  | { readonly per: 'minute' | 'hour' | 'lifetime' }
  | { readonly per: 'day' | 'week' }
  /** A day, 2 to 31, or the last of a shorter month; absent = the 1st. */
  | { readonly per: 'month'; readonly startsOn?: number }
  /** `MM-DD`; 02-29 is the last of February. Absent = 01-01. */
  | { readonly per: 'year'; readonly startsOn?: string }

/** What may be spent in each window of a calendar. */
export type WindowPolicy = Calendar & { readonly limitNano: Nano }

/** Money: all of its windows must agree. */
export interface FundPolicy {
  /** At least one, each of another period. */
  readonly windows: readonly WindowPolicy[]
  /** IANA name. */
  readonly timezone: string
  /** Percent, ascending, each 1..1000. */
  readonly alertAt: readonly number[]
  /** `warn`: spending is counted and alerts are raised; nothing is refused or stepped down. Absent = `enforce`. */
  readonly mode?: FundMode
}
export const FUND_MODES = ['enforce', 'warn'] as const
export type FundMode = (typeof FUND_MODES)[number]

export interface BudgetPolicy extends FundPolicy {
  readonly id: string
  readonly scope: Scope
}

/** What a rate counts; `tokens` are those of input and output together. */
export const RATES = ['requests', 'tokens', 'input_tokens', 'output_tokens'] as const
export type Rate = (typeof RATES)[number]

/** Requests are counted at intake; tokens and lanes are taken with the hold. */
export type LimitPolicy = {
  readonly id: string
  readonly scope: Scope
  /** Governs only requests that are for this; absent = every one. */
  readonly resource?: string
  /** Whether cache hits and joins count, requests only; absent = true. */
  readonly countCached?: boolean
} & (
  | {
      readonly counts: Rate
      readonly algorithm: 'sliding-window' | 'fixed-window'
      readonly limit: number
      readonly perMs: number
    }
  | {
      readonly counts: Rate
      readonly algorithm: 'token-bucket'
      /** Refill per `perMs`. */
      readonly limit: number
      readonly perMs: number
      /** Capacity of the bucket, >= 1. */
      readonly burst: number
    }
  | { readonly counts: 'concurrent'; readonly limit: number }
)

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh'
export type ServiceTier = 'default' | 'flex' | 'priority'

/** One step of a ladder. */
export interface RungPolicy {
  /** Name as the app and the provider know it, e.g. `gpt-6-sol`; `local/small` names provider `local`. */
  readonly model: string
  readonly provider: string
  /** What is sent to the provider as `model`. */
  readonly upstreamModel: string
  /** Serves while every budget stays at or under this percent, the request included. null = to the limit. */
  readonly until: number | null
  readonly reasoningEffort: ReasoningEffort | null
  readonly maxOutputTokens: number | null
  readonly serviceTier: ServiceTier | null
}

export interface TierPolicy {
  readonly name: string
  readonly requests: {
    readonly limit: number
    readonly perMs: number
    /** Whether cache hits and joins count; absent = true. */
    readonly countCached?: boolean
  } | null
  /** Per user. */
  readonly budget: FundPolicy | null
  readonly ladder: string
  /** Models a request may name though they stand on no rung of the ladder. `*` allows any priced model. */
  readonly models: readonly string[]
  /** For deferrable and batch work; interactive work is always refused. */
  readonly onExhausted: 'park' | 'refuse'
  /** Share of the workers beside other tiers, integer >= 1; absent = 1. */
  readonly weight?: number
  /** Who calls the provider for its interactive requests; absent = as the defaults say. */
  readonly execute?: Execute
}

/** Who calls the provider for interactive requests: a worker, or the gateway that took them in. */
export const EXECUTES = ['queue', 'inline'] as const
export type Execute = (typeof EXECUTES)[number]

export interface ProviderPolicy {
  readonly name: string
  readonly baseUrl: string
  /** '' = none: the sandbox, or a server that asks for no key. */
  readonly apiKey: string
  /** The `${NAME}` text that the key was read from; what is stored instead of the key. null = no key. */
  readonly apiKeyFrom?: string | null
  readonly prices: 'book' | 'zero'
  readonly timeoutMs: number
  /** What the provider allows this account; null = unlimited. */
  readonly limits?: {
    readonly requestsPerMinute: number | null
    readonly tokensPerMinute: number | null
  }
  /** What this provider is known to bill; what is not listed counts as billed (PROTOCOL 3.4). */
  readonly profile: {
    /** HTTP status codes of error responses that are never billed. */
    readonly unbilledStatus: readonly number[]
    /** An abort by the caller ends the bill at what was streamed. */
    readonly abortEndsBill: boolean
    /** Added to counted input, in percent, when holding. */
    readonly inputMarginPercent: number
  }
}

/** How long the rows of calls are kept. */
export interface LedgerPolicy {
  /** Whole months of UTC, the running one included; null = for ever. */
  readonly retentionMonths: number | null
}

/** Files of charges, one for each day or month that is over. */
export interface ExportPolicy {
  /** Begins the names of its files. */
  readonly id: string
  /** On the disk of the process that runs the jobs. */
  readonly folder: string
  readonly format: 'csv' | 'jsonl' | 'focus'
  /** Of FOCUS files. */
  readonly focusVersion: '1.2' | '1.4'
  readonly per: 'day' | 'month'
  /** IANA name: where its days begin. */
  readonly timezone: string
  /** Whom the providers bill, in FOCUS files. */
  readonly billingAccount: { readonly id: string; readonly name: string | null }
}

/** The whole of bursar.yaml, checked and normalised: names resolved, money parsed, defaults filled in. */
export interface Policy {
  /** Given by the ledger when the policy is registered; 0 before. */
  readonly version: number
  readonly timezone: string
  readonly identity: {
    readonly defaultTenant: string
    readonly defaultTier: string
    /** user -> tier */
    readonly users: Readonly<Record<string, string>>
    /** `["tenant","user"]` -> tier, as people were given it beside the file; absent = nobody was. */
    readonly given?: ReadonlyMap<string, string>
  }
  readonly defaults: {
    readonly maxOutputTokens: number
    readonly minOutputTokens: number
    readonly execute: Execute
    readonly outage: 'refuse' | 'allow'
    /** What each gateway holds in advance for calls while Redis is away; absent = 1 USD. */
    readonly outageAllowanceNano?: Nano
    /** Whether request limits refuse while Redis is away, counted by each gateway alone; absent = closed: they do. */
    readonly outageLimits?: 'closed' | 'open'
    /** What must be on the worker's own disk before it calls; absent = redis: nothing. */
    readonly durability?: 'redis' | 'journal'
    /** Takes of one job that may call a provider, >= 1. */
    readonly attempts: number
    readonly maxBodyBytes: number
  }
  readonly tiers: Readonly<Record<string, TierPolicy>>
  readonly budgets: readonly BudgetPolicy[]
  readonly limits: readonly LimitPolicy[]
  /** Whom no rate limit governs; budgets and the limits of providers do. Absent = nobody. */
  readonly bypass?: {
    readonly users: readonly string[]
    /** Ids of API keys. */
    readonly keys: readonly string[]
    readonly tenants: readonly string[]
  }
  readonly ladders: Readonly<Record<string, readonly RungPolicy[]>>
  readonly providers: Readonly<Record<string, ProviderPolicy>>
  readonly prices: readonly PriceOverride[]
  /** Multipliers of list price in percent, e.g. batch 50. */
  readonly multipliers: { readonly batch: number; readonly flex: number; readonly priority: number }
  /** By contract, beside the list price. Absent = none. */
  readonly discounts?: readonly DiscountPolicy[]
  /** Law 7: a model without a known price is refused, or priced by this; absent = refuse. */
  readonly unknownModels?: 'refuse' | PessimisticPrice
  readonly cache: CachePolicy
  /** Absent = everything is kept for ever. */
  readonly ledger?: LedgerPolicy
  /** Absent = no files are written. */
  readonly exports?: readonly ExportPolicy[]
  /** Absent = as if the file said nothing of alerts: messages are files in the data folder. */
  readonly alerts?: AlertPolicy
  /** What the file asks for and did not get, for a person: a provider without its address, say. Not stored. */
  readonly warnings?: readonly string[]
}
