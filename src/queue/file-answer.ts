import type { SettleCommand } from '../admission/commands.ts'
import { isOwnTag, OWN_TAGS } from '../admission/plan/own-tags.ts'
import { labelOf, USER } from '../cache/invalidation/labels.ts'
import { readKey } from '../cache/walls.ts'
import { keepPrompt } from '../cache/warming/keep-prompt.ts'
import type { Policy } from '../config/policy-types.ts'
import { messageOf } from '../errors.ts'
import type { WorkContext } from './context.ts'
import type { LoadedJob } from './job.ts'

type Shelves = Pick<WorkContext, 'answerShelf' | 'promptShelf' | 'keeper' | 'logger'>

/** What is asked of the whole request: a user may name a session, or a run, that an answer belongs to. */
const isFiled = (tag: string): boolean =>
  !isOwnTag(tag) || tag === OWN_TAGS.session || tag === OWN_TAGS.run

/**
 * Files an answer under what it depends on, and its prompt beside it, where the policy wants that, before the
 * settlement keeps it: one that stands nowhere is dropped by nobody. What cannot be filed is not kept.
 */
export async function withFiled(
  job: LoadedJob,
  command: SettleCommand,
  policy: Policy,
  { answerShelf, promptShelf, keeper, logger }: Shelves,
): Promise<SettleCommand> {
  const { cache } = command
  const { responses, warming } = policy.cache
  if (cache === null) return command
  try {
    if (responses.indexTags) {
      const { staleForMs = 0, lastForMs = 0 } = cache
      const ttlMs = cache.ttlMs + Math.max(staleForMs, lastForMs)
      await answerShelf?.file({
        key: cache.key,
        wall: wallIn(cache.key),
        labels: labels(job),
        ttlMs,
      })
    }
    if (warming?.enabled && promptShelf) {
      await keepPrompt(job, cache.key, { shelf: promptShelf, keeper, settings: responses })
    }
    return command
  } catch (error) {
    logger.error({ reason: messageOf(error) }, 'an answer is not kept: it could not be filed')
    return { ...command, cache: null }
  }
}

function wallIn(key: string): string {
  const parts = readKey(key)
  return parts === null || parts.share === 'shared' ? 'shared' : parts.tenant
}

const labels = ({ tags, user }: LoadedJob): string[] => [
  ...Object.entries(tags)
    .filter(([name]) => isFiled(name))
    .map(([name, value]) => labelOf(name, value)),
  labelOf(USER, user),
]
