import type { AnswerShelf } from '../../cache/invalidation/answer-shelf.ts'
import { tenantHash } from '../../cache/walls.ts'

/** More are not counted: one person's question must not hold up a call. */
const MOST_COUNTED = 200_000

export interface AnswerCount {
  readonly kept: number
  readonly bytes: number
  /** false = there are more. */
  readonly counted: boolean
}

/** Counts answers that are kept, page by page. @param tenant - absent = everybody's. */
export async function countAnswers(
  shelf: AnswerShelf,
  tenant: string | undefined,
): Promise<AnswerCount> {
  let [kept, bytes] = [0, 0]
  const seen = new Set<string>()
  for await (const page of shelf.keys(tenant === undefined ? '*' : `${tenantHash(tenant)}[.:]*`)) {
    // While a table of Redis grows, a key may come twice.
    const keys = page.filter((key) => !seen.has(key))
    for (const key of keys) seen.add(key)
    for (const answer of await shelf.look(keys)) {
      if (!answer) continue
      kept += 1
      bytes += answer.bytes
    }
    if (kept >= MOST_COUNTED) return { kept, bytes, counted: false }
  }
  return { kept, bytes, counted: true }
}
