import type { AlertPolicy, ChannelPolicy, RoutePolicy, Severity } from '../config/alert-types.ts'
import { usualAlerts } from '../config/policy-alerts-build.ts'
import type { Policy } from '../config/policy-types.ts'
import type { Finding } from './finding.ts'

/** Where messages go when the policy names no channel: files in the data folder. */
export const FILES: ChannelPolicy = { name: 'files', kind: 'email', to: ['you@localhost'] }

/** What the policy says of alerts, or what holds when it says nothing. */
export const alertsOf = (policy: Pick<Policy, 'alerts'>): AlertPolicy =>
  policy.alerts ?? usualAlerts()

/** Every channel there is: at least one. */
export const channelsOf = ({ channels }: AlertPolicy): readonly ChannelPolicy[] =>
  channels.length > 0 ? channels : [FILES]

/** What routes look at. */
export type Told = Pick<Finding, 'rule' | 'severity' | 'tenant' | 'budget'>

/** Names of the channels that hear of an alert; each once, in the order of the policy. */
export function recipients(policy: AlertPolicy, told: Told): readonly string[] {
  const all = channelsOf(policy).map(({ name }) => name)
  if (policy.routes.length === 0) return all
  const named = new Set(policy.routes.filter((route) => fits(route, told)).flatMap(({ to }) => to))
  return all.filter((name) => named.has(name))
}

function fits(route: RoutePolicy, { rule, severity, tenant, budget }: Told): boolean {
  const isOf = (id: string) => budget === id || budget?.startsWith(`${id}/`) === true
  return (
    (route.severities?.includes(severity) ?? true) &&
    (route.rules?.includes(rule) ?? true) &&
    (route.budget === undefined || isOf(route.budget)) &&
    (route.tenant === undefined || route.tenant === tenant)
  )
}

/** Whether it comes with others, in a digest. */
export const isDigested = ({ digests }: AlertPolicy, severity: Severity): boolean =>
  digests.some(({ severities, to }) => to.length > 0 && severities.includes(severity))
