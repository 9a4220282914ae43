import { hostname } from 'node:os'
import { Redis } from 'ioredis'
import { createSenders } from '../../src/alerts/channels/senders.ts'
import { plainRender } from '../../src/alerts/plain-text.ts'
import { alertsOf } from '../../src/alerts/routes.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { redisBackend } from '../../src/queue/backend.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { startAlertWorker } from '../../workers/alerts.ts'

/** A process that sends alerts until it is killed. Run by `alerts.test.ts`. */
const { env } = process
const policy = alertsOf(parsePolicy(env.POLICY ?? '', { env, prices: createPriceBook }))
const redis = new Redis(env.REDIS_URL ?? '', { maxRetriesPerRequest: null })
startAlertWorker({
  ledger: await openLedger({ databaseUrl: env.DATABASE_URL ?? '' }),
  backend: redisBackend(redis, env.QUEUE_PREFIX ?? ''),
  policy: () => policy,
  senders: createSenders({
    policy: () => policy,
    folder: '/nowhere',
    limitMs: Number(env.LIMIT_MS),
  }),
  render: async (notice) => plainRender(notice),
  logger: createLogger({ level: 'fatal', name: hostname() }),
  now: () => Date.now(),
  ...{ pollMs: 100, claimMs: 2 * Number(env.LIMIT_MS), lockMs: 2_000, stalledIntervalMs: 1_000 },
  ...{ pace: 0.0005, turnMs: 3, concurrency: 16 },
})
process.stdout.write('sending\n')
