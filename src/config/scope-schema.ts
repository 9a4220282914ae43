import { z } from 'zod'
import { readIpAddress } from './ip-address.ts'
import { SCOPES, type Scope } from './policy-types.ts'
import { modelName, name, text } from './policy-words.ts'

const NAMES = 'global, user, tenant, tier, session, run, key, model or provider'
const VALUES = 'one value: { tenant: acme }, { tag: feature=tutor }, { tag: feature }'
const BUDGET_SCOPE = `write ${NAMES}, or ${VALUES}`
const LIMIT_SCOPE = `write ${NAMES}, or ip, or ${VALUES}`
const NO_ADDRESS =
  'only limits go by address: it would stand in the ledger for ever; write user or key, or a limit'

const address = z.string().transform((value, context) => {
  const known = readIpAddress(value)
  if (known !== undefined) return known
  const mend = 'write an address such as "203.0.113.7" or "2001:db8::1"'
  context.addIssue({ code: 'custom', message: `"${value}" is not understood: ${mend}` })
  return z.NEVER
})

const values = (words: string) => ({
  user: text.optional(),
  tenant: text.optional(),
  tier: name.optional(),
  session: text.optional(),
  run: text.optional(),
  key: text.optional(),
  model: modelName.optional(),
  provider: name.optional(),
  tag: z
    .string()
    .regex(/^[^=]+(=.+)?$/s, words)
    .optional(),
})

const budgetKinds = SCOPES.filter((kind) => kind !== 'ip')
const asksForAddress = (input: unknown): boolean =>
  input === 'ip' || (typeof input === 'object' && input !== null && 'ip' in input)

/** Whom a budget is about. */
export const BudgetScopeSchema = z
  .union([z.enum(['global', ...budgetKinds]), z.strictObject(values(BUDGET_SCOPE))], {
    error: ({ input }) => (asksForAddress(input) ? NO_ADDRESS : BUDGET_SCOPE),
  })
  .transform(scopeFrom(BUDGET_SCOPE))

const { tag, ...named } = values(LIMIT_SCOPE)
/** Whom a limit is about: also an address, which no budget is. */
export const LimitScopeSchema = z
  .union(
    [z.enum(['global', ...SCOPES]), z.strictObject({ ...named, ip: address.optional(), tag })],
    { error: LIMIT_SCOPE },
  )
  .transform(scopeFrom(LIMIT_SCOPE))

type Written = 'global' | (typeof SCOPES)[number] | Readonly<Record<string, string | undefined>>

/** @param words - told when it names nothing, or more than one value. */
function scopeFrom(words: string) {
  return (value: Written, context: z.RefinementCtx): Scope => {
    if (value === 'global') return { kind: 'global' }
    if (typeof value === 'string') return { kind: value, of: 'each' }
    const [kind, ...more] = Object.keys(value)
    const of = Object.values(value)[0]
    if (kind === undefined || of === undefined || more.length > 0) {
      context.addIssue({ code: 'custom', message: words })
      return z.NEVER
    }
    return scopeOf(kind, of)
  }
}

function scopeOf(kind: string, value: string): Scope {
  const known = SCOPES.find((one) => one === kind)
  if (known) return { kind: known, of: { value } }
  const at = value.indexOf('=')
  return at === -1
    ? { kind: 'tag', key: value, of: 'each' }
    : { kind: 'tag', key: value.slice(0, at), of: { value: value.slice(at + 1) } }
}
