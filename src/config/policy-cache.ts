import { z } from 'zod'
import { CACHE_MODES, CACHE_SHARES, type CachePolicy } from './cache-types.ts'
import { duration, size } from './policy-measures.ts'
import { buildNamespaces, namespacesSchema, StoredNamespacesSchema } from './policy-namespaces.ts'
import { buildWarming, StoredWarmingSchema, WarmingSchema } from './policy-warming.ts'
import { text } from './policy-words.ts'

const off = z.literal(['off', false])

const compressOver = z
  .union([off, size], { error: 'write off, or a size such as 2KiB' })
  .default(2_048)

const longer = z
  .union([off, duration], { error: 'write off, or a duration such as 10m' })
  .default('off')

const word = z
  .string()
  .trim()
  .min(1, 'write a word or a phrase, e.g. "right now"')
  .max(80, 'write a word or a phrase of at most 80 characters')

/** What is asked with these words has another answer soon. */
const ABOUT_NOW = [
  'today',
  'tonight',
  'tomorrow',
  'yesterday',
  'right now',
  'current time',
  'current date',
  'what time is it',
]

const ResponsesSchema = z.strictObject({
  enabled: z.boolean().default(true),
  ttl: duration.default(3_600_000),
  max_ttl: duration.default(604_800_000),
  mode: z.enum(CACHE_MODES).default('on'),
  share: z.enum(CACHE_SHARES).default('tenant'),
  prefix: z
    .string()
    .regex(/^[\w.-]{0,64}$/, 'write letters, digits, ".", "_" and "-", at most 64')
    .default(''),
  max_temperature: z.number().min(0).max(2).default(1),
  pure_tools: z.array(text).max(500).default([]),
  skip_when: z.array(word).max(100, 'write at most 100 words and phrases').default(ABOUT_NOW),
  // Nothing is promised that is not kept.
  semantic: z
    .literal(['off', false], { error: 'write off: only equal requests share an answer so far' })
    .default('off'),
  compress_over: compressOver,
  encrypt: z.boolean().default(false),
  stale_while_revalidate: longer,
  stale_when_over_budget: longer,
  invalidate_on: z.array(text).default([]),
  index_tags: z.boolean().default(false),
})

/** The section `cache` of bursar.yaml. */
export const CacheSchema = z.strictObject({
  responses: ResponsesSchema.prefault({}),
  embeddings: z
    .strictObject({ enabled: z.boolean().default(true), ttl: duration.default(86_400_000) })
    .prefault({}),
  namespaces: namespacesSchema(compressOver).default({}),
  hit_rate_target: z.number().min(0).max(100).optional(),
  warming: WarmingSchema.optional(),
})

const bytesOrNever = (bytes: number | string | false): number | null =>
  typeof bytes === 'number' ? bytes : null
const msOrNone = (ms: number | string | false): number => (typeof ms === 'number' ? ms : 0)

/** Normalises the section. */
export const buildCache = ({
  responses,
  embeddings,
  namespaces,
  hit_rate_target,
  warming,
}: z.infer<typeof CacheSchema>): CachePolicy => ({
  responses: buildResponses(responses),
  embeddings: { enabled: embeddings.enabled, ttlMs: embeddings.ttl },
  namespaces: buildNamespaces(namespaces, bytesOrNever),
  ...(hit_rate_target !== undefined && { hitRateTarget: hit_rate_target }),
  ...(warming && { warming: buildWarming(warming) }),
})

const buildResponses = (draft: z.infer<typeof ResponsesSchema>): CachePolicy['responses'] => ({
  enabled: draft.enabled,
  ttlMs: draft.ttl,
  maxTtlMs: draft.max_ttl,
  mode: draft.mode,
  share: draft.share,
  prefix: draft.prefix,
  maxTemperature: draft.max_temperature,
  pureTools: draft.pure_tools,
  skipWhen: draft.skip_when,
  semanticThreshold: null,
  compressOverBytes: bytesOrNever(draft.compress_over),
  encrypt: draft.encrypt,
  staleWhileRevalidateMs: msOrNone(draft.stale_while_revalidate),
  staleIfOverBudgetMs: msOrNone(draft.stale_when_over_budget),
  invalidateOn: draft.invalidate_on,
  indexTags: draft.index_tags,
})

const count = z.int().min(0)

/** The section as the ledger keeps it. What came later is absent in older policies. */
export const StoredCacheSchema: z.ZodType<CachePolicy> = z.object({
  responses: z.object({
    enabled: z.boolean(),
    ttlMs: count,
    maxTtlMs: count.exactOptional(),
    mode: z.enum(CACHE_MODES).exactOptional(),
    share: z.enum(CACHE_SHARES).exactOptional(),
    prefix: z.string().exactOptional(),
    maxTemperature: z.number().exactOptional(),
    pureTools: z.array(z.string()).exactOptional(),
    skipWhen: z.array(z.string()).exactOptional(),
    semanticThreshold: z.number().nullable().exactOptional(),
    compressOverBytes: count.nullable().exactOptional(),
    encrypt: z.boolean().exactOptional(),
    staleWhileRevalidateMs: count.exactOptional(),
    staleIfOverBudgetMs: count.exactOptional(),
    invalidateOn: z.array(z.string()).exactOptional(),
    indexTags: z.boolean().exactOptional(),
  }),
  embeddings: z.object({ enabled: z.boolean(), ttlMs: count }).exactOptional(),
  namespaces: StoredNamespacesSchema.exactOptional(),
  hitRateTarget: z.number().exactOptional(),
  warming: StoredWarmingSchema.exactOptional(),
})
