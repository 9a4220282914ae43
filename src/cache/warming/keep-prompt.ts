import { z } from 'zod'
import type { GovernedRequest } from '../../admission/plan-types.ts'
import { OPERATIONS } from '../../config/operations.ts'
import { CacheAskedSchema } from '../asked.ts'
import type { Keeper, KeepSettings } from '../responses/keeper.ts'
import type { CacheAsked } from '../rules.ts'
import { readKey } from '../walls.ts'
import type { PromptShelf } from './prompt-shelf.ts'

const PromptSchema = z.object({
  operation: z.enum(OPERATIONS),
  ...{ model: z.string(), tenant: z.string(), user: z.string(), tier: z.string() },
  pinned: z.boolean(),
  body: z.record(z.string(), z.unknown()),
  /** What was asked of the cache. */
  cache: CacheAskedSchema,
})

/** A request as it is kept to be asked again: no tags, which are of one asking. */
export type Prompt = Readonly<z.infer<typeof PromptSchema>>

export interface PromptParts {
  readonly shelf: PromptShelf
  readonly keeper: Keeper
}

/** Where a prompt is kept, for what encrypts it. */
const placeOf = (key: string): string => `prompt/${key}`

/** Keeps a prompt beside its answer, encrypted when answers are. @throws {BursarError} STORE_UNAVAILABLE. */
export async function keepPrompt(
  request: GovernedRequest & { readonly cache?: CacheAsked },
  key: string,
  { shelf, keeper, settings }: PromptParts & { readonly settings: KeepSettings },
): Promise<void> {
  const { operation, model, tenant, user, tier, pinned, body, cache = {} } = request
  const prompt = { operation, model, tenant, user, tier, pinned, body, cache } satisfies Prompt
  const parts = readKey(key)
  const wall = parts === null || parts.share === 'shared' ? 'shared' : parts.tenant
  const text = await keeper.keepAnswer(JSON.stringify(prompt), placeOf(key), settings)
  await shelf.keep(key, wall, text)
}

/** @returns null for what is gone, or of no use. @throws {BursarError} STORE_UNAVAILABLE. */
export async function findPrompt(
  key: string,
  { shelf, keeper }: PromptParts,
): Promise<Prompt | null> {
  const [kept] = await shelf.find([key])
  if (!kept) return null
  const opened = await keeper.openAnswer(kept, placeOf(key))
  if (!opened.ok) return null
  return PromptSchema.safeParse(parsed(opened.text)).data ?? null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
