import type { RuleName, Severity } from '../config/alert-types.ts'
import type { WindowPeriod } from '../config/periods.ts'
import type { Nano } from '../money/nano.ts'

export { type RuleName, SEVERITIES, type Severity } from '../config/alert-types.ts'

/**
 * What a message says of its alert: that it is new, that it still holds, that nobody acknowledged it, that it is over.
 * A digest is about several, or a report.
 */
export const NOTICE_STATES = ['raised', 'reminder', 'escalated', 'resolved', 'digest'] as const
export type NoticeState = (typeof NOTICE_STATES)[number]

/** Where a budget window will end if all goes on as it does. */
export interface Outlook {
  readonly expectedNano: Nano
  /** 80% of the runs end between these two. */
  readonly lowNano: Nano
  readonly highNano: Nano
  /** When the limit is reached; null = not before the window ends. */
  readonly runsDryAtMs: number | null
}

/** Who or what the money went to. Names come from requests: never trust them as markup. */
export interface Driver {
  readonly kind: 'tenant' | 'user' | 'model' | 'tag' | 'tier'
  readonly name: string
  readonly costNano: Nano
}

/** What happens to requests of a budget at this moment. */
export const EFFECTS = ['serves', 'steps-down', 'refuses', 'warns-only'] as const
export type Effect = (typeof EFFECTS)[number]

/** One budget window as it stood when the message was made. */
export interface BudgetFacts {
  readonly budget: string
  /** Window id, e.g. `2026-11`. */
  readonly window: string
  readonly per: WindowPeriod
  readonly startMs: number
  /** First instant after it; null = it never ends. */
  readonly endMs: number | null
  /** IANA name. */
  readonly timezone: string
  readonly spentNano: Nano
  /** Set aside for calls under way. */
  readonly heldNano: Nano
  readonly limitNano: Nano
  /** Spent of the limit, a whole number rounded down; over 100 is an overrun. */
  readonly percent: number
  /** Share of the window's time that is gone, 0..100; null = it never ends. */
  readonly timePercent: number | null
  /** null = too little is known. */
  readonly outlook: Outlook | null
  /** Dearest first, at most five. */
  readonly drivers: readonly Driver[]
  readonly effect: Effect
  /** Parked work that waits for this budget; null = nobody counted. */
  readonly parked: { readonly jobs: number; readonly holdNano: Nano | null } | null
  /** Who can raise it, e.g. `finance@acme.example`, `Slack channel team`, `key ci (finance)`. Empty = nobody is named. */
  readonly raisers: readonly string[]
  /** What was granted on top and counts now, newest first; `limitNano` has it in. Absent = nothing. */
  readonly grants?: readonly Grant[]
  /** Spent so far, in order of time, for a chart; at most 200 points. Absent = no chart. */
  readonly curve?: readonly CurvePoint[]
}

/** A top-up that counts. */
export interface Grant {
  readonly amountNano: Nano
  readonly by: string
  readonly reason: string
  readonly atMs: number
  /** First instant at which it counts no more; null = as long as the window. */
  readonly untilMs: number | null
}

export interface CurvePoint {
  readonly atMs: number
  /** Since the window began. */
  readonly spentNano: Nano
}

/** Measured against what it should be; `unit` says how to print both. */
export interface MeasureFacts {
  readonly value: number
  readonly threshold: number
  readonly unit: 'percent' | 'ms' | 'count' | 'ratio'
  /** What it was counted over; null = an instant. */
  readonly overMs: number | null
}

/** What was found, per rule. Plain data: no prompt, no answer, no key. */
export type Facts =
  | ({ readonly rule: 'budget-threshold'; readonly marks: readonly number[] } & BudgetFacts)
  | ({ readonly rule: 'projected-overrun' } & BudgetFacts)
  | ({
      readonly rule: 'burn-rate'
      /** Of the last hour, and what is usual for it. */
      readonly hourNano: Nano
      readonly usualNano: Nano
    } & BudgetFacts)
  | ({
      readonly rule: 'limit-near'
      /** Id of the limit, and whom of it. */
      readonly limit: string
      readonly subject: string
      readonly counts: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens' | 'concurrent'
    } & MeasureFacts)
  | {
      readonly rule: 'unpriced-model'
      readonly model: string
      readonly provider: string | null
      readonly requests: number
    }
  | {
      readonly rule: 'price-change'
      readonly model: string
      readonly provider: string
      /** USD per million tokens, as price pages write it; null = there was none. */
      readonly before: { readonly input: string; readonly output: string } | null
      readonly after: { readonly input: string; readonly output: string }
      readonly effectiveFromMs: number
    }
  | {
      readonly rule: 'overrun'
      readonly budget: string
      readonly window: string
      readonly calls: number
      readonly overNano: Nano
    }
  | {
      readonly rule: 'ledger-difference'
      readonly budget: string
      readonly window: string
      readonly counterNano: Nano
      readonly ledgerNano: Nano
    }
  | {
      readonly rule: 'unconfirmed-old'
      readonly entries: number
      readonly costNano: Nano
      readonly oldestAtMs: number
    }
  | ({ readonly rule: 'hit-rate' | 'cached-latency' } & MeasureFacts)
  | ({ readonly rule: 'provider-errors'; readonly provider: string } & MeasureFacts)
  | ({ readonly rule: 'queue-age'; readonly queue: string } & MeasureFacts)
  | ({ readonly rule: 'redis-memory' } & MeasureFacts)
  | ({ readonly rule: 'connections'; readonly server: 'redis' | 'postgres' } & MeasureFacts)
  | {
      readonly rule: 'delivery-failing'
      /** Channel by its name in the policy. */
      readonly channel: string
      readonly failed: number
      /** Stable word of the last failure, e.g. `ECONNREFUSED`, `HTTP 500`; never an address. */
      readonly lastError: string
    }
  | {
      readonly rule: 'digest'
      readonly every: 'daily' | 'weekly'
      readonly fromMs: number
      readonly toMs: number
      readonly items: readonly DigestItem[]
      /** Alerts beyond those listed. */
      readonly more: number
    }
  | ({ readonly rule: 'report' } & ReportFacts)

