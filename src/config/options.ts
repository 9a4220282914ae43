import { isIP } from 'node:net'
import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { parseDuration } from './units.ts'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** A whole number written in digits; `1e3`, `0x10` and ` 5` are mistakes, not numbers. */
const whole = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d+$/, `write a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min, `write ${min} or more`).max(max, `write ${max} or less`))
    .default(fallback)

const address = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `write an address such as ${example}` }).optional()

const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'], { error: 'write true or false' })
    .transform((text) => text === 'true')
    .default(fallback)

const time = (fallback: string) =>
  z
    .string()
    .refine((text) => (parseDuration(text) ?? 0) >= 1_000, {
      error: 'write a time of 1s or more, such as 60s or 1h',
    })
    .default(fallback)

const slot = (fallback: string) =>
  z
    .string()
    .regex(
      /^\{[\w-]+\}$/,
      `write a name in braces, e.g. ${fallback}: they keep it in one Cluster slot`,
    )
    .default(fallback)

const HTTP = /^https?$/

const PROXIES: readonly string[] = ['loopback', 'linklocal', 'uniquelocal']

/** Not everybody: what anybody may write is no address. */
function isProxy(entry: string): boolean {
  const [address = '', bits] = entry.split('/')
  const family = isIP(address)
  if (family === 0) return PROXIES.includes(entry)
  const most = family === 4 ? 32 : 128
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most)
}
const proxies = z
  .string()
  .refine((text) => text.split(',').every((entry) => isProxy(entry.trim())), {
    error: `write addresses or networks of your proxies, e.g. 10.0.0.0/8,192.0.2.7, or ${PROXIES.join(', ')}`,
  })
  .optional()

const AUTH_MODES = ['auto', 'required', 'off'] as const

/** Everything an operator may set. An empty value counts as missing. */
export const OptionsSchema = z.strictObject({
  /** Redis 7 of admission and queue. Missing together with DATABASE_URL = embedded. */
  REDIS_URL: address(/^rediss?$/, 'redis://127.0.0.1:6379'),
  /** PostgreSQL 14 or later of the ledger. */
  DATABASE_URL: address(/^postgres(ql)?$/, 'postgres://bursar@127.0.0.1:5432/bursar'),
  /** Path of the policy. */
  BURSAR_POLICY: z.string().default('./bursar.yaml'),
  /** Folder of the embedded mode. */
  BURSAR_DATA: z.string().default('./.bursar'),
  /** Name of every key of admission in Redis. */
  BURSAR_PREFIX: slot('{bursar}'),
  /** Name of every key of the queue in Redis. */
  BURSAR_QUEUE_PREFIX: slot('{bursar-queue}'),
  /** How long a hold that nobody renews keeps its share of the budget. ms, 1 s to 1 h. */
  HOLD_TTL_MS: whole(1_000, 3_600_000, 120_000),
  /** How long a worker that went silent keeps its job. ms, 1 s to 10 min. */
  JOB_LOCK_MS: whole(1_000, 600_000, 60_000),
  /** How often jobs of silent workers are looked for. ms, 500 ms to 10 min. */
  STALLED_INTERVAL_MS: whole(500, 600_000, 30_000),
  /** Jobs that one worker process runs at a time. */
  WORKER_CONCURRENCY: whole(1, 1_000, 16),
  /** Outbox entries that one drain moves to the ledger. */
  LEDGER_BATCH: whole(1, 10_000, 500),
  /** How long a finished result waits for its caller. ms, 1 s to 7 days. */
  RESULT_TTL_MS: whole(1_000, 604_800_000, 3_600_000),
  /** Whether users of tiers without a request limit in the policy get the one below. */
  RATE_LIMIT_ENABLED: flag(false),
  /** Requests that such a user may make in RATE_LIMIT_WINDOW. */
  RATE_LIMIT_REQUESTS: whole(1, 1_000_000_000, 60),
  /** A time such as 60s, 15m or 1h. */
  RATE_LIMIT_WINDOW: time('60s'),
  /** How long one Redis command may take before the caller hears `unavailable`. ms, 10 ms to 1 min. */
  REDIS_COMMAND_TIMEOUT_MS: whole(10, 60_000, 1_000),
  /** How long running jobs may take to end after SIGTERM. ms, 0 to 10 min. */
  SHUTDOWN_TIMEOUT_MS: whole(0, 600_000, 30_000),
  /** Where the HTTP gateway listens. */
  BURSAR_HOST: z.string().default('127.0.0.1'),
  /** Port of the HTTP gateway; 0 = any free one. */
  BURSAR_PORT: whole(0, 65_535, 8_080),
  /** Whom the gateway asks for an API key; `auto` = everybody who is not on this machine. */
  BURSAR_AUTH: z
    .enum(AUTH_MODES, { error: `write one of ${AUTH_MODES.join(', ')}` })
    .default('auto'),
  /** Signs what a subscription system sends; two with a comma while one replaces the other. Missing = nothing is taken. */
  BURSAR_WEBHOOK_SECRET: z
    .string()
    .regex(
      /^[^\s,]{32,}(,[^\s,]{32,})?$/,
      'write 32 characters or more, e.g. of openssl rand -hex 32',
    )
    .optional(),
  /** Signs links in messages about alerts; two with a comma while one replaces the other. Missing = messages have none. */
  BURSAR_LINK_SECRET: z
    .string()
    .regex(
      /^[^\s,]{32,}(,[^\s,]{32,})?$/,
      'write 32 characters or more, e.g. of openssl rand -hex 32',
    )
    .optional(),
  /** Where people reach the gateway: links in messages lead there. Missing = messages have none. */
  BURSAR_PUBLIC_URL: address(HTTP, 'https://bursar.example.com'),
  /** Proxies in front of the gateway whose x-forwarded-for is believed. Missing = nobody's. */
  BURSAR_TRUST_PROXY: proxies,
  /** The gateway that clients and the command line talk to. Missing = straight to the servers, or in the data folder. */
  BURSAR_URL: address(/^(https?|unix)$/, 'http://127.0.0.1:8080 or unix:/run/bursar.sock'),
  /** The key that a client, or the command line, shows to the gateway. */
  BURSAR_API_KEY: z.string().optional(),
  /** What cached values are encrypted with: `name:secret,...`, the first for what is written from now on. */
  BURSAR_CACHE_KEYS: z.string().optional(),
  /** Whether each request is explained in the log: what the cache had to do with it, and why. */
  CACHE_DEBUG: z
    .enum(['0', '1', 'false', 'true'], { error: 'write 1 or 0' })
    .transform((text) => text === '1' || text === 'true')
    .default(false),
  /** Whether a process with the role jobs asks what is to be kept warm as soon as it starts. */
  WARM_CACHE_ON_START: flag(false),
  /** Where the job price-import looks for a newer price list once a week; missing = nowhere: it is off. */
  PRICE_LIST_URL: address(HTTP, 'https://prices.example.com/data.json'),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `write one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  /** Missing = the sandbox provider answers. */
  OPENAI_API_KEY: z.string().optional(),
  /** Another address of the OpenAI API: a proxy, a region. */
  OPENAI_BASE_URL: address(HTTP, 'https://api.openai.com/v1'),
  /** An OpenAI-compatible server of one's own; missing = no `local` provider. */
  LOCAL_URL: address(HTTP, 'http://127.0.0.1:11434/v1'),
})

