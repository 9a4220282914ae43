import { checkPrices } from '../../config/policy-ladders.ts'
import type { Policy } from '../../config/policy-types.ts'
import { BursarError } from '../../errors.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import type { NewList } from './judge-list.ts'

/**
 * A price list must leave every rung of the policy a price, and no rung dearer than the one before it: admission steps
 * down its ladders to cheaper models.
 * @throws {BursarError} INVALID_FILE naming each rung.
 */
export function judgeLadders(policy: Policy, { catalogue, effectiveFromMs }: NewList): void {
  const book = createPriceBook(policy, [{ number: 1, effectiveFromMs: 0, catalogue }])
  const problems: string[] = []
  for (const [name, rungs] of Object.entries(policy.ladders)) {
    const placed = rungs.map((rung, at) => ({ rung, path: ['ladders', name, at] }))
    checkPrices(placed, policy, book, effectiveFromMs, (path, message) => {
      problems.push(`${path.join('.')}: ${message}`)
    })
  }
  if (problems.length === 0) return
  throw new BursarError(
    'INVALID_FILE',
    `the policy in force does not hold under this price list: ${problems.slice(0, 5).join('; ')}`,
    { detail: { problems } },
  )
}
