import { z } from 'zod'
import { ControlsSchema } from '../../queue/request.ts'

/** Another JSON object, whose fields are not ours to say. */
const anything = z.looseObject({})
const text = z.string()

/** How every error is told. */
export const ErrorSchema = z.object({
  error: z.object({
    message: text.describe('What happened, and what to do.'),
    type: text.describe("In the words of OpenAI's API, which SDKs sort errors by."),
    code: text.describe('Stable: branch on it.'),
    detail: anything,
    retryable: z.boolean().describe('Whether the same request may succeed later, unchanged.'),
  }),
})

/** A flat request: what Bursar reads, and the fields of the provider's own API beside it. */
export const JobRequestSchema = z.looseObject({
  ...ControlsSchema.shape,
  stream: z.boolean().optional(),
  webhook: text.optional().describe('An endpoint of the policy that is told when the job ends.'),
  messages: z.array(anything).optional().describe('Of a chat; see the API of OpenAI.'),
  input: z.unknown().optional().describe('Of operation `responses` or `embeddings`.'),
})

/** A job that was handed in. */
export const HandedInSchema = z.object({
  id: text,
  status: z.enum(['queued', 'ended']),
  url: text.describe('Where it can be asked for.'),
})

const ReceiptSchema = z
  .looseObject({
    jobId: text,
    costNano: z.int().describe('nano-USD'),
    costUsd: text,
    modelServed: text,
    why: text.describe('Why this model.'),
    left: text.nullable().describe('What the tightest budget still allows, USD.'),
    budgets: z.array(anything),
  })
  .describe('What it cost, who paid, why this model, and what is left.')

/** A job that ended well. */
export const AnsweredSchema = z.object({
  id: text,
  status: z.literal('ended'),
  outcome: z.enum(['answered', 'cached', 'joined']),
  text: text.describe('What a person reads; empty where there is none.'),
  response: anything.describe("The provider's own JSON."),
  receipt: ReceiptSchema,
})

export const CancelledSchema = z.object({
  id: text,
  status: z.enum(['cancelled', 'cancelling', 'ended']),
})

export const QuotaSchema = z.object({
  tier: text,
  left: text
    .nullable()
    .describe('What the tightest budget still allows, USD; null = none governs.'),
  tightest: text.nullable(),
  budgets: z.array(anything),
  limits: z.array(anything),
})

export const QuoteSchema = z.union([
  z.looseObject({
    served: z.literal(true),
    ...{ model: text, provider: text, mostUsd: text, leastUsd: text },
  }),
  z.object({
    served: z.literal(false),
    ...{ budget: text, window: text, resumesAt: text.nullable() },
  }),
])

/** A body or an answer that is OpenAI's. */
export const OpenAiSchema = anything.describe('As the API of OpenAI has it.')
