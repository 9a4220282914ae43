import { hash } from 'node:crypto'
import type { RuleName, Severity } from '../config/alert-types.ts'
import type { Facts } from './notice.ts'

/** What an alert is about. There is one alert for each. */
export interface AlertKey {
  readonly rule: RuleName
  /** For people, too: `budget acme`, `model gpt-6-sol`, `queue interactive`. */
  readonly scope: string
  /** Window id: of a budget its own, else the UTC day. */
  readonly window: string
  /** What was crossed, as the rule counts it. */
  readonly threshold: number
}

export type AlertFacts = Exclude<Facts, { rule: 'digest' | 'report' }>

/** What a rule found. */
export interface Finding extends AlertKey {
  readonly severity: Severity
  readonly tenant: string | null
  /** Budget as the policy calls it, with its subject; null = it is about none. */
  readonly budget: string | null
  /** IANA name. */
  readonly timezone: string
  readonly facts: AlertFacts
}

/** Whoever finds the same makes the same. `[a-z0-9-]`, 23 characters. */
export const alertId = ({ rule, scope, window, threshold }: AlertKey): string =>
  `al-${hash('sha256', JSON.stringify([rule, scope, window, threshold])).slice(0, 20)}`

/** The window of whatever has none of its own. */
export const dayOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 10)
