import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { boundCounter, boundHistogram } from './bounded.ts'

/** Everything a worker counts. One per process, handed to those who count; nothing is registered globally. */
export interface Metrics {
  readonly registry: Registry
  /** Requests that ended, by outcome and tier. */
  readonly requests: Counter<'outcome' | 'tier'>
  /** Money booked, nano-USD, by model offered. */
  readonly costNano: Counter<'model'>
  /** Whole holds booked because the outcome of a call is not known. */
  readonly unconfirmed: Counter<'model'>
  /** Bills above their hold. */
  readonly overruns: Counter<'model'>
  /** Jobs sent back to wait, by why. */
  readonly parked: Counter<'by'>
  /** Takes that a limit by address could not count, because nobody said whence they came. */
  readonly limitsSkipped: Counter<'limit'>
  /** Kept answers that were of no use, by why. */
  readonly unreadable: Counter<'why'>
  /** One admit command, seconds. */
  readonly admitSeconds: Histogram
  /** One settle command, seconds. */
  readonly settleSeconds: Histogram
  /** One provider call, seconds. */
  readonly callSeconds: Histogram<'model'>
  /** Calls of providers, by what was asked and how they ended. */
  readonly calls: Counter<'operation' | 'seen'>
  /** Calls that a provider refused because of its own limits. */
  readonly providerLimits: Counter<'provider'>
  /** Times that a connection to Redis broke, or was not made. */
  readonly redisErrors: Counter
  /** From enqueue to the first take, seconds. */
  readonly queueWaitSeconds: Histogram<'queue'>
  /** Settlements that have not reached the slot yet. */
  readonly owed: Gauge
  /** Attempts that this process answers for: from the hold until the ledger has what became of it. */
  readonly answeredFor: Gauge
  /** Counters that the ledger does not explain, by the last look of the job verify-ledger. */
  readonly counterDifferences: Gauge
}

// A command of the slot takes well under a millisecond, a call up to ten minutes.
const COMMAND_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]
const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const WAIT_BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200]

/** Fresh instruments in a registry of their own. No label of theirs has more than a hundred values. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    boundCounter(new Counter({ name: `bursar_${name}`, help, labelNames, registers }))
  const histogram = <T extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: T[] = [],
  ) =>
    boundHistogram(new Histogram({ name: `bursar_${name}`, help, buckets, labelNames, registers }))
  return {
    registry,
    requests: counter('requests_total', 'Requests that ended', ['outcome', 'tier']),
    costNano: counter('cost_nano_usd_total', 'Money booked, nano-USD', ['model']),
    unconfirmed: counter('unconfirmed_total', 'Whole holds booked, outcome unknown', ['model']),
    overruns: counter('overruns_total', 'Bills above their hold', ['model']),
    parked: counter('parked_total', 'Jobs sent back to wait', ['by']),
    limitsSkipped: counter('limits_skipped_total', 'Takes without the address a limit goes by', [
      'limit',
    ]),
    unreadable: counter('cache_unreadable_total', 'Kept answers that were of no use', ['why']),
    admitSeconds: histogram('admit_seconds', 'Time of one admit command', COMMAND_BUCKETS),
    settleSeconds: histogram('settle_seconds', 'Time of one settle command', COMMAND_BUCKETS),
    callSeconds: histogram('call_seconds', 'Time of one provider call', CALL_BUCKETS, ['model']),
    calls: counter('provider_calls_total', 'Calls of providers', ['operation', 'seen']),
    providerLimits: counter('provider_limit_errors_total', 'Calls refused by a provider’s limits', [
      'provider',
    ]),
    redisErrors: counter('redis_connection_errors_total', 'Broken connections to Redis', []),
    queueWaitSeconds: histogram('queue_wait_seconds', 'From enqueue to take', WAIT_BUCKETS, [
      'queue',
    ]),
    owed: new Gauge({ name: 'bursar_owed', help: 'Settlements not yet in the slot', registers }),
    answeredFor: new Gauge({
      name: 'bursar_answered_for',
      help: 'Attempts that the ledger does not show yet',
      registers,
    }),
    counterDifferences: new Gauge({
      name: 'bursar_counter_differences',
      help: 'Counters that the ledger does not explain',
      registers,
    }),
  }
}
