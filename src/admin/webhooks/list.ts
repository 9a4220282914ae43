import { z } from 'zod'
import { type ListedWebhook, listWebhooks } from '../../ledger/job-webhooks.ts'
import { WEBHOOK_STATES } from '../../ledger/schema.ts'
import type { AdminCommand } from '../command.ts'

const ListSchema = z.strictObject({
  /** Absent = in any. */
  state: z.enum(WEBHOOK_STATES).optional(),
  limit: z.int().min(0).max(1_000).default(50),
})

const iso = z.string()
const WebhookSchema = z.object({
  /** The `webhook-id`. */
  id: z.string(),
  ...{ job: z.string(), endpoint: z.string() },
  /** `waiting` = its job goes on, `due` = it is tried (again) at `next`. */
  state: z.enum(WEBHOOK_STATES),
  since: iso,
  /** null = it is over. */
  next: iso.nullable(),
  tries: z.array(
    z.object({
      ...{ n: z.int(), at: iso, tookMs: z.int() },
      /** What the endpoint answered; null = it did not, and `error` says why. */
      status: z.int().nullable(),
      error: z.string().nullable(),
    }),
  ),
})
const WebhooksSchema = z.object({ webhooks: z.array(WebhookSchema) })
export type WebhooksView = Readonly<z.infer<typeof WebhooksSchema>>

/** Who was, or is to be, told of the end of jobs, newest first. Throws LEDGER_UNAVAILABLE. */
export const webhooksList: AdminCommand<z.infer<typeof ListSchema>, WebhooksView> = {
  name: 'webhooks-list',
  role: 'viewer',
  summary: 'Who was, or is to be, told of the end of jobs, and how each try went.',
  input: ListSchema,
  output: WebhooksSchema,
  async run(place, { state, limit }) {
    const found = await listWebhooks(await place.ledger(), { state: state ?? null, limit })
    return { webhooks: found.map(view) }
  },
}

const at = (ms: number): string => new Date(ms).toISOString()

const view = ({ createdAtMs, nextAtMs, tries, ...known }: ListedWebhook) => ({
  ...known,
  since: at(createdAtMs),
  next: known.state === 'due' ? at(nextAtMs) : null,
  tries: tries.map(({ atMs, ...one }) => ({ ...one, at: at(atMs) })),
})
