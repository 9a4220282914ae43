import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import { createKeyGuard } from '../access/key-guard.ts'
import { createKeyStore } from '../access/key-store.ts'
import { BursarError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { identify } from './authorize.ts'
import { errorReply, nameError } from './error-reply.ts'
import type { GatewayParts } from './parts.ts'
import { readJsonBody } from './read-body.ts'
import { plainLogger, requestLogger } from './request-logger.ts'
import { accountRoutes } from './routes/account.ts'
import { actionRoutes } from './routes/actions.ts'
import { adminRoutes } from './routes/admin.ts'
import { adminEventRoutes } from './routes/admin-events.ts'
import { cacheMetricRoutes } from './routes/cache-metrics.ts'
import { jobEventRoutes } from './routes/job-events.ts'
import { jobRoutes } from './routes/jobs.ts'
import { openAiRoutes } from './routes/openai.ts'
import { operationRoutes } from './routes/operations.ts'
import { referenceRoutes } from './routes/reference.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { noteError, watchRequests } from './watch-requests.ts'

/** Beside the body that the policy measures: our own fields and JSON's escapes, which may double it. */
const ENVELOPE_BYTES = 64 * 1_024
/** The most that any policy may allow, doubled. */
const HARD_LIMIT_BYTES = 2 ** 31

const noSchema = () => () => {
  throw new Error('a route has a JSON schema: bodies are read by zod, see requests.ts')
}
/** Fastify's own compilers take a tenth of the time that a start takes, and nothing of ours is compiled by them. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } }

/** Makes the HTTP application; nothing listens yet. */
export function createApp(parts: GatewayParts): FastifyInstance {
  const { runtime } = parts
  const settings = {
    // Ours writes one line for each request, and knows which are worth one.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    genReqId: requestIdOf,
    childLoggerFactory: requestLogger,
    bodyLimit: HARD_LIMIT_BYTES,
    frameworkErrors: sendError,
    schemaController: NO_SCHEMAS,
    trustProxy: runtime.options.BURSAR_TRUST_PROXY ?? false,
  }
  const loggerInstance: FastifyBaseLogger = runtime.logger
  const app = fastify({ ...settings, loggerInstance })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (_: FastifyRequest, payload: IncomingMessage) => {
    const { maxBodyBytes } = runtime.rules.current().policy.defaults
    return readJsonBody(payload, 2 * maxBodyBytes + ENVELOPE_BYTES)
  })
  // Hooks of every request call back: a promise for each of them costs more than what most of them do.
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  const {
    ledger,
    logger,
    options: { BURSAR_AUTH: mode },
  } = runtime
  const guard = createKeyGuard({ store: createKeyStore(ledger), logger, now: Date.now })
  app.addHook('onRequest', identify(guard, mode))
  app.addHook('onClose', () => guard.close())
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (parts.closing.aborted) reply.header('connection', 'close')
    done()
  })
  const access = plainLogger(logger)
  app.addHook('onResponse', (request, reply, done) => {
    const isAway = (runtime.guard?.openSinceMs ?? null) !== null
    logRequest(request, reply, access, isAway)
    done()
  })
  app.addHook('onError', async (request, _, thrown) =>
    noteError(request, nameError(thrown, request.id).code),
  )
  watchRequests(app, runtime.metrics.registry)
  app.setErrorHandler(sendError)

  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD') routes.push(`${method} ${url}`)
  })
  operationRoutes(app, parts)
  referenceRoutes(app)
  openAiRoutes(app, parts)
  jobRoutes(app, parts)
  jobEventRoutes(app, parts)
  accountRoutes(app, parts)
  adminRoutes(app, parts)
  adminEventRoutes(app, parts)
  cacheMetricRoutes(app, parts)
  webhookRoutes(app, parts)
  actionRoutes(app, parts)
  app.setNotFoundHandler((request) => {
    throw unknownRoute(request, routes)
  })
  return app
}

const REQUEST_ID = /^[\w.:-]{1,128}$/

/** The caller's own id, when it is one that may stand in a log. */
function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : `req_${randomUUID()}`
}

function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = nameError(thrown, request.id)
  if (error.code === 'UNEXPECTED') request.log.error({ err: thrown }, 'a request broke')
  const { status, headers, body } = errorReply(error, Date.now())
  reply
    .code(status)
    .headers({ ...headers, 'x-request-id': request.id })
    .send(body)
}

/** Probes and scrapers come each few seconds, for ever. */
const QUIET = new Set(['/health', '/ready', '/metrics'])

function logRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
  isAway: boolean,
): void {
  // The route, not the address: a query may hold who asked.
  const { url: route = 'none' } = request.routeOptions
  // Of an outage one line tells, not one of each call.
  const isTold = isAway && reply.statusCode === 503
  const isQuiet = isTold || QUIET.has(route)
  const level = reply.statusCode >= 500 && !isTold ? 'warn' : isQuiet ? 'debug' : 'info'
  if (!logger.isLevelEnabled(level)) return
  const { id: requestId, method } = request
  const ms = Math.round(reply.elapsedTime)
  logger[level]({ requestId, method, route, status: reply.statusCode, ms }, 'answered')
}

const unknownRoute = ({ method }: FastifyRequest, routes: readonly string[]): BursarError =>
  new BursarError('UNKNOWN_ROUTE', `no ${method} here; there is ${routes.join(', ')}`, {
    detail: { routes },
  })
