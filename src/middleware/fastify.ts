import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  type CacheAnswersOptions,
  createAnswerCache,
  encodingOf,
  type Given,
  type Miss,
} from './cache/answer-cache.ts'
import { createRateLimit, type RateLimitOptions } from './limits/rate-limit.ts'
import type { MiddlewareParts } from './parts.ts'
import type { Instead, WebRequest } from './request.ts'
import { createSessionGuard, type SessionOptions } from './sessions/session-guard.ts'

/** A plugin for the scope that it is registered in, and those below. */
export type Plugin = (scope: FastifyInstance) => Promise<void>

export interface FastifyMiddleware {
  rateLimit(options?: RateLimitOptions<FastifyRequest>): Plugin
  cacheAnswers(options?: CacheAnswersOptions<FastifyRequest>): Plugin
  sessions(options?: SessionOptions): Plugin
}

export function fastifyMiddleware({
  limiter,
  cache,
  sessions,
}: MiddlewareParts): FastifyMiddleware {
  return {
    rateLimit(options = {}) {
      const judge = createRateLimit(limiter, options)
      return plugin(async function rateLimit(scope) {
        scope.addHook('onRequest', async (request, reply) => {
          const verdict = await judge(webRequest(request))
          if (!verdict.pass) return answer(reply, verdict.instead)
          reply.headers(verdict.headers)
        })
      })
    },
    cacheAnswers(options = {}) {
      const look = createAnswerCache(cache, options)
      const misses = new WeakMap<FastifyRequest, Miss>()
      const bodies = new WeakMap<FastifyRequest, Pick<Given, 'body' | 'encodedAs'>>()
      return plugin(async function cacheAnswers(scope) {
        scope.addHook('onRequest', async (request, reply) => {
          const looked = await look(webRequest(request))
          if (looked.state === 'hit') return answer(reply, looked.instead)
          if (looked.state === 'off') return
          misses.set(request, looked)
          reply.header('x-bursar-cache', 'miss')
        })
        scope.addHook('onSend', async (request, reply, payload) => {
          if (misses.has(request) && (typeof payload === 'string' || Buffer.isBuffer(payload))) {
            const encodedAs = encodingOf(reply.getHeaders())
            bodies.set(request, { body: Buffer.from(payload), encodedAs })
          }
          return payload
        })
        // Hooks after ours may set a cookie: what the headers say is known when they are sent.
        scope.addHook('onResponse', async (request, reply) => {
          const body = bodies.get(request)
          if (!body) return
          const given = { ...body, status: reply.statusCode, headers: reply.getHeaders() }
          // A cache that cannot keep it harms nobody: the answer was given.
          await misses
            .get(request)
            ?.keep(given)
            .catch(() => {})
        })
      })
    },
    sessions(options = {}) {
      const guard = createSessionGuard(sessions, options)
      return plugin(async function session(scope) {
        scope.addHook('onRequest', async (request, reply) => {
          const verdict = await guard(webRequest(request))
          if (!verdict.pass) return answer(reply, verdict.instead)
        })
      })
    },
  }
}

/** Without this mark a plugin's hooks are its own scope's alone. @see https://fastify.dev/docs/latest/Reference/Plugins */
const plugin = (register: Plugin): Plugin =>
  Object.assign(register, { [Symbol.for('skip-override')]: true })

const answer = (reply: FastifyReply, { status, headers, body }: Instead): FastifyReply =>
  reply.code(status).headers(headers).send(body)

const webRequest = (request: FastifyRequest): WebRequest<FastifyRequest> => {
  const { method, originalUrl: url, headers, ip } = request
  return { method, url, headers, ip, native: request }
}
