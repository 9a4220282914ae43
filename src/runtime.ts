import type { AdmissionStore, Signals } from './admission/store.ts'
import { createCodec } from './cache/codec/codec.ts'
import { readCacheKeys } from './cache/codec/keys.ts'
import { createVectorCache, type VectorCache } from './cache/embeddings/vector-cache.ts'
import { type Answers, createAnswers } from './cache/responses/answers.ts'
import { countNear } from './cache/responses/count-near.ts'
import { createKeeper, type Keeper } from './cache/responses/keeper.ts'
import { createNearCache } from './cache/responses/near-cache.ts'
import type { Environment, Options } from './config/options.ts'
import { own } from './config/own.ts'
import type { PolicyContext } from './config/policy.ts'
import { policyFromJson, policyToJson } from './config/policy-json.ts'
import type { Policy, ProviderPolicy } from './config/policy-types.ts'
import { type PolicyWatch, watchPolicy } from './config/policy-watch.ts'
import { BursarError, messageOf } from './errors.ts'
import { registerPolicy } from './ledger/policies.ts'
import type { Guard } from './outage/guard.ts'
import { guardedStore } from './outage/guarded-store.ts'
import { watchOutages } from './outage/watch-outages.ts'
import { createPriceBook } from './pricing/price-book.ts'
import type { PriceBookOf } from './pricing/types.ts'
import { createProvider } from './provider/provider.ts'
import type { Provider } from './provider/types.ts'
import { type Clock, realClock } from './queue/clock.ts'
import { preparePolicy } from './queue/prepare-policy.ts'
import { closeQueues, openQueues, type Queues } from './queue/queues.ts'
import { createRules, type LiveRules } from './queue/rules.ts'
import type { Home, HomeParts } from './runtime/home.ts'
import { openPriceLists } from './runtime/price-lists.ts'
import { createLogger, type Logger } from './telemetry/logger.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'

/** The wired parts of one process. */
export interface Runtime extends Home {
  readonly options: Options
  /** Where keys of providers are read from. */
  readonly env: Environment
  readonly queues: Queues
  readonly provider: Provider
  readonly vectors: VectorCache
  readonly rules: LiveRules
  /** How answers are kept, and those at hand in this process. */
  readonly keeper: Keeper
  readonly kept: Answers
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Stands before the slot in Redis, which may be away; null = embedded. */
  readonly guard: Guard | null
  /** Closes everything it opened; call it after workers and jobs have ended. Safe to call twice. */
  close(): Promise<void>
}

/** What a caller brings along instead of the default. */
export interface RuntimeOverrides {
  /** Where keys of providers are read from; absent = the process's own. */
  readonly env?: Environment
  readonly clock?: Clock
  readonly logger?: Logger
  readonly metrics?: Metrics
  /** Puts something around the store: faults, recordings. */
  readonly wrapStore?: (store: AdmissionStore & Signals) => AdmissionStore & Signals
  readonly wrapProvider?: (provider: Provider) => Provider
  /** A simulated provider answers for paid providers without a key: one started here, or the one at a URL. */
  readonly sandbox?: boolean | { readonly url: string }
}

const SANDBOX_SEED = 1
const APPLIED_STAYS =
  'a policy that was applied is in force, and not the file: change the file, or run bursar policy apply'

/**
 * Wires one process: options and policy in, parts out. Checks Redis, opens the slot if it is new, registers and
 * publishes the policy and keeps it current.
 * @throws {BursarError} with the mend: INVALID_OPTIONS, INVALID_POLICY, POLICY_MISSING, REDIS_UNSUITABLE,
 * STORE_UNAVAILABLE, SLOT_CLOSED, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED. Nothing stays open then.
 */
