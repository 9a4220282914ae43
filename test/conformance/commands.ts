import fc from 'fast-check'
import type {
  AdmitCommand,
  ConcludeCommand,
  Conclusion,
  IntakeCommand,
  LimitLine,
  ReleaseCommand,
  RungOffer,
  SettleCommand,
  WindowLine,
} from '../../src/admission/commands.ts'
import type { AdmissionStore } from '../../src/admission/store.ts'

/** A small world, so that generated commands meet each other: few budgets, jobs and attempts, tight limits. */
export const START_MS = Date.UTC(2026, 10, 21, 14)
const HOUR_MS = 3_600_000

export type Step = { readonly advanceMs: number } & (
  | { readonly do: 'intake'; readonly command: IntakeCommand }
  | { readonly do: 'admit'; readonly command: AdmitCommand }
  | { readonly do: 'settle'; readonly command: SettleCommand }
  | { readonly do: 'release'; readonly command: ReleaseCommand }
  | { readonly do: 'renew'; readonly command: { attempts: readonly string[]; ttlMs: number } }
  | { readonly do: 'expire'; readonly command: number }
  | { readonly do: 'conclude'; readonly command: ConcludeCommand }
  | { readonly do: 'cancel'; readonly command: string }
)

const JOBS = ['j1', 'j2', 'j3', 'j4', 'j5', 'j6']
/** Seen by intake alone: many, so that request limits fill up. */
const ASKED = Array.from({ length: 30 }, (_, i) => `q${i}`)
const ATTEMPTS = JOBS.flatMap((job) => [`${job}/a`, `${job}/b`])
const jobOf = (attempt: string) => attempt.slice(0, 2)
const GATES = ['openai:big', 'openai:mid', 'local:small']
const BUDGETS = ['company', 'acme', 'user/acme/u1', 'tag']

export const LIMITS: readonly LimitLine[] = [
  { kind: 'sliding-window', key: 'tpm/acme', limit: 400, perMs: 60_000 },
  { kind: 'token-bucket', key: 'bucket/u1', limit: 600, perMs: 60_000, burst: 300 },
  { kind: 'concurrent', key: 'lanes/acme', limit: 3 },
  { kind: 'sliding-window', key: 'rpm/acme', limit: 6, perMs: 60_000, unit: 'calls' },
  { kind: 'token-bucket', key: 'rpm/openai', limit: 9, perMs: 60_000, burst: 3, unit: 'calls' },
]
export const REQUEST_LIMITS: readonly LimitLine[] = [
  { kind: 'sliding-window', key: 'tier.free/u1', limit: 2, perMs: 3_600_000 },
  { kind: 'token-bucket', key: 'burst/u1', limit: 7, perMs: 60_000, burst: 2 },
]

/** Hourly windows, so that the clock rolls them while attempts of the old one are still held. */
export function windowKeys(): string[] {
  const hours = [14, 15, 16, 17, 18]
  return BUDGETS.flatMap((budget) => hours.map((hour) => `${budget}:2026-11-21T${hour}`))
}

const windowLine = (budget: string, limitNano: number, hour: number): WindowLine => ({
  key: `${budget}:2026-11-21T${14 + hour}`,
  startMs: START_MS + hour * HOUR_MS,
  endMs: START_MS + (hour + 1) * HOUR_MS,
  limitNano,
  marks: budget === 'company' ? [50, 80, 100] : [90],
})

const requestMeta = (job: string) => ({
  tenant: 'acme',
  user: 'u1',
  tier: 'basic',
  tags: {},
  operation: 'chat.completions',
  urgency: 'interactive',
  modelRequested: 'auto',
  enqueuedAtMs: START_MS,
  job,
})
const attemptMeta = (job: string) =>
  JSON.stringify({
    ...requestMeta(job),
    rungs: [{ model: 'big', provider: 'openai' }],
    inputTokensHeld: 10,
    priceVersion: 'p1',
    policyVersion: 1,
  })

const small = fc.integer({ min: 0, max: 60 })
const job = fc.constantFrom(...JOBS)
const attempt = fc.constantFrom(...ATTEMPTS)

