import type { IssuedView, KeysView, KeyView } from '../../admin/keys.ts'
import type { Output } from '../output.ts'
import { printable } from '../report/printable.ts'

/** Prints a new secret: alone on stdout, so that it can be piped into a vault, and what to know on stderr. */
export function showIssued({ key, apiKey }: IssuedView, output: Output): void {
  output.line(apiKey)
  output.note(`key ${key.id} (${printable(key.name)}): ${scopeOf(key)}. It is not shown again.`)
  if (key.formerUntil) output.note(`the secret before it opens until ${key.formerUntil}`)
  output.note('use it: export BURSAR_API_KEY=..., or authorization: Bearer ...')
}

export function showRevoked({ id, name }: KeyView, output: Output): void {
  output.line(`key ${id} (${printable(name)}) is revoked: within a second it opens nothing`)
}

/** Prints keys as a table. */
export function showKeys({ keys }: KeysView, output: Output): void {
  if (keys.length === 0) {
    output.line('no key opens: bursar keys create --tenant NAME makes one')
    return
  }
  output.table(
    [
      'ID',
      'NAME',
      'STATE',
      'ROLE',
      'TENANT',
      'USER',
      'TIER',
      'MODELS',
      'BUDGETS',
      'CREATED',
      'EXPIRES',
      'LAST USED',
    ],
    keys.map((key) => [
      ...[key.id, printable(key.name), key.state, key.role],
      ...[key.tenant, key.user, key.tier].map((one) => (one === null ? '-' : printable(one))),
      ...[key.models, key.budgets].map((list) =>
        list === null ? '-' : printable(list.join(','), 40),
      ),
      ...[key.createdAt, key.expiresAt, key.lastUsedAt].map(toTheSecond),
    ]),
  )
}

function scopeOf({ role, tenant, user, tier, models, budgets, expiresAt }: KeyView): string {
  const parts = [
    `role ${role}`,
    ...Object.entries({ tenant, user, tier }).flatMap(([field, value]) =>
      value === null ? [] : [`${field} ${printable(value)}`],
    ),
    ...(models === null ? [] : [`models ${models.map((one) => printable(one)).join(', ')}`]),
    ...(budgets === null ? [] : [`budgets ${budgets.map((one) => printable(one)).join(', ')}`]),
    expiresAt === null ? 'until it is revoked' : `until ${expiresAt}`,
  ]
  return parts.join(', ')
}

const toTheSecond = (iso: string | null): string => iso?.replace(/\.\d+Z$/, 'Z') ?? '-'
