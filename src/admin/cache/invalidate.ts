import { z } from 'zod'
import { ANSWERS } from '../../cache/data/events.ts'
import type { AnswerShelf } from '../../cache/invalidation/answer-shelf.ts'
import { dropAnswers, dropMatching } from '../../cache/invalidation/drop-answers.ts'
import { labelOfTag } from '../../cache/invalidation/labels.ts'
import { tenantHash, wallOf } from '../../cache/walls.ts'
import type { Policy } from '../../config/policy-types.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { dropData } from './drop-data.ts'
import type { CachePlace } from './place.ts'
import { type Selection, SelectionSchema, wordsOf } from './selection.ts'

const DroppedSchema = z.object({
  /** `(answers)`, `(vectors)`, or a namespace. */
  of: z.string(),
  dropped: z.int().min(0),
})
const InvalidatedSchema = z.object({
  removed: z.array(DroppedSchema),
  dropped: z.int().min(0),
  /** What could not be looked at, and why. */
  notes: z.array(z.string()),
})
export type InvalidatedView = Readonly<z.infer<typeof InvalidatedSchema>>

/** Drops answers and data, and puts on record who did. Throws POLICY_MISSING, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE. */
export const cacheInvalidate: AdminCommand<Selection, InvalidatedView> = {
  name: 'cache-invalidate',
  role: 'admin',
  summary: 'Drops kept answers and data: by key, pattern, tag, event, user, tenant, or everything.',
  input: SelectionSchema,
  output: InvalidatedSchema,
  async run(place, selection) {
    const [policy, cache] = [await policyInForce(place), await place.cache()]
    const tenant = tenantOf(selection, policy)
    const removed: z.infer<typeof DroppedSchema>[] = []
    const notes: string[] = []
    if (selection.of !== 'data' && selection.namespace === undefined) {
      const dropped = await dropFrom(cache.answers, selection, policy, notes)
      removed.push({ of: ANSWERS, dropped })
      const vectors = await clearVectors(cache.vectors, selection, tenant)
      if (vectors > 0) removed.push({ of: VECTORS, dropped: vectors })
    }
    if (selection.of !== 'answers') {
      if (cache.data === null) notes.push(OWN_MEMORY)
      const data = cache.data && (await dropData(cache.data, policy, selection, tenant))
      for (const [of, dropped] of data ?? []) removed.push({ of, dropped })
    }
    const dropped = removed.reduce((sum, one) => sum + one.dropped, 0)
    await record(place, cache.answers, selection, dropped)
    return { removed, dropped, notes }
  },
}

const VECTORS = '(vectors)'
const OWN_MEMORY =
  'embedded, programs keep their data in their own memory: call cache.emit() or cache.delete() there'
const UNFILED =
  'answers are not filed under tags: say cache.responses.index_tags: true in the policy'
const NO_EVENT = 'no answers depend on that event: see cache.responses.invalidate_on of the policy'

function tenantOf({ tenant, user }: Selection, policy: Policy): string | undefined {
  return tenant ?? (user === undefined ? undefined : policy.identity.defaultTenant)
}

async function dropFrom(
  shelf: AnswerShelf,
  selection: Selection,
  policy: Policy,
  notes: string[],
): Promise<number> {
  const { key, pattern, tag, event, user } = selection
  const { invalidateOn = [], indexTags = false } = policy.cache.responses
  const tenant = tenantOf(selection, policy)
  if (key !== undefined) return shelf.drop([key])
  if (pattern !== undefined) return dropMatching(shelf, patternBehind(pattern, tenant, user))
  if ((tag !== undefined || user !== undefined) && !indexTags) notes.push(UNFILED)
  if (tag !== undefined) return dropTag(shelf, tag, tenant ?? policy.identity.defaultTenant)
  if (event !== undefined && !invalidateOn.includes(event)) {
    notes.push(NO_EVENT)
    return 0
  }
  return dropAnswers(shelf, tenant === undefined ? {} : { tenant, user })
}

/** What a text means ends with no event and no tag: vectors go with whose they are, or all at once. */
async function clearVectors(
  vectors: CachePlace['vectors'],
  { key, pattern, tag, event, user }: Selection,
  tenant: string | undefined,
): Promise<number> {
  if ([key, pattern, tag, event].some((one) => one !== undefined)) return 0
  if (tenant === undefined) return vectors.clear('')
  return vectors.clear(
    user === undefined ? tenantHash(tenant) : wallOf('user', { tenant, user }).name,
  )
}

async function dropTag(shelf: AnswerShelf, tag: string, tenant: string): Promise<number> {
  const label = labelOfTag(tag)
  const shared = wallOf('shared', { tenant, user: '' }).name
  return (await shelf.dropFiled(tenantHash(tenant), label)) + (await shelf.dropFiled(shared, label))
}

/** Over the part of a key that stands behind the walls. */
function patternBehind(pattern: string, tenant: string | undefined, user: string | undefined) {
  if (tenant === undefined) return `*:${pattern}`
  if (user === undefined) return `${tenantHash(tenant)}[.:]*${pattern}`
  return `${wallOf('user', { tenant, user }).name}:${pattern}`
}

async function record(
  { by = 'operator' }: AdminPlace,
  shelf: AnswerShelf,
  selection: Selection,
  dropped: number,
): Promise<void> {
  const at = new Date().toISOString()
  await shelf.note(JSON.stringify({ at, by, what: wordsOf(selection), dropped }))
}