const rung: fc.Arbitrary<RungOffer> = fc.record({
  gate: fc.constantFrom(...GATES),
  fixedNano: small,
  outputPico: fc.constantFrom(0, 500, 1_000, 1_333),
  capTokens: fc.integer({ min: 0, max: 90 }),
  floorTokens: fc.constantFrom(0, 5, 20),
  until: fc.constantFrom(null, null, 50, 80, 95),
  inputTokens: small,
})

/** Rungs that are paid from some of the plan's windows, and counted by some of its limits. */
const chained = (command: AdmitCommand): fc.Arbitrary<AdmitCommand> => {
  const places = (list: readonly unknown[]) => fc.subarray([...list.keys()])
  const chain = fc.record({ windows: places(command.windows), limits: places(command.limits) })
  return fc
    .tuple(chain, chain, fc.array(fc.constantFrom(undefined, 0, 1), { minLength: 3, maxLength: 3 }))
    .map(([first, second, choice]) => ({
      ...command,
      chains: [first, second],
      rungs: command.rungs.map((offer, i) => {
        const at = choice[i]
        return at === undefined ? offer : { ...offer, chain: at }
      }),
    }))
}

const conclusion: fc.Arbitrary<Conclusion> = fc.record({
  outcome: fc.constantFrom('answered', 'failed', 'cancelled'),
  reason: fc.constantFrom('', 'PROVIDER_ERROR'),
  result: fc.constantFrom('{"text":"é\\n"}', '{}'),
  replyTo: fc.constantFrom('', 'client-1'),
  resultTtlMs: fc.constant(500_000_000),
  hasBody: fc.boolean(),
})

const cacheKey = fc.constantFrom(null, null, null, 'c1', 'c2')

const admit = (hour: number) =>
  fc
    .record({
      attempt,
      policy: fc.constantFrom(1, 1, 1, 2),
      budgets: fc.subarray(BUDGETS, { minLength: 1 }),
      limitNano: fc.constantFrom(0, 50, 150, 151, 900, 2_000),
      rungs: fc.array(rung, { minLength: 1, maxLength: 3 }),
      limits: fc.subarray([...LIMITS]),
      cacheKey,
      maxTakes: fc.constantFrom(1, 2, 3),
      lag: fc.constantFrom(0, 0, 0, 0, 0, 1),
    })
    .map(
      ({ budgets, limitNano, lag, ...rest }): AdmitCommand => ({
        ...rest,
        job: jobOf(rest.attempt),
        windows: budgets.map((budget) =>
          windowLine(
            budget,
            rest.policy === 2 ? limitNano * 2 : limitNano,
            Math.max(hour - lag, 0),
          ),
        ),
        ttlMs: rest.maxTakes === 3 ? 30_000 : 120_000,
        meta: attemptMeta(jobOf(rest.attempt)),
      }),
    )
    .chain((command) => fc.oneof(fc.constant(command), chained(command)))

const settle = (hour: number) =>
  fc
    .record({
      attempt,
      kind: fc.constantFrom('settled', 'settled', 'unconfirmed'),
      costNano: fc.integer({ min: 0, max: 140 }),
      holdNano: small,
      tokens: fc.constantFrom(null, 0, 15, 80),
      conclusion: fc.oneof(fc.constant(null), conclusion),
      cache: fc.constantFrom(
        null,
        { key: 'c1', body: '{"a":1}', ttlMs: 500_000_000 },
        { key: 'c1', body: '{"a":2}', ttlMs: 5_000 },
      ),
      flight: cacheKey,
      gateMs: fc.constantFrom(0, 0, 5_000, 30_000, 400_000),
      gate: fc.constantFrom(...GATES),
      budgets: fc.subarray(BUDGETS, { minLength: 1 }),
      ageMs: fc.constantFrom(0, 0, 0, 1_000, 72 * HOUR_MS, 72 * HOUR_MS + 1),
    })
    .map(
      ({ gateMs, gate, budgets, ageMs, ...rest }) =>
        (nowMs: number): SettleCommand => ({
          ...rest,
          job: jobOf(rest.attempt),
          atMs: nowMs - ageMs,
          windows: budgets.map((budget) => windowLine(budget, 0, hour).key),
          meta: attemptMeta(jobOf(rest.attempt)),
          detail: '',
          gate: gateMs === 0 ? null : { key: gate, untilMs: nowMs + gateMs },
        }),
    )

