import type { AdmitReply, SettleCommand } from '../admission/commands.ts'
import type { Unreadable } from '../cache/codec/header.ts'
import { readCacheEntry } from '../cache/responses/entry.ts'
import type { Policy } from '../config/policy-types.ts'
import { messageOf } from '../errors.ts'
import type { Nano } from '../money/nano.ts'
import type { WorkContext } from './context.ts'

type KeptContext = Pick<WorkContext, 'keeper' | 'logger' | 'metrics'>
type Cached = Extract<AdmitReply, { outcome: 'cached' }>

/** Says that a kept answer was of no use: it counted as a miss. */
export function tellUnreadable(
  key: string | null,
  why: Unreadable,
  { logger, metrics }: Omit<KeptContext, 'keeper'>,
): void {
  metrics.unreadable.inc({ why })
  logger.warn({ key, why }, 'a kept answer is unreadable: it counts as a miss')
}

/** @returns the entry that admission found; null when it is of no use after all, which is told. */
export async function openKept(
  key: string | null,
  { body }: Cached,
  context: KeptContext,
): Promise<string | null> {
  if (body === null || key === null) return null
  const opened = await context.keeper.openAnswer(body, key)
  if (opened.ok && readCacheEntry(opened.text)) return opened.text
  tellUnreadable(key, opened.ok ? 'damaged' : opened.why, context)
  return null
}

/**
 * A settlement whose answer has the form in which it is kept. What cannot be kept as the policy wants it is not kept;
 * the call is settled all the same.
 * @param listNano - what the answer cost at list price.
 */
export async function withKept(
  command: SettleCommand,
  { cache: { responses } }: Policy,
  listNano: Nano,
  { keeper, logger }: KeptContext,
): Promise<SettleCommand> {
  const { cache } = command
  if (cache === null) return command
  try {
    const body = await keeper.keepAnswer(cache.body, cache.key, responses)
    const { staleWhileRevalidateMs: staleForMs = 0, staleIfOverBudgetMs: lastForMs = 0 } = responses
    return { ...command, cache: { ...cache, body, staleForMs, lastForMs, costNano: listNano } }
  } catch (error) {
    logger.error({ reason: messageOf(error) }, 'an answer is not kept')
    return { ...command, cache: null }
  }
}
