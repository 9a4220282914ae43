import { z } from 'zod'
import type { Identity, Request, StreamRequest } from '../client/types.ts'
import { parseDuration } from '../config/units.ts'
import { BursarError } from '../errors.ts'

const LONGEST_WAIT_MS = 600_000

const WaitSchema = z
  .string()
  .transform(parseDuration)
  .pipe(z.int({ error: 'write a time such as 30s' }).max(LONGEST_WAIT_MS, 'wait for 10m at most'))

/** `?wait=30s`, in ms; absent = not at all. */
export const WaitQuerySchema = z.strictObject({ wait: WaitSchema.optional() })

/** As the client draws ids; BullMQ's own keys hold colons, so none may come in. */
export const JobParamsSchema = z.strictObject({
  id: z.string().regex(/^[\w-]{1,64}$/, 'a job id is up to 64 letters, digits, - or _'),
})

/** The flat request of the client. What it asks for is judged where every client's is: at intake. */
const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const OBJECT = { error: "send an object: { user: 'u42', model: 'auto', messages: [...] }" }

export const RequestSchema = z.custom<Request>(isObject, OBJECT)

/** The fields of a query, before anybody knows what they mean. */
export const FieldsSchema = z.record(z.string(), z.unknown())

/** A job as it is handed in. */
export interface HandedJob {
  readonly stream: boolean
  /** The channel of the policy that is told of its end; null = none. */
  readonly webhook: string | null
  readonly request: StreamRequest
}
const WEBHOOK = 'name a webhook channel of the policy: an address of your own is not called'

export const JobSchema = z
  .custom<Record<string, unknown>>(isObject, OBJECT)
  .transform(({ stream = false, webhook, ...request }, context): HandedJob => {
    if (typeof stream !== 'boolean') {
      context.addIssue({ code: 'custom', path: ['stream'], message: 'write true or false' })
      return z.NEVER
    }
    if (webhook !== undefined && (typeof webhook !== 'string' || webhook === '')) {
      context.addIssue({ code: 'custom', path: ['webhook'], message: WEBHOOK })
      return z.NEVER
    }
    return { stream, webhook: webhook ?? null, request: request as unknown as StreamRequest }
  })

const text = z.string().min(1)
const TagSchema = z.string().regex(/^[^=]+=/, 'write tag=key=value, e.g. tag=feature=tutor')

/** `?user=u42&tenant=acme&tier=basic&session=s1&run=r1&resource=generation&ip=203.0.113.7&tag=feature=tutor` */
export const QuotaQuerySchema = z
  .strictObject({
    user: z.string({ error: 'say whose: /v1/quota?user=u42' }).min(1),
    tenant: text.optional(),
    tier: text.optional(),
    session: text.optional(),
    run: text.optional(),
    resource: text.optional(),
    ip: text.optional(),
    tag: z.union([TagSchema.transform((tag) => [tag]), z.array(TagSchema)]).optional(),
  })
  .transform(({ user, tenant, tier, session, run, resource, ip, tag }): Identity => {
    const tags = tag?.map((one) => [
      one.slice(0, one.indexOf('=')),
      one.slice(one.indexOf('=') + 1),
    ])
    return {
      user,
      ...(tenant !== undefined && { tenant }),
      ...(tier !== undefined && { tier }),
      ...(session !== undefined && { session }),
      ...(run !== undefined && { run }),
      ...(resource !== undefined && { resource }),
      ...(ip !== undefined && { ip }),
      ...(tags && { tags: Object.fromEntries(tags) }),
    }
  })

/** @throws {BursarError} INVALID_REQUEST naming each mistake and its mend. */
export function readAs<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new BursarError('INVALID_REQUEST', z.prettifyError(parsed.error))
}
