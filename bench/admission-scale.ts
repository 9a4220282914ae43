import { freemem } from 'node:os'
import type { Redis } from 'ioredis'
import type { AdmitCommand } from '../src/admission/commands.ts'
import { slotKeys } from '../src/admission/keys.ts'
import { stateKey } from '../src/admission/model/limits/types.ts'
import type { LimitLine, WindowLine } from '../src/admission/plan-lines.ts'
import { loadScript } from '../src/admission/redis/load-script.ts'
import { createRedisStore } from '../src/admission/redis/store.ts'
import { type Figures, median, round } from './bench.ts'
import { costsOf } from './costs.ts'

const SIZES = [10, 1_000, 100_000, 1_000_000] as const
/**
 * Each asks for tenants that no other asks for, so that a script never has two calls of one tenant: what those spare each
 * other would look like a price of having many.
 */
const LANES = SIZES[0]
/** Short turns, and many: neighbours in time are alike on a machine whose speed wanders. */
const ROUNDS = 25
/** Two windows and two limits, with what Redis needs for each, and some room. */
const BYTES_EACH = 2_000
const FILL_AT_ONCE = 20_000
const fill = loadScript(new URL('./fill-tenants.lua', import.meta.url))

const nowMs = Date.now()
const window = (name: string): WindowLine => ({
  ...{ key: `${name}:2026`, startMs: nowMs - 1_000_000, endMs: nowMs + 1e9, limitNano: 9e15 },
  marks: [50, 80, 95, 100],
})

/** What a tenant has of its own, by its number; `#` writes the names for the script that copies them. */
const ownWindows = (tenant: number | '#'): WindowLine[] =>
  [`tenant/t${tenant}`, `tier.premium/t${tenant}/u1`].map(window)
const ownLimits = (tenant: number | '#'): LimitLine[] => [
  { kind: 'sliding-window', key: `tpm/t${tenant}`, limit: 1e12, perMs: 60_000 },
  { kind: 'concurrent', key: `lanes/t${tenant}`, limit: 1e9 },
]

let calls = 0
function request(windows: readonly WindowLine[], limits: readonly LimitLine[]): AdmitCommand {
  calls += 1
  const job = `scale${calls}`
  const offer = {
    ...{ gate: 'openai:gpt-6-sol', fixedNano: 1_050_000, outputPico: 10_000_000 },
    ...{ capTokens: 1_024, floorTokens: 256, until: null, inputTokens: 420 },
  }
  return {
    ...{ attempt: `${job}/a`, job, policy: 1, windows, rungs: [offer], limits },
    ...{ cacheKey: null, maxTakes: 3, ttlMs: 120_000, meta: '' },
  }
}

/** Something to measure: calls that are made one after the other in each lane. */
interface Rival {
  readonly name: string
  /** @param of - lanes, all together. */
  work(lane: number, of: number): Promise<unknown>
}

/** The most tenants whose windows fit beside everything else on this machine. */
export const sizesThatFit = (): readonly number[] =>
  SIZES.filter((tenants) => tenants * BYTES_EACH < freemem() / 4)

/** Microseconds of CPU that one call took. */
interface CallCost {
  /** Of Redis and of the process that asked: what the machine pays. */
  readonly call: number
  /** Of the script alone, by Redis' INFO: where the number of tenants shows first. */
  readonly script: number
}

/**
 * How the cost of one admission grows with the number of tenants, and with the budgets in a chain: CPU of a call, of rivals
 * that take turns on one server.
 */
export async function measureScale(
  redis: Redis,
  { seconds, note }: { seconds: number; note: (text: string) => void },
): Promise<Figures> {
  const sizes = sizesThatFit()
  const most = sizes.at(-1) ?? 0
  if (most < 1_000_000) note(`not enough free memory for more than ${most} tenants`)
  const rivals: Rival[] = []
  for (const tenants of sizes) rivals.push(await tenantRival(redis, tenants, note))
  for (const budgets of [4, 16]) rivals.push(await chainRival(redis, budgets))
  return {
    mostTenants: most,
    ...figuresOf('alone', await costsEach(redis, rivals, { seconds, lanes: 1 }), sizes),
    ...figuresOf('together', await costsEach(redis, rivals, { seconds, lanes: LANES }), sizes),
  }
}

