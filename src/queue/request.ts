import { z } from 'zod'
import { URGENCIES } from '../admission/outbox.ts'
import { isOwnTag, OWN_TAGS } from '../admission/plan/own-tags.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import { CacheOptionSchema } from '../cache/asked.ts'
import type { CacheAsked } from '../cache/rules.ts'
import { readIpAddress } from '../config/ip-address.ts'
import { OPERATIONS, type Operation } from '../config/operations.ts'
import type { Policy } from '../config/policy-types.ts'
import { BursarError } from '../errors.ts'
import type { RequestBody } from '../provider/types.ts'
import { bodyOn, keyOn, requestIdOn } from './asked-with.ts'
import { measureJson } from './measure-json.ts'
import { userKey } from './user-key.ts'

const name = z.string().min(1).max(256)
/** Whence it came, as limits count it. */
const address = z.string().transform((value, context) => {
  const known = readIpAddress(value)
  if (known !== undefined) return known
  context.addIssue({
    code: 'custom',
    message: 'write an address such as 203.0.113.7, or leave ip out',
  })
  return z.NEVER
})
/** They stand on every hold and entry. */
const MAX_TAGS = 32
const OWN = 'tags that begin with "bursar." are written by Bursar: send session or run instead'

/** What Bursar reads of a request; every other field goes to the provider as it is. */
export const ControlsSchema = z.object({
  /** Whose budget pays. */
  user: name,
  tenant: name.optional(),
  tier: name.optional(),
  session: name.optional(),
  run: name.optional(),
  tags: z
    .record(z.string().regex(/^[\w.-]{1,64}$/), z.string().max(256))
    .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `at most ${MAX_TAGS} tags`)
    .refine((tags) => !Object.keys(tags).some(isOwnTag), OWN)
    .optional(),
  urgency: z.enum(URGENCIES).default('interactive'),
  /** What it is for, as limits name it. */
  resource: name.optional(),
  ip: address.optional(),
  /** Milliseconds from now, or a point in time. */
  deadline: z.union([z.int().positive(), z.date(), z.iso.datetime({ offset: true })]).optional(),
  pinned: z.boolean().default(false),
  cache: CacheOptionSchema.default({}),
  /** Its answer is nobody else's, whatever the policy shares. */
  private: z.boolean().default(false),
  operation: z.enum(OPERATIONS).optional(),
  jobId: z
    .string()
    .regex(/^(?=.*[A-Za-z_-])[\w-]{8,64}$/, '8 to 64 letters, digits, - or _, not digits alone')
    .optional(),
  model: name,
})
type Controls = z.infer<typeof ControlsSchema>
type Who = Pick<Controls, 'tier' | 'tenant' | 'user'>

const CONTROLS: ReadonlySet<string> = new Set(Object.keys(ControlsSchema.shape))

export interface RequestOptions {
  /** Given by the app to make the request idempotent; null = a new one is drawn. */
  readonly jobId: string | null
  /** Milliseconds since 1970; 0 = none. */
  readonly deadlineMs: number
  readonly cache: CacheAsked
  /** Id of the HTTP request that it came with; absent = it came otherwise. */
  readonly requestId?: string
  /** Size of the body as JSON, about. */
  readonly bodyBytes: number
}

/**
 * Reads an app's flat request: ours are `user tenant tier session run tags urgency resource ip deadline pinned cache
 * private operation jobId model`, the rest is the OpenAI body.
 * @param nowMs - what a relative deadline counts from.
 * @throws {BursarError} INVALID_REQUEST, UNKNOWN_TIER or REQUEST_TOO_LARGE, saying what to write instead.
 */
export function readRequest(
  input: unknown,
  policy: Policy,
  nowMs: number,
): { request: GovernedRequest; options: RequestOptions } {
  const [own, body] = split(input)
  const controls = readControls(own)
  const operation = operationOf(controls, body)
  checkBody(operation, body)
  const bodyBytes = measureJson(body, 'request')
  if (bodyBytes > policy.defaults.maxBodyBytes) throw tooLarge(bodyBytes, policy)
  const { user, model, urgency, pinned, resource, ip } = controls
  const request: GovernedRequest = {
    operation,
    model,
    body,
    tenant: controls.tenant ?? policy.identity.defaultTenant,
    user,
    tier: tierOf(controls, policy),
    tags: allTags(controls, keyOn(input)),
    urgency,
    pinned,
    ...(resource !== undefined && { resource }),
    ...(ip !== undefined && { ip }),
  }
  const { jobId = null } = controls
  const cache = controls.private ? { ...controls.cache, share: 'user' as const } : controls.cache
  const requestId = requestIdOn(input)
  const options = {
    ...{ jobId, cache, bodyBytes, deadlineMs: deadlineOf(controls, nowMs) },
    ...(requestId !== undefined && { requestId }),
  }
  return { request, options }
}

/** Who a question about quota is for. */
export type Identity = Pick<
  GovernedRequest,
  'tenant' | 'user' | 'tier' | 'tags' | 'resource' | 'ip'
>

