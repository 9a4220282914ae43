import { Counter, Gauge, type Registry } from 'prom-client'
import type { Logger } from '../telemetry/logger.ts'
import { createGuard, type Guard } from './guard.ts'

interface WatchParts {
  readonly logger: Pick<Logger, 'warn' | 'info'>
  readonly registry: Registry
}

/** Counts what a process answers by itself. */
export function countAnswers(registry: Registry): (by: 'copy' | 'allowance') => void {
  const answers = new Counter({
    name: 'bursar_fallback_answers_total',
    help: 'Requests that were answered while Redis was away',
    labelNames: ['by'],
    registers: [registry],
  })
  return (by) => answers.inc({ by })
}

/** The guard of a process that serves others: one line when Redis goes and one when it is back, and what to plot. */
export function watchOutages({ logger, registry }: WatchParts): Guard {
  const registers = [registry]
  const away = new Gauge({
    name: 'bursar_redis_away',
    help: '1 while Redis does not answer this process',
    registers,
  })
  const outages = new Counter({
    name: 'bursar_redis_outages_total',
    help: 'Times that Redis stopped answering this process',
    registers,
  })
  return createGuard({
    onAway(reason) {
      away.set(1)
      outages.inc()
      logger.warn({ reason }, 'Redis does not answer: using in-memory fallback')
    },
    onBack(awayMs) {
      away.set(0)
      logger.info({ awayMs }, 'Redis answers again')
    },
  })
}
