import { and, desc, gt, inArray, isNull, or } from 'drizzle-orm'
import type { Policy } from '../config/policy-types.ts'
import { asking, type Ledger } from '../ledger/ledger.ts'
import { apiKeys } from '../ledger/schema.ts'
import type { AlertPlace } from './place.ts'
import { alertsOf, recipients, type Told } from './routes.ts'

/** A message names no more; more keys than these are nobody to turn to. */
const MOST_KEYS = 3

/** Whose budget it is. */
type Owned = Pick<Told, 'tenant' | 'budget'>

/**
 * Who can give a budget more, in words: those who hear when it is used up, then the keys that may, newest first.
 * @returns empty when the policy names nobody and no key has the role finance or admin. @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function raisersFor(
  { ledger, policy, nowMs }: Pick<AlertPlace, 'ledger' | 'policy' | 'nowMs'>,
  owned: Owned,
): Promise<string[]> {
  const keys = await keysThatGrant(ledger, nowMs)
  return [...new Set([...contactsOf(policy, owned), ...keys])]
}

/** People whom the policy tells that a budget is used up: a webhook is a program. Pure. */
function contactsOf(policy: Pick<Policy, 'alerts'>, owned: Owned): string[] {
  const alerts = alertsOf(policy)
  const told = { rule: 'budget-threshold', severity: 'critical', ...owned } as const
  const names = new Set(recipients(alerts, told))
  return alerts.channels
    .filter(({ name }) => names.has(name))
    .flatMap((channel) => {
      if (channel.kind === 'email') return channel.to
      return channel.kind === 'slack' ? [`Slack channel ${channel.name}`] : []
    })
}

async function keysThatGrant({ db }: Ledger, nowMs: number): Promise<string[]> {
  const rows = await asking(() =>
    db
      .select({ name: apiKeys.name, role: apiKeys.role })
      .from(apiKeys)
      .where(
        and(
          ...[inArray(apiKeys.role, ['finance', 'admin']), isNull(apiKeys.revokedAtMs)],
          or(isNull(apiKeys.expiresAtMs), gt(apiKeys.expiresAtMs, nowMs)),
        ),
      )
      .orderBy(desc(apiKeys.createdAtMs), apiKeys.id)
      .limit(MOST_KEYS),
  )
  return rows.map(({ name, role }) => `key ${name} (${role})`)
}
