import { z } from 'zod'
import { LEARNED_MS } from '../../cache/warming/choose.ts'
import { repeatedPrompts } from '../../ledger/queries/repeated-prompts.ts'
import type { AdminCommand } from '../command.ts'

const name = z.string().trim().min(1).max(256)

const InputSchema = z.strictObject({
  limit: z.int().min(1).max(1_000).default(20),
  tenant: name.optional(),
  user: name.optional(),
})
const LearnedSchema = z.object({
  prompts: z.array(z.object({ key: z.string(), times: z.int(), costNano: z.int() })),
})
export type Learned = Readonly<z.infer<typeof LearnedSchema>>

/** Prompts of the last day that came again, those first whose repetition is dearest; by name, never what they say. */
export const cacheLearned: AdminCommand<Readonly<z.infer<typeof InputSchema>>, Learned> = {
  name: 'cache-learned',
  role: 'viewer',
  summary: 'Prompts that come again and cost most.',
  input: InputSchema,
  output: LearnedSchema,
  async run(place, { limit, tenant, user }) {
    const span = { fromMs: Date.now() - LEARNED_MS, limit, tenant, user }
    return { prompts: await repeatedPrompts(await place.ledger(), span) }
  },
}
