import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ErrorCode } from '../errors.ts'
import { onceFor } from '../telemetry/once-for.ts'
import type { Readiness } from './readiness.ts'

const codes = new WeakMap<FastifyRequest, ErrorCode>()

/** Remembers what a request was answered with, where no error was thrown. The last word counts. */
export const noteError = (request: FastifyRequest, code: ErrorCode): void => {
  codes.set(request, code)
}

// From an answer of the cache, well under a millisecond, to a stream of ten minutes.
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600]

const instrumentsIn = onceFor((registry) => {
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name: `bursar_${name}`, help, labelNames, registers })
  return {
    requests: counter('http_requests_total', 'HTTP requests that were answered', [
      ...(['route', 'method', 'status'] as const),
    ]),
    seconds: new Histogram({
      name: 'bursar_http_seconds',
      help: 'From an HTTP request to the end of its answer',
      ...{ labelNames: ['route'] as const, buckets: BUCKETS, registers },
    }),
    errors: counter('errors_total', 'Errors that were answered, by code', ['code']),
    refusals: counter('limit_refusals_total', 'Requests that a limit refused', []),
    verdicts: counter('cache_answers_total', 'Answers, by what the cache did', ['cache']),
  }
})

/**
 * Counts what a gateway answers: requests and their time by route, errors by code, refusals by limits, and what the cache
 * did. Labels are of closed sets: a route, a code, a verdict; never a name that came from outside.
 */
export function watchRequests(app: FastifyInstance, registry: Registry): void {
  const { requests, seconds, errors, refusals, verdicts } = instrumentsIn(registry)
  app.addHook('onResponse', (request, reply, done) => {
    const { url: route } = request.routeOptions
    const labels = route === undefined ? UNKNOWN : { route, method: request.method }
    requests.inc({ ...labels, status: reply.statusCode })
    seconds.observe({ route: labels.route }, reply.elapsedTime / 1_000)
    const code = codes.get(request)
    if (code !== undefined) errors.inc({ code })
    if (code === 'RATE_LIMITED') refusals.inc()
    const verdict = verdictIn(reply.getHeader('x-bursar-cache'))
    if (verdict !== undefined) verdicts.inc({ cache: verdict })
    done()
  })
}

const UNKNOWN = { route: 'none', method: 'any' } as const

const VERDICTS = ['hit', 'stale', 'joined', 'miss', 'off'] as const

/** `off; why=temperature` is off. */
function verdictIn(header: unknown): (typeof VERDICTS)[number] | undefined {
  const word = String(header ?? '').split(';', 1)[0]
  return VERDICTS.find((one) => one === word)
}

/** Shows how the servers behind answer, each time that the metrics are read: within a second, also when they do not. */
export function watchServers(registry: Registry, readiness: () => Promise<Readiness>): void {
  serversIn(registry).readiness = readiness
}

const serversIn = onceFor((registry) => {
  const registers = [registry]
  const watched: { readiness: (() => Promise<Readiness>) | null } = { readiness: null }
  // Both are read at once, and the parts are asked once.
  const parts = async () => {
    const found = await watched.readiness?.()
    return found ? Object.entries(found.parts) : []
  }
  new Gauge({
    name: 'bursar_part_up',
    help: '1 while the slot, the queue or the ledger answers',
    ...{ labelNames: ['part'] as const, registers },
    async collect() {
      for (const [part, { state }] of await parts()) this.set({ part }, state === 'up' ? 1 : 0)
    },
  })
  new Gauge({
    name: 'bursar_part_seconds',
    help: 'How long a trivial question to the slot, the queue or the ledger takes',
    ...{ labelNames: ['part'] as const, registers },
    async collect() {
      this.reset()
      for (const [part, state] of await parts()) {
        if (state.state === 'up') this.set({ part }, state.ms / 1_000)
      }
    },
  })
  return watched
})