/** What an operator set, checked and filled in. Names say their units. */
export type Options = Readonly<z.infer<typeof OptionsSchema>>

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the options; the composition root calls it once.
 * @throws {BursarError} INVALID_OPTIONS naming every wrong variable and its mend; never a value, which may be a secret.
 */
export function readOptions(env: Environment): Options {
  const names = Object.keys(OptionsSchema.shape)
  const known = names.flatMap((name) => (env[name] ? [[name, env[name]]] : []))
  const parsed = OptionsSchema.safeParse(Object.fromEntries(known))
  if (parsed.success) return Object.freeze(parsed.data)
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new BursarError('INVALID_OPTIONS', `wrong options:\n  ${problems.join('\n  ')}`, {
    detail: { problems },
  })
}

const SECRETS: ReadonlySet<string> = new Set([
  'BURSAR_API_KEY',
  'BURSAR_CACHE_KEYS',
  'BURSAR_LINK_SECRET',
  'BURSAR_WEBHOOK_SECRET',
  'OPENAI_API_KEY',
] satisfies (keyof Options)[])

/**
 * Describes the options for a person, a log or `bursar doctor`.
 * @returns name -> text; passwords in addresses and keys are masked, missing values are ''.
 */
export function describeOptions(options: Options): Readonly<Record<string, string>> {
  const names = OptionsSchema.keyof().options
  return Object.fromEntries(names.map((name) => [name, describe(name, options[name])]))
}

function describe(name: string, value: string | number | boolean | undefined): string {
  if (value === undefined) return ''
  if (SECRETS.has(name)) return '***'
  return typeof value === 'string' ? maskAddress(value) : String(value)
}

/** Masks the user's password and the values of the query of an address; other text stays as it is. */
export function maskAddress(text: string): string {
  if (!URL.canParse(text)) return text
  return text
    .replace(/^([a-z][a-z\d+.-]*:\/\/[^/?#@]*?):[^/?#]*@/i, '$1:***@')
    .replace(/([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)[^&#]*/gi, '$1***')
}