/** What a period cost, for those who pay. */
export interface ReportFacts {
  readonly every: 'weekly' | 'monthly'
  readonly fromMs: number
  /** First instant after it. */
  readonly toMs: number
  readonly costNano: Nano
  /** Of as long a time before; null = there was nothing yet. */
  readonly beforeNano: Nano | null
  readonly requests: number
  /** What was not paid, by how: `cached`, `joined` and so on. */
  readonly saved: readonly { readonly how: string; readonly nano: Nano }[]
  /** As they stand when the report is made, fullest first, at most 20. */
  readonly budgets: readonly BudgetLine[]
  /** Dearest first, at most 50 each. */
  readonly byModel: readonly ReportRow[]
  readonly byTenant: readonly ReportRow[]
  /** Values of one tag; null = nobody tags requests with it. */
  readonly byTag: { readonly tag: string; readonly rows: readonly ReportRow[] } | null
  /** In order of time; a day without spend is 0. */
  readonly days: readonly { readonly atMs: number; readonly costNano: Nano }[]
}

export interface ReportRow {
  readonly name: string
  readonly costNano: Nano
  readonly requests: number
  /** Of as long a time before. */
  readonly beforeNano: Nano
}

export interface BudgetLine
  extends Pick<
    BudgetFacts,
    'budget' | 'window' | 'spentNano' | 'limitNano' | 'percent' | 'outlook'
  > {}

/** One alert in a digest. */
export interface DigestItem {
  readonly severity: Severity
  readonly state: 'open' | 'acknowledged' | 'silenced' | 'resolved'
  readonly raisedAtMs: number
  readonly scope: string
  readonly facts: Exclude<Facts, { rule: 'digest' | 'report' }>
}

export interface NoticeLink {
  /** What it opens or does. `approve`, `acknowledge` and `silence` open a page that asks first. */
  readonly kind: 'dashboard' | 'docs' | 'approve' | 'acknowledge' | 'silence'
  readonly label: string
  readonly href: string
}

/** One message about one alert, before anybody wrote it out. It is stored as JSON: what was sent can be shown again. */
export interface Notice {
  /** Stands in Message-ID, webhook-id and Slack's text; the same however often it is sent. `[a-z0-9-]{1,64}` */
  readonly id: string
  /** Shared by all messages about one alert: e-mail threads by it. */
  readonly thread: string
  readonly rule: RuleName | 'digest' | 'report'
  readonly severity: Severity
  readonly state: NoticeState
  /** What it is about: `budget acme`, `model gpt-6-sol`. */
  readonly scope: string
  /** Of whom; null = of nobody in particular. */
  readonly tenant: string | null
  /** Window id of the rule: of a budget its own, else a day. */
  readonly window: string
  /** What was crossed, as the rule counts it: percent, ms, a multiple. */
  readonly threshold: number
  /** When the message was made. */
  readonly atMs: number
  /** Times are written in it. IANA name. */
  readonly timezone: string
  readonly facts: Facts
  readonly links: readonly NoticeLink[]
  /** Sent by `bursar alerts test`: nothing of it happened. */
  readonly test: boolean
}

/** A message as channels send it. */
export interface Rendered {
  /** One line. */
  readonly subject: string
  /** A whole document. */
  readonly html: string
  readonly text: string
  readonly slack: { readonly text: string; readonly blocks: readonly SlackBlock[] }
  readonly attachments: readonly Attachment[]
}

/** A block of Block Kit, escaped and within its limits. */
export type SlackBlock = Readonly<Record<string, unknown>> & { readonly type: string }

export interface Attachment {
  readonly filename: string
  /** e.g. `image/png` */
  readonly contentType: string
  readonly content: Uint8Array
  /** Content-ID of an image in the HTML; null = a file to save. */
  readonly cid: string | null
}

/** Writes a message out. Pure but for time; what it throws leads to the plain one. */
export type Render = (notice: Notice) => Promise<Rendered>