/**
 * @param how - `alone`: one call at a time, each a script of its own. `together`: as many as may be, which share scripts.
 */
function figuresOf(
  how: 'alone' | 'together',
  costs: ReadonlyMap<string, readonly CallCost[]>,
  sizes: readonly number[],
): Figures {
  const each = (name: string, of: keyof CallCost) => (costs.get(name) ?? []).map((cost) => cost[of])
  const micros = (name: string, of: keyof CallCost) => round(median(each(name, of)), 1)
  /** Of two that were measured next to each other, turn by turn. */
  const ratio = (name: string, to: string, of: keyof CallCost) => {
    const base = each(to, of)
    return round(median(each(name, of).map((cost, turn) => cost / (base[turn] ?? Number.NaN))))
  }
  const ratios = sizes
    .slice(1)
    .flatMap((tenants) => [
      [`${how}${tenants}TenantsTo10`, ratio(`t${tenants}`, 't10', 'call')] as const,
      [`${how}Script${tenants}TenantsTo10`, ratio(`t${tenants}`, 't10', 'script')] as const,
    ])
  return {
    [`${how}MicrosecondsAt10Tenants`]: micros('t10', 'call'),
    [`${how}ScriptMicrosecondsAt10Tenants`]: micros('t10', 'script'),
    ...Object.fromEntries(ratios),
    [`${how}ScriptMicrosecondsOf4Budgets`]: micros('b4', 'script'),
    [`${how}16BudgetsTo4`]: ratio('b16', 'b4', 'call'),
    [`${how}Script16BudgetsTo4`]: ratio('b16', 'b4', 'script'),
  }
}

async function tenantRival(
  redis: Redis,
  tenants: number,
  note: (text: string) => void,
): Promise<Rival> {
  const prefix = `{tenants-${tenants}}`
  const store = await createRedisStore({ redis, prefix })
  await store.open(1)
  const shared = [window('company'), window('tutor')]
  const admit = (tenant: number) =>
    store.admit(request([...shared, ...ownWindows(tenant)], ownLimits(tenant)))
  await admit(0)
  const names = [
    ...ownWindows('#').map(({ key }) => key),
    ...ownLimits('#').map((line) => stateKey(line)),
  ]
  const { windows } = slotKeys(prefix)
  for (let first = 1; first < tenants; first += FILL_AT_ONCE) {
    const last = Math.min(first + FILL_AT_ONCE, tenants) - 1
    await redis.eval(fill.text, 1, windows, first, last, ownWindows('#').length, ...names)
  }
  note(`${tenants} tenants`)
  const work = (lane: number, of: number) =>
    admit(lane + of * Math.floor((Math.random() * tenants) / of))
  return { name: `t${tenants}`, work }
}

async function chainRival(redis: Redis, budgets: number): Promise<Rival> {
  const store = await createRedisStore({ redis, prefix: `{budgets-${budgets}}` })
  await store.open(1)
  const windows = Array.from({ length: budgets }, (_, at) => window(`budget${at}`))
  return { name: `b${budgets}`, work: () => store.admit(request(windows, [])) }
}

/** What a call took in each turn, by rival. */
async function costsEach(
  redis: Redis,
  rivals: readonly Rival[],
  { seconds, lanes }: { seconds: number; lanes: number },
): Promise<Map<string, CallCost[]>> {
  const seen = new Map<string, CallCost[]>(rivals.map(({ name }) => [name, []]))
  for (let turn = 0; turn <= ROUNDS; turn += 1) {
    // There and back again, so that nobody always comes first.
    for (const { name, work } of turn % 2 === 0 ? rivals : rivals.toReversed()) {
      await redis.config('RESETSTAT')
      const before = calls
      const { here, redis: there } = await costsOf((lane) => work(lane, lanes), redis, {
        lanes,
        seconds: seconds / ROUNDS,
      })
      const script = (await scriptMicros(redis)) / (calls - before)
      // The first turn warms up.
      if (turn > 0) seen.get(name)?.push({ call: here + there, script })
    }
  }
  return seen
}

/** Since the last reset, of what runs as a function. A call may have several commands in it. */
async function scriptMicros(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats')
  return Number(/cmdstat_fcall:calls=\d+,usec=(\d+)/.exec(stats)?.[1])
}
