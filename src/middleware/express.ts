import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type CacheAnswersOptions,
  createAnswerCache,
  encodingOf,
  type Miss,
  MOST_ANSWER_BYTES,
} from './cache/answer-cache.ts'
import { createRateLimit, type RateLimitOptions } from './limits/rate-limit.ts'
import type { MiddlewareParts } from './parts.ts'
import type { Instead, WebRequest } from './request.ts'
import { createSessionGuard, type SessionOptions } from './sessions/session-guard.ts'

/** Middleware of Express, Connect, and whatever else calls `(request, response, next)`. */
export type Handler<Request extends IncomingMessage = IncomingMessage> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

export interface ExpressMiddleware {
  rateLimit<Request extends IncomingMessage>(options?: RateLimitOptions<Request>): Handler<Request>
  cacheAnswers<Request extends IncomingMessage>(
    options?: CacheAnswersOptions<Request>,
  ): Handler<Request>
  sessions(options?: SessionOptions): Handler
}

export function expressMiddleware({
  limiter,
  cache,
  sessions,
}: MiddlewareParts): ExpressMiddleware {
  return {
    rateLimit<Request extends IncomingMessage>(options: RateLimitOptions<Request> = {}) {
      const judge = createRateLimit(limiter, options)
      return handler<Request>(async function rateLimit(request, response) {
        const verdict = await judge(webRequest(request))
        if (!verdict.pass) return verdict.instead
        for (const [name, value] of Object.entries(verdict.headers)) response.setHeader(name, value)
        return null
      })
    },
    cacheAnswers<Request extends IncomingMessage>(options: CacheAnswersOptions<Request> = {}) {
      const look = createAnswerCache(cache, options)
      return handler<Request>(async function cacheAnswers(request, response) {
        const looked = await look(webRequest(request))
        if (looked.state === 'hit') return looked.instead
        if (looked.state === 'miss') listenTo(response, looked)
        return null
      })
    },
    sessions(options = {}) {
      const guard = createSessionGuard(sessions, options)
      return handler(async function session(request) {
        const verdict = await guard(webRequest(request))
        return verdict.pass ? null : verdict.instead
      })
    },
  }
}

/** Answers instead of the application, or lets it go on. */
function handler<Request extends IncomingMessage>(
  judge: (request: Request, response: ServerResponse) => Promise<Instead | null>,
): Handler<Request> {
  return (request, response, next) => {
    judge(request, response).then((instead) => {
      if (instead === null) next()
      else answer(response, instead)
    }, next)
  }
}

function answer(response: ServerResponse, { status, headers, body }: Instead): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.statusCode = status
  response.end(body)
}

/** Express knows more of a request than Node does: the address behind a proxy, the path before it was mounted. */
function webRequest<Request extends IncomingMessage>(request: Request): WebRequest<Request> {
  const { method = 'GET', headers, socket } = request
  const ip: unknown = Reflect.get(request, 'ip')
  const originalUrl: unknown = Reflect.get(request, 'originalUrl')
  return {
    ...{ method, headers, native: request },
    url: typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/'),
    ip: typeof ip === 'string' ? ip : socket.remoteAddress,
  }
}

/** Looks at what is written, and hands it on when it is whole. */
function listenTo(response: ServerResponse, { keep }: Miss): void {
  const chunks: Buffer[] = []
  let bytes = 0
  let encodedAs = ''
  const note = (chunk: unknown, encoding: unknown) => {
    if (bytes === 0) encodedAs = encodingOf(response.getHeaders())
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const known = typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'
    const copy = typeof chunk === 'string' ? Buffer.from(chunk, known) : Buffer.from(chunk)
    bytes += copy.byteLength
    if (bytes <= MOST_ANSWER_BYTES) chunks.push(copy)
  }
  const { write, end } = response
  response.write = function seen(...args: unknown[]) {
    note(args[0], args[1])
    return Reflect.apply(write, response, args)
  }
  response.end = function seen(...args: unknown[]) {
    note(args[0], args[1])
    const ended = Reflect.apply(end, response, args)
    // Whoever sets a cookie as the headers leave has done so now.
    const given = { status: response.statusCode, headers: response.getHeaders() }
    // A cache that cannot keep it harms nobody: the answer was given.
    if (bytes <= MOST_ANSWER_BYTES) {
      keep({ ...given, encodedAs, body: Buffer.concat(chunks) }).catch(() => {})
    }
    return ended
  }
  response.setHeader('x-bursar-cache', 'miss')
}