const intake = fc
  .record({
    job: fc.constantFrom(...JOBS, ...ASKED),
    limits: fc.subarray([...REQUEST_LIMITS]),
    cacheKey,
  })
  .map(
    (rest): IntakeCommand => ({
      ...rest,
      meta: JSON.stringify(requestMeta(rest.job)),
      body: rest.job === 'j1' ? { text: 'a large body', ttlMs: 500_000_000 } : null,
    }),
  )

/** Stands for: to the start of the next hour, to the millisecond. */
const TO_THE_HOUR = -1
const advance = fc.constantFrom(
  ...[0, 0, 0, 0, 1, 1, 700, 700, 1_001, 5_000, 5_000, 30_000, 61_000, 1_900_000],
  TO_THE_HOUR,
)

type Draft = { do: Step['do']; pick: (nowMs: number) => unknown; advanceMs: number }

const draft = (hour: number): fc.Arbitrary<Draft> => {
  const of = <T>(name: Step['do'], arb: fc.Arbitrary<T>) =>
    fc.record({ do: fc.constant(name), pick: arb.map((c) => () => c), advanceMs: advance })
  return fc.oneof(
    { weight: 24, arbitrary: of('admit', admit(hour)) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant<Step['do']>('settle'),
        pick: settle(hour),
        advanceMs: advance,
      }),
    },
    { weight: 4, arbitrary: of('intake', intake) },
    {
      weight: 2,
      arbitrary: of(
        'release',
        fc
          .record({ attempt, flight: cacheKey })
          .map((release) => ({ ...release, job: jobOf(release.attempt) })),
      ),
    },
    {
      weight: 2,
      arbitrary: of(
        'renew',
        fc.record({ attempts: fc.subarray(ATTEMPTS), ttlMs: fc.constant(90_000) }),
      ),
    },
    { weight: 1, arbitrary: of('expire', fc.constantFrom(1, 2, 100)) },
    {
      weight: 1,
      arbitrary: of(
        'conclude',
        fc.tuple(job, conclusion).map(([id, c]) => ({
          ...c,
          job: id,
          meta: JSON.stringify(requestMeta(id)),
        })),
      ),
    },
    { weight: 1, arbitrary: of('cancel', job) },
  )
}

/** A sequence of commands with the clock between them; plans follow the hour that the clock has reached. */
export const steps = (length: number): fc.Arbitrary<Step[]> =>
  fc
    .array(fc.tuple(...[0, 1, 2, 3, 4].map(draft)), { minLength: length, maxLength: length })
    .map((drafts) => {
      let nowMs = START_MS
      return drafts.map((byHour) => {
        const hour = Math.min(Math.floor((nowMs - START_MS) / HOUR_MS), 4)
        const chosen = byHour[hour] ?? byHour[0]
        if (!chosen) throw new Error('no draft for the hour')
        const toTheHour = HOUR_MS - ((nowMs - START_MS) % HOUR_MS)
        const advanceMs = chosen.advanceMs === TO_THE_HOUR ? toTheHour : chosen.advanceMs
        nowMs += advanceMs
        const step = { do: chosen.do, advanceMs, command: chosen.pick(nowMs) }
        return step as Step
      })
    })

/** Runs one step on a store. */
export function runStep(store: AdmissionStore, step: Step): Promise<unknown> {
  switch (step.do) {
    case 'intake':
      return store.intake(step.command)
    case 'admit':
      return store.admit(step.command)
    case 'settle':
      return store.settle(step.command)
    case 'release':
      return store.release(step.command)
    case 'renew':
      return store.renew(step.command)
    case 'expire':
      return store.expire(step.command)
    case 'conclude':
      return store.conclude(step.command)
    case 'cancel':
      return store.cancel(step.command)
  }
}

export { ATTEMPTS, JOBS }
