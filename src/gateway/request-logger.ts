import type { FastifyBaseLogger } from 'fastify'
import { symbols } from 'pino'
import type { Logger } from '../telemetry/logger.ts'

/**
 * The logger of one request, whose lines say its id. pino's `child` sets the level of each anew, which takes longer than
 * most requests log.
 */
export function requestLogger(
  logger: FastifyBaseLogger,
  bindings: Readonly<Record<string, unknown>>,
): FastifyBaseLogger {
  const before: unknown = Reflect.get(logger, symbols.chindingsSym)
  if (typeof before !== 'string') return logger.child(bindings)
  const own = Object.create(logger)
  own[symbols.chindingsSym] = `${before},${JSON.stringify(bindings).slice(1, -1)}`
  return own
}

/**
 * A logger of lines whose every field is written out where they are logged, none of which can be a secret. Looking for
 * secrets at each depth of a line takes ten times as long as writing it.
 */
export const plainLogger = (logger: Logger): Logger => logger.child({}, { redact: [] })
