import { createHash } from 'node:crypto'
import type { AdmitCommand, IntakeCommand } from '../src/admission/commands.ts'
import type { LimitLine, WindowLine } from '../src/admission/plan-lines.ts'
import { createRedisStore } from '../src/admission/redis/store.ts'
import { connectCommands } from '../src/queue/connection.ts'
import { startRedis } from '../test/helpers/services/index.ts'
import { measureScale } from './admission-scale.ts'
import { type Bench, compareTurns, round } from './bench.ts'

const LANES = 64
/** Short turns, and many: neighbours in time are alike on a machine whose speed wanders. */
const ROUNDS = 15
const NOOP = 'return 1'
const NOOP_SHA = createHash('sha1').update(NOOP).digest('hex')
const PREFIX = '{bursar}'

const nowMs = Date.now()
const window = (key: string): WindowLine => ({
  key: `${key}:2026`,
  startMs: nowMs - 1_000_000,
  endMs: nowMs + 1e9,
  limitNano: 9e15,
  marks: [50, 80, 95, 100],
})
const META = JSON.stringify({
  tenant: 'acme',
  user: 'u42',
  tier: 'premium',
  tags: { feature: 'tutor' },
  operation: 'chat.completions',
  urgency: 'interactive',
  modelRequested: 'auto',
  enqueuedAtMs: nowMs,
  rungs: ['gpt-6-astra', 'gpt-6-sol', 'gpt-6-luna'].map((model) => ({ model, provider: 'openai' })),
  inputTokensHeld: 420,
  priceVersion: 'genai-prices@0.1.8+0',
  policyVersion: 1,
})

let calls = 0

/** Four budgets (company, tenant, tag, the user's own), two limits, three rungs, as the shipped policy makes it. */
function request(): AdmitCommand {
  calls += 1
  const tenant = `t${calls % 100}`
  const user = `u${calls % 1_000}`
  const limits: LimitLine[] = [
    { kind: 'sliding-window', key: `tpm/${tenant}`, limit: 1e12, perMs: 60_000 },
    { kind: 'concurrent', key: `lanes/${tenant}`, limit: 1e9 },
  ]
  const rung = (model: string, fixedNano: number, outputPico: number, until: number | null) => ({
    gate: `openai:${model}`,
    fixedNano,
    outputPico,
    capTokens: 1_024,
    floorTokens: 256,
    until,
    inputTokens: 420,
  })
  return {
    attempt: `job${calls}/attempt`,
    job: `job${calls}`,
    policy: 1,
    windows: ['company', `tenant/${tenant}`, 'tutor', `tier.premium/${tenant}/${user}`].map(window),
    rungs: [
      rung('gpt-6-astra', 5_250_000, 50_000_000, 80),
      rung('gpt-6-sol', 1_050_000, 10_000_000, 95),
      rung('gpt-6-luna', 52_500, 500_000, null),
    ],
    limits,
    cacheKey: null,
    maxTakes: 3,
    ttlMs: 120_000,
    meta: META,
    turn: {
      ...{ queue: 'interactive', flow: `premium/${tenant}`, costNano: 5_000_000, weight: 1 },
      priority: 2 * (1 + Math.floor(calls / 100)),
      again: false,
    },
  }
}

/** What is asked for before: two request limits, and a turn in the queue. */
function intake(): IntakeCommand {
  calls += 1
  const tenant = `t${calls % 100}`
  const user = `u${calls % 1_000}`
  return {
    job: `asked${calls}`,
    limits: [
      { kind: 'sliding-window', key: `tier.premium/${user}`, limit: 1e9, perMs: 3_600_000 },
      { kind: 'token-bucket', key: `burst/${user}`, limit: 1e6, perMs: 60_000, burst: 1e6 },
    ],
    cacheKey: null,
    meta: META,
    body: null,
    turn: { queue: 'interactive', flow: `premium/${tenant}`, costNano: 5_000_000, weight: 1 },
  }
}

/** What one admission costs beside the cheapest script there is, over the same connection in the same run. */
export const bench: Bench = async ({ seconds, note }) => {
  const server = await startRedis({ appendfsync: 'no', args: ['--appendonly', 'no'] })
  const redis = connectCommands({ url: server.url, name: 'bench', timeoutMs: 10_000 })
  try {
    const store = await createRedisStore({ redis, prefix: PREFIX })
    await store.open(1)
    await redis.script('LOAD', NOOP)
    const settle = async () => {
      const command = request()
      const admission = await store.admit(command)
      if (admission.outcome !== 'held') throw new Error(`expected a hold, got ${admission.outcome}`)
      await store.settle({
        attempt: command.attempt,
        job: command.job,
        kind: 'settled',
        costNano: 1_000,
        atMs: admission.atMs,
        holdNano: admission.holdNano,
        windows: command.windows.map(({ key }) => key),
        tokens: 600,
        meta: META,
        detail: '',
        conclusion: null,
        cache: null,
        gate: null,
      })
    }
    note(`${LANES} lanes, 4 budgets, 2 limits, 3 rungs, ${seconds} s each`)
    const { rates, ratio } = await compareTurns(
      [
        { name: 'noop', work: () => redis.evalsha(NOOP_SHA, 1, `${PREFIX}:slot`, '') },
        { name: 'intake', work: () => store.intake(intake()) },
        { name: 'admit', work: () => store.admit(request()) },
        { name: 'admitAndSettle', work: settle },
      ],
      { lanes: LANES, seconds, rounds: ROUNDS },
    )
    const { noop = 0, intake: taken = 0, admit = 0, admitAndSettle = 0 } = rates
    return {
      lanes: LANES,
      noopPerSecond: round(noop, 0),
      intakePerSecond: round(taken, 0),
      admitPerSecond: round(admit, 0),
      admitAndSettlePerSecond: round(admitAndSettle, 0),
      intakeToNoop: round(ratio('intake', 'noop')),
      admitToNoop: round(ratio('admit', 'noop')),
      ...(await measureScale(redis, { seconds, note })),
    }
  } finally {
    redis.disconnect()
    await server.stop()
  }
}
