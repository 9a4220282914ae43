import {
  type AlertPolicy,
  type ChannelPolicy,
  RULES,
  type RuleName,
  type RulePolicy,
  type SecretText,
} from './alert-types.ts'
import { type AlertsDraft, AlertsSchema, BOUNDS } from './policy-alerts.ts'
import type { PolicyDocument } from './policy-document.ts'
import { type PolicyPath, type Report, suggest } from './policy-errors.ts'
import { at } from './policy-issues.ts'
import { buildReports } from './policy-reports.ts'

/** The alerts of a policy, with what a person should know of them. */
export interface BuiltAlerts {
  readonly alerts: AlertPolicy
  readonly warnings: readonly string[]
}

/** Normalises what the file says of alerts; what does not fit together is reported. */
export function buildAlerts(
  document: PolicyDocument,
  draft: AlertsDraft,
  report: Report,
): BuiltAlerts {
  const secretAt = secretsOf(document, report)
  const channels = Object.entries(draft.channels).flatMap(([name, channel]) => {
    const built = channelOf(name, channel, secretAt, report)
    return built ? [built] : []
  })
  const named = Object.keys(draft.channels)
  const there = new Set(channels.map(({ name }) => name))
  const usable = (to: readonly string[], path: PolicyPath): string[] => {
    for (const [i, one] of to.entries()) {
      if (named.includes(one)) continue
      report([...path, i], `there is no channel "${one}"; ${suggest(one, named, 'channels')}`)
    }
    return to.filter((one) => there.has(one))
  }
  const { quiet_hours: quiet, digest, escalate } = draft
  if (quiet?.timezone && !isZone(quiet.timezone)) {
    report(['alerts', 'quiet_hours', 'timezone'], 'is no IANA timezone; write Europe/Berlin, say')
  }
  const alerts: AlertPolicy = {
    rules: rulesOf(draft, report),
    channels,
    routes: draft.routes.map(({ to, severity, ...route }, i) => ({
      to: usable(to, ['alerts', 'routes', i, 'to']),
      ...(severity ? { severities: severity } : {}),
      ...(route.rules ? { rules: route.rules } : {}),
      ...(route.budget ? { budget: route.budget } : {}),
      ...(route.tenant ? { tenant: route.tenant } : {}),
    })),
    quiet: quiet ? { ...quiet, timezone: quiet.timezone ?? null } : null,
    digests: digest
      ? [
          {
            ...{ every: digest.every, at: digest.at, severities: digest.severity },
            to: digest.to ? usable(digest.to, ['alerts', 'digest', 'to']) : [...there],
          },
        ]
      : [],
    ...(draft.reports.length > 0 && {
      reports: buildReports(draft.reports, named, there, report),
    }),
    remindMs: draft.remind,
    escalation: escalate
      ? {
          ...{ afterMs: escalate.after, severities: escalate.severity },
          to: usable(escalate.to, ['alerts', 'escalate', 'to']),
        }
      : null,
    dampMs: draft.damp,
    email: emailOf(draft, secretAt, report),
  }
  return { alerts, warnings: warningsOf(named, there) }
}

/** What holds when the file says nothing of alerts. */
export const usualAlerts = (): AlertPolicy => {
  const draft = AlertsSchema.parse({})
  return {
    ...{ rules: rulesOf(draft, () => {}), channels: [], routes: [], digests: [], quiet: null },
    ...{ remindMs: draft.remind, escalation: null, dampMs: draft.damp },
    email: { smtp: null, from: draft.email.from },
  }
}

const warningsOf = (named: readonly string[], there: ReadonlySet<string>): string[] =>
  named
    .filter((name) => !there.has(name))
    .map((name) => `alert channel ${name} is left out: its address, or its secret, is empty`)

const rulesOf = ({ rules }: AlertsDraft, report: Report): Record<RuleName, RulePolicy> =>
  Object.fromEntries(RULES.map((rule) => [rule, ruleOf(rule, rules[rule], report)])) as Record<
    RuleName,
    RulePolicy
  >

function ruleOf(rule: RuleName, draft: AlertsDraft['rules'][RuleName], report: Report): RulePolicy {
  const bound = BOUNDS[rule]
  const usual = { enabled: draft !== 'off', severity: null, above: bound?.usual ?? null }
  if (draft === 'off' || draft === undefined) return usual
  const { severity = null, above } = draft
  if (above === undefined) return { ...usual, severity }
  const path = ['alerts', 'rules', rule, 'above']
  if (!bound) report(path, 'this rule has nothing to reach; leave above out')
  const read = bound?.schema.safeParse(above)
  if (bound && !read?.success) report(path, `does not fit here; write ${bound.words}`)
  return { ...usual, severity, above: read?.data ?? usual.above }
}

type SecretAt = (path: PolicyPath, value: string, variable: string) => SecretText

/** A secret stands in the environment; only the text that names it is stored. */
function secretsOf({ written }: PolicyDocument, report: Report): SecretAt {
  return (path, value, variable) => {
    const from = String(at(written, path) ?? '')
    if (isSecret(value) && !from.includes('${')) {
      report(path, `is a secret: write \${${variable}} here and keep it in the environment`)
    }
    return { value, from }
  }
}

/** The address of a mail server without a password is none. */
function isSecret(value: string): boolean {
  if (value === '') return false
  return !/^smtps?:/.test(value) || (URL.canParse(value) && new URL(value).password !== '')
}

function channelOf(
  name: string,
  channel: AlertsDraft['channels'][string],
  secretAt: SecretAt,
  report: Report,
): ChannelPolicy | undefined {
  const path = ['alerts', 'channels', name]
  if (channel.email) return { name, kind: 'email', to: channel.email }
  if (channel.slack !== undefined) {
    const hook = secretAt([...path, 'slack'], channel.slack, 'SLACK_HOOK')
    if (hook.value === '') return undefined
    if (!isHttp(hook.value)) report([...path, 'slack'], HOOK)
    return { name, kind: 'slack', hook }
  }
  if (!channel.webhook) return undefined
  const { url, secret } = channel.webhook
  const below = [...path, 'webhook', 'secret']
  const given =
    typeof secret === 'string'
      ? [secretAt(below, secret, 'ALERT_SECRET')]
      : secret.map((one, i) => secretAt([...below, i], one, 'ALERT_SECRET'))
  const secrets = given.filter(({ value }) => value !== '')
  if (url === '' || secrets.length === 0) return undefined
  if (!isHttp(url)) report([...path, 'webhook', 'url'], 'is no http(s) address')
  return { name, kind: 'webhook', url, secrets }
}

const HOOK =
  'is no address of a Slack hook: https://hooks.slack.com/services/... stands in its variable'
const isHttp = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

function emailOf(
  { email: { smtp, from } }: AlertsDraft,
  secretAt: SecretAt,
  report: Report,
): AlertPolicy['email'] {
  if (smtp === '') return { smtp: null, from }
  const path = ['alerts', 'email', 'smtp']
  if (!URL.canParse(smtp) || !/^smtps?:$/.test(new URL(smtp).protocol)) {
    report(path, 'is no SMTP address; write smtp://host:587 or smtps://host:465')
    return { smtp: null, from }
  }
  return { smtp: secretAt(path, smtp, 'SMTP_URL'), from }
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined
  } catch {
    return false
  }
}
