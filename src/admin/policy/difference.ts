import { z } from 'zod'

const ChangeSchema = z.object({
  /** e.g. `budgets.acme.windows.0.limitNano`: lists whose items have an id or a name go by it. */
  path: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  /** Absent = there was, or is, nothing. */
  before: z.unknown().optional(),
  after: z.unknown().optional(),
})
export type PolicyChange = Readonly<z.infer<typeof ChangeSchema>>
export { ChangeSchema as PolicyChangeSchema }

/** What of two policies is not the same, in the order of their keys. Pure. */
export function differenceOf(before: unknown, after: unknown, path = ''): PolicyChange[] {
  if (Object.is(before, after)) return []
  if (before === undefined) return [{ path, change: 'added', after }]
  if (after === undefined) return [{ path, change: 'removed', before }]
  const [one, other] = [fieldsOf(before), fieldsOf(after)]
  if (one === null || other === null) return [{ path, change: 'changed', before, after }]
  const names = [...new Set([...one.keys(), ...other.keys()])]
  return names.flatMap((name) =>
    differenceOf(one.get(name), other.get(name), path === '' ? name : `${path}.${name}`),
  )
}

/** Fields of an object, items of a list by what they are called; null = neither. */
function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null
  if (!Array.isArray(value)) return new Map(Object.entries(value))
  const names = value.map(nameOf)
  const isNamed = names.every((name) => name !== null) && new Set(names).size === names.length
  return new Map(value.map((item, at) => [(isNamed ? names[at] : null) ?? String(at), item]))
}

function nameOf(item: unknown): string | null {
  if (typeof item !== 'object' || item === null) return null
  const { id, name }: { id?: unknown; name?: unknown } = item
  return typeof id === 'string' ? id : typeof name === 'string' ? name : null
}
