import { z } from 'zod'
import type { CacheNamespacePolicy } from './cache-types.ts'
import { own } from './own.ts'
import { duration } from './policy-measures.ts'
import { name, text } from './policy-words.ts'

const DAILY = 'write a time of day in the timezone of the policy, such as "06:00"'

/** @param compressOver - as of answers. */
export const namespacesSchema = <Size extends z.ZodType>(compressOver: Size) =>
  z.record(
    name,
    z.strictObject({
      ttl: duration,
      invalidate_on: z.array(text).default([]),
      refresh_on: z.array(text).default([]),
      refresh_daily: z
        .string({ error: DAILY })
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, DAILY)
        .optional(),
      shared: z.boolean().default(false),
      compress_over: compressOver,
      encrypt: z.boolean().default(false),
    }),
  )

type Drafts = Readonly<
  Record<string, z.infer<ReturnType<typeof namespacesSchema<z.ZodType>>>[string]>
>

/** Normalises namespaces. @param bytesOf - reads a size. */
export const buildNamespaces = <Draft extends Drafts>(
  drafts: Draft,
  bytesOf: (size: Draft[string]['compress_over']) => number | null,
): Readonly<Record<string, CacheNamespacePolicy>> =>
  own(
    Object.fromEntries(
      Object.entries(drafts).map(([key, draft]): [string, CacheNamespacePolicy] => [
        key,
        {
          ...{ ttlMs: draft.ttl, shared: draft.shared, encrypt: draft.encrypt },
          ...{ invalidateOn: draft.invalidate_on, refreshOn: draft.refresh_on },
          refreshDaily: draft.refresh_daily ?? null,
          compressOverBytes: bytesOf(draft.compress_over),
        },
      ]),
    ),
  )

const count = z.int().min(0)

/** Namespaces as the ledger keeps them. */
export const StoredNamespacesSchema = z.record(
  z.string(),
  z.object({
    ttlMs: count,
    invalidateOn: z.array(z.string()),
    refreshOn: z.array(z.string()).exactOptional(),
    refreshDaily: z.string().nullable().exactOptional(),
    shared: z.boolean(),
    compressOverBytes: count.nullable().exactOptional(),
    encrypt: z.boolean().exactOptional(),
  }),
)