const IdentitySchema = ControlsSchema.pick({
  ...{ user: true, tenant: true, tier: true },
  ...{ session: true, run: true, tags: true, resource: true, ip: true },
})

/** @throws {BursarError} INVALID_REQUEST or UNKNOWN_TIER, saying what to write instead. */
export function readIdentity(input: unknown, policy: Policy): Identity {
  const parsed = IdentitySchema.safeParse(input)
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error))
  const { user, tenant = policy.identity.defaultTenant, resource, ip } = parsed.data
  const tags = allTags(parsed.data, keyOn(input))
  return {
    ...{ user, tenant, tags, tier: tierOf(parsed.data, policy) },
    ...(resource !== undefined && { resource }),
    ...(ip !== undefined && { ip }),
  }
}

/** The caller's own, and what budgets, limits and reports find in the same place. */
const allTags = (
  { tags, session, run }: Pick<Controls, 'tags' | 'session' | 'run'>,
  key: string | undefined,
): Readonly<Record<string, string>> => ({
  ...tags,
  ...(session !== undefined && { [OWN_TAGS.session]: session }),
  ...(run !== undefined && { [OWN_TAGS.run]: run }),
  ...(key !== undefined && { [OWN_TAGS.key]: key }),
})

function split(input: unknown): [own: Record<string, unknown>, body: RequestBody] {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalid("a request is an object: { user: 'u42', model: 'auto', messages: [...] }")
  }
  const own = given(input).filter(([key]) => CONTROLS.has(key))
  return [Object.fromEntries(own), bodyOf(input)]
}

/** What goes to the provider as it is. */
export function bodyOf(input: object): RequestBody {
  const apart = bodyOn(input)
  if (apart) return apart
  // A field of this name would be the prototype of what is filled one by one.
  if (Object.hasOwn(input, '__proto__')) {
    return Object.fromEntries(given(input).filter(([key]) => !CONTROLS.has(key)))
  }
  const body: Record<string, unknown> = {}
  for (const key of Object.keys(input)) {
    if (CONTROLS.has(key)) continue
    const value: unknown = Reflect.get(input, key)
    if (value !== undefined) body[key] = value
  }
  return body
}

const given = (input: object): [string, unknown][] =>
  Object.entries(input).filter(([, value]) => value !== undefined)

function readControls(own: Record<string, unknown>): Controls {
  if (own.user === undefined) throw invalid("user is missing: say who pays, e.g. user: 'u42'")
  if (own.model === undefined) {
    throw invalid("model is missing: write model: 'auto', or a model's name", 'model')
  }
  const parsed = ControlsSchema.safeParse(own)
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error))
  return parsed.data
}

function operationOf({ operation, model }: Controls, body: RequestBody): Operation {
  if (operation) return operation
  if ('messages' in body) return 'chat.completions'
  if ('input' in body && /embed/i.test(model)) return 'embeddings'
  throw invalid(
    'input' in body
      ? "say what to do with input: operation: 'responses' or operation: 'embeddings'"
      : "messages is missing: write messages: [{ role: 'user', content: '...' }]",
  )
}

function checkBody(operation: Operation, body: RequestBody): void {
  if ('stream' in body) throw invalid('leave stream out: call stream() instead of run()')
  if (operation !== 'chat.completions') {
    if (body.input === undefined) throw invalid(`input is missing: ${operation} needs it`, 'input')
    return
  }
  const { messages } = body
  const isMessage = (message: unknown) =>
    typeof message === 'object' && message !== null && 'role' in message
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isMessage)) {
    throw invalid("messages is a list of at least one { role: 'user', content: '...' }", 'messages')
  }
}

/** The request's own (a key's, where it has one), else what the user was given, else the policy's. */
function tierOf({ tier, tenant, user }: Who, { identity, ...policy }: Policy): string {
  const { users, given, defaultTenant, defaultTier } = identity
  const named = Object.hasOwn(users, user) ? users[user] : undefined
  const wanted = tier ?? given?.get(userKey(tenant ?? defaultTenant, user)) ?? named ?? defaultTier
  if (Object.hasOwn(policy.tiers, wanted)) return wanted
  const known = Object.keys(policy.tiers)
  throw new BursarError(
    'UNKNOWN_TIER',
    `no tier is called "${wanted}": use one of ${known.join(', ')}, or add it to the policy`,
    { detail: { tier: wanted, known } },
  )
}

function deadlineOf({ deadline }: Controls, nowMs: number): number {
  if (deadline === undefined) return 0
  if (typeof deadline === 'number') return nowMs + deadline
  return new Date(deadline).getTime()
}

const invalid = (message: string, param?: string): BursarError =>
  new BursarError('INVALID_REQUEST', message, param === undefined ? {} : { detail: { param } })

const tooLarge = (bytes: number, policy: Policy): BursarError =>
  new BursarError(
    'REQUEST_TOO_LARGE',
    `the request is ${bytes} bytes and ${policy.defaults.maxBodyBytes} are allowed: send less, or raise defaults.max_body_bytes`,
    { detail: { bytes, maxBytes: policy.defaults.maxBodyBytes } },
  )
