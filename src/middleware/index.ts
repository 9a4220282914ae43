export type {
  NewSession,
  OpenedSession,
  Session,
  SessionOwner,
  SessionPlace,
  SessionStats,
  Sessions,
} from '../access/sessions/types.ts'
export type { DataCache, Owner } from '../cache/data/types.ts'
export type { NamespaceOptions } from '../client/cache/create-cache.ts'
export { BursarError, type ErrorCode, type ErrorDetail } from '../errors.ts'
export type { CacheAnswersOptions } from './cache/answer-cache.ts'
export { createMiddleware, type Middleware, type MiddlewareOptions } from './create-middleware.ts'
export type { ExpressMiddleware, Handler } from './express.ts'
export type { FastifyMiddleware, Plugin } from './fastify.ts'
export { RATE_LIMIT_PRESETS, type RateLimitPreset } from './limits/presets.ts'
export type { LimitRefusal, RateLimitOptions } from './limits/rate-limit.ts'
export { clearedCookie, type SessionCookie, sessionCookie } from './sessions/cookie.ts'
export type { SessionOptions } from './sessions/session-guard.ts'
export { sessionOf } from './sessions/session-of.ts'
