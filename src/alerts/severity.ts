import type { AlertPolicy, RuleName, Severity } from '../config/alert-types.ts'

/** How grave what a rule finds is, where the policy does not say. */
const USUAL: Readonly<Record<RuleName, Severity>> = {
  'budget-threshold': 'medium',
  'limit-near': 'medium',
  'projected-overrun': 'high',
  'burn-rate': 'high',
  'unpriced-model': 'high',
  'price-change': 'medium',
  overrun: 'high',
  'ledger-difference': 'critical',
  'unconfirmed-old': 'medium',
  'hit-rate': 'low',
  'cached-latency': 'medium',
  'provider-errors': 'high',
  'queue-age': 'high',
  'redis-memory': 'high',
  connections: 'high',
  'delivery-failing': 'high',
}

/** The severity of an alert. @param found - what the rule says of this one; absent = as usual. */
export const severityOf = (
  { rules }: AlertPolicy,
  rule: RuleName,
  found: Severity = USUAL[rule],
): Severity => rules[rule].severity ?? found

/** Of a budget that passed a percent of its limit. */
export function ofThreshold(percent: number): Severity {
  if (percent >= 95) return 'critical'
  if (percent >= 80) return 'high'
  return percent >= 50 ? 'medium' : 'low'
}
