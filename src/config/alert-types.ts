/** From what can wait for a digest to what wakes somebody. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Everything that can raise an alert. */
export const RULES = [
  'budget-threshold',
  'limit-near',
  'projected-overrun',
  'burn-rate',
  'unpriced-model',
  'price-change',
  'overrun',
  'ledger-difference',
  'unconfirmed-old',
  'hit-rate',
  'cached-latency',
  'provider-errors',
  'queue-age',
  'redis-memory',
  'connections',
  'delivery-failing',
] as const
export type RuleName = (typeof RULES)[number]

/** How a rule judges. */
export interface RulePolicy {
  readonly enabled: boolean
  /** Of every alert of the rule; null = as the rule finds. */
  readonly severity: Severity | null
  /** What it may reach before it is told: percent, ms, a multiple or a count, as the rule counts; null = it has none. */
  readonly above: number | null
}

/** A text that may be a secret, and how the file has it: `${NAME}`. Only the latter is stored. */
export interface SecretText {
  readonly value: string
  readonly from: string
}

/** Where messages go. Addresses come from the policy alone. */
export type ChannelPolicy = { readonly name: string } & (
  | { readonly kind: 'email'; readonly to: readonly string[] }
  | { readonly kind: 'slack'; readonly hook: SecretText }
  | {
      readonly kind: 'webhook'
      readonly url: string
      /** The newest first; while there are two, each message has a signature of both. */
      readonly secrets: readonly SecretText[]
    }
)

/** Who hears of what. Every part that is given must hold; absent = it may be any. */
export interface RoutePolicy {
  readonly to: readonly string[]
  readonly severities?: readonly Severity[]
  readonly rules?: readonly RuleName[]
  /** Its id; subjects of it, too. */
  readonly budget?: string
  readonly tenant?: string
}

/** Local times `HH:MM` between which information waits. */
export interface QuietPolicy {
  readonly from: string
  readonly to: string
  /** IANA name; null = of the alert. */
  readonly timezone: string | null
  readonly hold: readonly Severity[]
}

/** Alerts of these severities come together instead of one by one. */
export interface DigestPolicy {
  readonly every: 'daily' | 'weekly'
  /** `HH:MM` in the timezone of the alert; weekly ones on Monday. */
  readonly at: string
  readonly severities: readonly Severity[]
  readonly to: readonly string[]
}

/** What a period cost, told when it is over: Monday, or the first of the month. */
export interface ReportPolicy {
  readonly every: 'weekly' | 'monthly'
  /** `HH:MM` in the policy's timezone. */
  readonly at: string
  /** By whose values the cost is told, too. */
  readonly tag: string
  /** null = of everybody. */
  readonly tenant: string | null
  readonly to: readonly string[]
}

export interface AlertPolicy {
  readonly rules: Readonly<Record<RuleName, RulePolicy>>
  readonly channels: readonly ChannelPolicy[]
  /** Empty = every channel hears of everything. */
  readonly routes: readonly RoutePolicy[]
  readonly quiet: QuietPolicy | null
  readonly digests: readonly DigestPolicy[]
  /** Absent = none. */
  readonly reports?: readonly ReportPolicy[]
  /** How often something critical that nobody acknowledged is told again. */
  readonly remindMs: number
  /** Whom to tell what nobody acknowledged; null = nobody else. */
  readonly escalation: {
    readonly afterMs: number
    readonly severities: readonly Severity[]
    readonly to: readonly string[]
  } | null
  /** For how long a cause must be gone before its alert is resolved: what flaps is told once. */
  readonly dampMs: number
  readonly email: {
    /** null = messages are files in the data folder. */
    readonly smtp: SecretText | null
    readonly from: string
  }
}
