import type { FastifyRequest } from 'fastify'
import { isOwnTag } from '../../admission/plan/own-tags.ts'
import type { StreamRequest } from '../../client/types.ts'
import type { Operation } from '../../config/operations.ts'
import { BursarError } from '../../errors.ts'
import { withBody } from '../../queue/asked-with.ts'
import { keyOf } from '../authorize.ts'
import { withCacheHeaders } from '../cache-headers.ts'
import { narrowed } from '../narrowed.ts'
import type { GatewayRuntime } from '../parts.ts'
import { type OwnHeaders, readOwnHeaders } from './headers-in.ts'

/** A request of OpenAI's API, as it is handed in. */
export interface OpenAiRequest {
  readonly operation: Operation
  /** As the client takes it: who pays, and the body apart. */
  readonly asked: StreamRequest
  readonly model: string
  readonly stream: boolean
  /** The caller wants the chunk that tells the usage of a chat. */
  readonly includeUsage: boolean
  /** Somebody waits for it: when that one leaves, the call ends. */
  readonly interactive: boolean
}

type Body = Readonly<Record<string, unknown>>

/** Nobody said who asks, and no key does. */
const NOBODY = 'default'
const TAG_NAME = /^[\w.-]{1,64}$/
const LONGEST_TAG = 256

/**
 * Reads a request of an OpenAI client. `user`, else `safety_identifier`, says who asks, `metadata` becomes tags, the
 * headers `x-bursar-*` come before both, and the key it came with before all of them. Every field goes on to the
 * provider as it is.
 * @throws {BursarError} INVALID_REQUEST, ACCESS_DENIED, UNKNOWN_TIER.
 */
export function readOpenAiRequest(
  request: FastifyRequest,
  operation: Operation,
  runtime: Pick<GatewayRuntime, 'rules'>,
): OpenAiRequest {
  const body = objectIn(request.body)
  const { stream: wanted, stream_options: options, model, ...rest } = body
  const stream = flagIn(wanted, 'stream')
  if (stream && operation === 'embeddings') throw wrong('stream', 'embeddings come in one piece')
  if (typeof model !== 'string' || model === '') {
    throw wrong('model', "is missing: write 'auto', or a model's name")
  }
  const said = readOwnHeaders(request.headers)
  const own = { ...whoAsks(request, said, body), model, operation }
  const sent = stream && options != null ? { ...rest, stream_options: options } : rest
  const cached = withCacheHeaders(request.headers, own)
  const asked = narrowed(request, withBody(cached, sent), runtime)
  return {
    operation,
    // It is read as every client's: at intake.
    asked: asked as unknown as StreamRequest,
    model,
    stream,
    includeUsage: stream && isObject(options) && options.include_usage === true,
    interactive: (said.urgency ?? 'interactive') === 'interactive',
  }
}

/** Who asks, before the key is looked at. */
export const whoAsks = (request: FastifyRequest, said: OwnHeaders, body: Body = {}) => ({
  ...said,
  user: said.user ?? userIn(request, body),
  tags: { ...tagsIn(body.metadata), ...said.tags },
})

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectIn(body: unknown): Body {
  if (isObject(body)) return body
  throw new BursarError('INVALID_REQUEST', 'the body is no JSON object: send { "model": ... }')
}

/** `null` is what some clients write for what is left out. */
function flagIn(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw wrong(name, 'write true or false')
}

/** A key that is for one user needs none named; one that is for many is itself who asks when nobody is. */
function userIn(request: FastifyRequest, body: Body): string | undefined {
  const key = keyOf(request)
  const named = nameIn(body.user)
  if (named !== undefined) return named
  if (key !== null && key.user !== null) return undefined
  return nameIn(body.safety_identifier) ?? key?.id ?? NOBODY
}

const nameIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** What of a request's metadata may be a tag; the provider gets all of it. */
function tagsIn(metadata: unknown): Readonly<Record<string, string>> {
  if (!isObject(metadata)) return {}
  const fits = (entry: [string, unknown]): entry is [string, string] =>
    TAG_NAME.test(entry[0]) &&
    !isOwnTag(entry[0]) &&
    typeof entry[1] === 'string' &&
    entry[1].length <= LONGEST_TAG
  return Object.fromEntries(Object.entries(metadata).filter(fits))
}

const wrong = (param: string, mend: string): BursarError =>
  new BursarError('INVALID_REQUEST', `${param}: ${mend}`, { detail: { param } })