export async function createRuntime(
  options: Options,
  overrides: RuntimeOverrides = {},
): Promise<Runtime> {
  const closers: (() => unknown)[] = []
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= closeAll(closers)
    return closing
  }
  try {
    return { ...(await wire(options, overrides, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function wire(
  options: Options,
  overrides: RuntimeOverrides,
  closers: (() => unknown)[],
): Promise<Omit<Runtime, 'close'>> {
  const { env = process.env, clock = realClock } = overrides
  const logger = overrides.logger ?? createLogger({ level: options.LOG_LEVEL, name: 'bursar' })
  const home = await openHome({ options, clock, logger, closers })
  const { ledger, shelf } = home
  const metrics = overrides.metrics ?? createMetrics()
  for (const redis of home.redis ? [home.redis.commands, home.redis.connection] : []) {
    redis.on('error', () => metrics.redisErrors.inc())
  }
  const guard = home.redis && watchOutages({ logger, registry: metrics.registry })
  if (guard && home.redis) closers.push(() => guard.close(), guard.probe(pingOf(home.redis)))
  const store = guard ? guardedStore(home.store, guard) : home.store

  const cacheKeys = readCacheKeys(options.BURSAR_CACHE_KEYS)
  const keeper = createKeeper(cacheKeys)
  const near = countNear(createNearCache(), metrics.registry)
  const register = async (read: Policy): Promise<Policy> => {
    const policy = preparePolicy(read, options)
    const { version, origin, body } = await registerPolicy(ledger, policyToJson(policy))
    const isFile = origin === 'file'
    if (!isFile) logger.info({ version }, APPLIED_STAYS)
    const registered = isFile ? { ...policy, version } : policyFromJson(body, version, env)
    await shelf.publish(registered)
    return registered
  }
  const lists = await openPriceLists(ledger, clock, logger)
  closers.push(() => lists.close())
  const prices: PriceBookOf = (source) => createPriceBook(source, lists.current())
  const watched = await watchRegistered(options, { env, prices }, logger, register)
  closers.push(() => watched.watch.close())
  if (watched.first.defaults.durability === 'journal') await home.intents?.open()
  const sandbox = await sandboxUrl(overrides, closers)
  const adapt = (policy: Policy) => (sandbox === null ? policy : withoutOthersLimits(policy))
  const rules = createRules(watched.first, { shelf, env, logger, adapt, lists: lists.current })
  watched.follow(rules)

  if (sandbox === null) warnOfKeyless(watched.first, logger)
  const bareProvider = createProvider({ providers: reachableProviders(rules, sandbox) })
  closers.push(() => bareProvider.close())

  const codec = createCodec(cacheKeys)
  const vectors = createVectorCache({ store: home.vectorStore, codec, logger })

  const queues = openQueues(home.backend)
  closers.push(() => closeQueues(queues))

  return {
    ...home,
    options,
    env,
    store: overrides.wrapStore?.(store) ?? store,
    queues,
    vectors,
    provider: overrides.wrapProvider?.(bareProvider) ?? bareProvider,
    rules,
    keeper,
    kept: createAnswers(keeper, near),
    clock,
    logger,
    metrics,
    guard,
  }
}

const pingOf =
  ({ commands }: NonNullable<Home['redis']>) =>
  () =>
    commands.ping()

/** @throws {BursarError} INVALID_OPTIONS when the runtime is embedded: what asks needs a server of its own. */
export function redisOf({ redis }: Runtime): NonNullable<Home['redis']> {
  if (redis) return redis
  throw new BursarError('INVALID_OPTIONS', 'this needs Redis: set REDIS_URL and DATABASE_URL')
}

/** Redis and PostgreSQL, or nothing: one of them alone is a mistake. */
async function openHome(parts: HomeParts): Promise<Home> {
  const { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl } = parts.options
  if (redisUrl && databaseUrl) {
    const { openRedisHome } = await import('./runtime/redis-home.ts')
    return openRedisHome(parts, redisUrl, databaseUrl)
  }
  if (!redisUrl && !databaseUrl) {
    const { openEmbeddedHome } = await import('./runtime/embedded-home.ts')
    return openEmbeddedHome(parts)
  }
  throw new BursarError(
    'INVALID_OPTIONS',
    'set both REDIS_URL and DATABASE_URL, e.g. redis://127.0.0.1:6379 and postgres://bursar@127.0.0.1:5432/bursar, or neither, to run embedded',
  )
}

/** The policy file under watch; every valid change is registered, published and put in force, in order. */
async function watchRegistered(
  { BURSAR_POLICY: path }: Options,
  context: Pick<PolicyContext, 'env' | 'prices'>,
  logger: Logger,
  register: (policy: Policy) => Promise<Policy>,
): Promise<{ watch: PolicyWatch; first: Policy; follow(rules: LiveRules): void }> {
  let rules: LiveRules | null = null
  let queue: Promise<unknown> = Promise.resolve()
  const report = (error: unknown) =>
    logger.error({ reason: messageOf(error) }, 'the policy in force stays')
  const change = (policy: Policy) => {
    queue = queue
      .then(() => register(policy))
      .then((registered) => {
        rules?.put(registered)
        logger.info({ version: registered.version }, 'a new policy is in force')
      })
      .catch(report)
  }
  const watch = await watchPolicy(path, context, { onChange: change, onError: report })
  for (const warning of watch.policy.warnings ?? []) logger.warn(warning)
  try {
    const first = await register(watch.policy)
    return {
      watch,
      first,
      follow: (live) => {
        rules = live
      },
    }
  } catch (error) {
    watch.close()
    throw error
  }
}

async function sandboxUrl(
  { sandbox }: RuntimeOverrides,
  closers: (() => unknown)[],
): Promise<string | null> {
  if (!sandbox) return null
  if (sandbox !== true) return sandbox.url
  const { startSandbox } = await import('../sandbox/server.ts')
  const started = await startSandbox({ seed: SANDBOX_SEED })
  closers.push(() => started.close())
  return started.url
}

type Providers = Readonly<Record<string, ProviderPolicy>>

/** Paid providers without a key lead to the sandbox, when there is one. */
function reachableProviders(rules: LiveRules, sandbox: string | null): () => Providers {
  let from: Providers = {}
  let to: Providers = {}
  const lead = (one: ProviderPolicy): ProviderPolicy =>
    sandbox !== null && isKeyless(one) ? { ...one, apiKey: 'sandbox', baseUrl: sandbox } : one
  return () => {
    const { providers } = rules.current().policy
    if (providers === from) return to
    from = providers
    to = Object.fromEntries(Object.entries(from).map(([name, one]) => [name, lead(one)]))
    return to
  }
}

/** What OpenAI allows an account says nothing of the sandbox, which answers for providers without a key. */
function withoutOthersLimits(policy: Policy): Policy {
  const providers = Object.entries(policy.providers).map(([name, one]) => [
    name,
    isKeyless(one) ? { ...one, limits: { requestsPerMinute: null, tokensPerMinute: null } } : one,
  ])
  return { ...policy, providers: own(Object.fromEntries(providers)) }
}

const isKeyless = ({ apiKey, prices }: ProviderPolicy): boolean =>
  apiKey === '' && prices === 'book'

function warnOfKeyless(policy: Policy, logger: Logger): void {
  for (const { name, apiKeyFrom } of Object.values(policy.providers).filter(isKeyless)) {
    const variable = apiKeyFrom ?? `providers.${name}.key`
    logger.warn(
      `provider ${name} has no key and will refuse every call: set ${variable}, or start with the sandbox`,
    )
  }
}

async function closeAll(closers: (() => unknown)[]): Promise<void> {
  // Last opened, first closed; one that fails must not keep the others open.
  for (const close of closers.toReversed()) {
    try {
      await close()
    } catch {
      // It was closing anyway: a connection that broke is closed.
    }
  }
}
