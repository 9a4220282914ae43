import { z } from 'zod'
import { readCacheKeys } from '../../cache/codec/keys.ts'
import { requireKeys } from '../../cache/responses/keeper.ts'
import type { Environment, Options } from '../../config/options.ts'
import { loadPolicy } from '../../config/policy.ts'
import type { Policy, RungPolicy } from '../../config/policy-types.ts'
import { isBursarError } from '../../errors.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import { type Finding, ok, skipped, warn, wrong, wrongBy } from './finding.ts'

/** A policy that the later checks may use; absent when the file is missing or wrong. */
export interface PolicyExam {
  readonly findings: readonly Finding[]
  readonly policy?: Policy
}

const Problems = z.array(
  z.object({
    file: z.string(),
    line: z.int(),
    column: z.int(),
    path: z.string(),
    message: z.string(),
  }),
)

/** Reads the policy file as a worker would. Each mistake is a finding of its own. */
export async function examinePolicy(options: Options, env: Environment): Promise<PolicyExam> {
  const path = options.BURSAR_POLICY
  try {
    const policy = await loadPolicy(path, { env, prices: createPriceBook })
    const { tiers, budgets, limits } = policy
    const found = `${path}: ${Object.keys(tiers).length} tiers, ${budgets.length} budgets, ${limits.length} limits`
    const warnings = (policy.warnings ?? []).map((text) => warn('policy', text, ''))
    const judged = [...judgePrices(policy), ...judgeCacheKeys(policy, options)]
    return { policy, findings: [ok('policy', found), ...warnings, ...judged] }
  } catch (error) {
    return { findings: [...mistakes(error), skipped('prices', 'see policy')] }
  }
}

function mistakes(error: unknown): Finding[] {
  const problems = isBursarError(error, 'INVALID_POLICY')
    ? Problems.safeParse(error.detail.problems)
    : undefined
  if (!problems?.success) return [wrongBy('policy', error)]
  return problems.data.map(({ file, line, column, path, message }) => {
    const cut = message.indexOf('; ')
    const [what, mend] = cut < 0 ? [message, ''] : [message.slice(0, cut), message.slice(cut + 2)]
    return wrong('policy', `${file}:${line}:${column} ${path}: ${what}`, mend)
  })
}

/** Whether what the policy encrypts can be encrypted; nothing to say where it encrypts nothing. */
export function judgeCacheKeys(
  policy: Pick<Policy, 'cache'>,
  { BURSAR_CACHE_KEYS: text }: Pick<Options, 'BURSAR_CACHE_KEYS'>,
): Finding[] {
  try {
    const keys = readCacheKeys(text)
    requireKeys(policy, keys)
    if (!keys) return []
    return [ok('cache keys', `${keys.current.id} encrypts, ${keys.ids.length} can open`)]
  } catch (error) {
    if (!isBursarError(error, 'INVALID_OPTIONS')) throw error
    return [wrongBy('cache keys', error)]
  }
}

/** Whether every rung of every ladder has a price now; without one its calls are refused. */
export function judgePrices(policy: Policy, nowMs = Date.now()): Finding[] {
  const book = createPriceBook(policy)
  const rungs = Object.values(policy.ladders).flat()
  const isPriced = ({ upstreamModel, provider }: RungPolicy) =>
    book.price(upstreamModel, provider, nowMs) !== undefined
  const unknown = [...new Set(rungs.filter((rung) => !isPriced(rung)).map(({ model }) => model))]
  if (unknown.length === 0)
    return [ok('prices', `all ${rungs.length} rungs priced, ${book.version}`)]
  return unknown.map((model) =>
    wrong(
      'prices',
      `nobody knows the price of ${model}`,
      `give it one under prices: in the policy`,
    ),
  )
}
