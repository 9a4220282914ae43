import fc from 'fast-check'
import type { AdoptCommand } from '../../src/admission/adopt-command.ts'
import type {
  AdmitCommand,
  ConcludeCommand,
  Conclusion,
  IntakeCommand,
  KeepTurnsCommand,
  ReleaseCommand,
  SettleCommand,
  TakeLimitsCommand,
} from '../../src/admission/commands.ts'
import type { CreditCommand } from '../../src/admission/credit-command.ts'
import type {
  BookLeaseCommand,
  CloseLeaseCommand,
  LeaseCommand,
} from '../../src/admission/lease-commands.ts'
import type {
  LimitLine,
  RungOffer,
  TurnAsk,
  TurnTaken,
  WindowLine,
} from '../../src/admission/plan-lines.ts'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import type { RebuildCommand } from '../../src/admission/rebuild-command.ts'
import type { AdmissionStore } from '../../src/admission/store.ts'
import { adoptCommands } from './adopt-commands.ts'
import { HAD, KEY_IDS, kept } from './kept-answers.ts'
import { leaseCommands } from './lease-commands.ts'

/** A small world, so that generated commands meet each other: few budgets, jobs and attempts, tight limits. */
export const START_MS = Date.UTC(2026, 10, 21, 14)
const HOUR_MS = 3_600_000

export type Step = { readonly advanceMs: number } & (
  | { readonly do: 'intake'; readonly command: IntakeCommand }
  | { readonly do: 'takeLimits'; readonly command: TakeLimitsCommand }
  | { readonly do: 'admit'; readonly command: AdmitCommand }
  | { readonly do: 'settle'; readonly command: SettleCommand }
  | { readonly do: 'release'; readonly command: ReleaseCommand }
  | { readonly do: 'renew'; readonly command: { attempts: readonly string[]; ttlMs: number } }
  | { readonly do: 'expire'; readonly command: number }
  | { readonly do: 'conclude'; readonly command: ConcludeCommand }
  | { readonly do: 'cancel'; readonly command: string }
  | { readonly do: 'rebuild'; readonly command: RebuildCommand }
  | { readonly do: 'credit'; readonly command: CreditCommand }
  | { readonly do: 'keepTurns'; readonly command: KeepTurnsCommand }
  | { readonly do: 'adopt'; readonly command: AdoptCommand }
  | { readonly do: 'lease'; readonly command: LeaseCommand }
  | { readonly do: 'bookLease'; readonly command: BookLeaseCommand }
  | { readonly do: 'closeLease'; readonly command: CloseLeaseCommand }
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
  { kind: 'fixed-window', key: 'fixed/acme', limit: 500, perMs: 60_000 },
  { kind: 'fixed-window', key: 'calls/acme', limit: 5, perMs: 3_600_000, unit: 'calls' },
  { kind: 'sliding-window', key: 'in/acme', limit: 150, perMs: 60_000, unit: 'input' },
  { kind: 'fixed-window', key: 'out/acme', limit: 250, perMs: 60_000, unit: 'output' },
  // The same limits as above after somebody edited the policy: they begin anew.
  { kind: 'token-bucket', key: 'tpm/acme', limit: 400, perMs: 60_000, burst: 400 },
  { kind: 'sliding-window', key: 'tpm/acme', limit: 400, perMs: 3_600_000 },
]
export const REQUEST_LIMITS: readonly LimitLine[] = [
  { kind: 'sliding-window', key: 'tier.free/u1', limit: 2, perMs: 3_600_000 },
  { kind: 'token-bucket', key: 'burst/u1', limit: 7, perMs: 60_000, burst: 2 },
  { kind: 'fixed-window', key: 'fixed/u1', limit: 3, perMs: 60_000, countCached: false },
  { kind: 'sliding-window', key: 'paid/u1', limit: 2, perMs: 60_000, countCached: false },
  { kind: 'token-bucket', key: 'paid/u2', limit: 9, perMs: 60_000, burst: 2, countCached: false },
]

/** One window for good: what is spent in it never comes back, so it is in few chains. */
const ENDLESS = 'run'
const LIFETIME = `${ENDLESS}:lifetime`

/** Hourly windows, so that the clock rolls them while attempts of the old one are still held. */
export function windowKeys(): string[] {
  const hours = [14, 15, 16, 17, 18]
  return [
    ...BUDGETS.flatMap((budget) => hours.map((hour) => `${budget}:2026-11-21T${hour}`)),
    LIFETIME,
  ]
}

const windowLine = (budget: string, limitNano: number, hour: number): WindowLine => ({
  key: budget === ENDLESS ? LIFETIME : `${budget}:2026-11-21T${14 + hour}`,
  startMs: budget === ENDLESS ? 0 : START_MS + hour * HOUR_MS,
  endMs: budget === ENDLESS ? FOREVER_MS : START_MS + (hour + 1) * HOUR_MS,
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
/** What an asker can open; who comes to intake may have an answer at hand. */
const openers = fc.constantFrom({}, {}, { openers: [KEY_IDS[0]] }, { openers: [...KEY_IDS] })
const look = openers.chain((known) => fc.constantFrom(known, { ...known, has: HAD }))

const ask: fc.Arbitrary<TurnAsk> = fc.record({
  queue: fc.constantFrom('interactive', 'batch'),
  flow: fc.constantFrom('basic/acme', 'free/acme', 'free/globex'),
  costNano: fc.oneof(small, fc.constantFrom(0, 5_000, 7_000_000)),
  weight: fc.constantFrom(1, 1, 3, 1_000),
})
/** Near the front, and places at which a lap is over. */
const priority = fc.oneof(
  fc.integer({ min: 2, max: 400 }),
  fc.constantFrom(2 ** 20 + 4, 2 ** 20 + 5, 2 ** 21 - 2, 2 ** 21 - 1),
)
const taken: fc.Arbitrary<TurnTaken> = fc
  .tuple(ask, priority, fc.constantFrom(...[false, false, false, false, false, false, true]))
  .map(([asked, at, again]) => ({ ...asked, priority: at, again }))
/** As often as not nobody asks for a turn. */
const orNone = <T>(turn: fc.Arbitrary<T>): fc.Arbitrary<{ turn?: T }> =>
  fc.oneof(
    fc.constant({}),
    turn.map((one) => ({ turn: one })),
  )

const admit = (hour: number) =>
  fc
    .record({
      attempt,
      policy: fc.constantFrom(1, 1, 1, 2),
      budgets: fc.oneof(
        { weight: 6, arbitrary: fc.subarray(BUDGETS, { minLength: 1 }) },
        { weight: 1, arbitrary: fc.subarray(BUDGETS).map((some) => [...some, ENDLESS]) },
      ),
      warned: fc.oneof(
        { weight: 3, arbitrary: fc.constant<string[]>([]) },
        { weight: 1, arbitrary: fc.subarray([...BUDGETS, ENDLESS]) },
      ),
      limitNano: fc.constantFrom(0, 50, 150, 151, 900, 2_000),
      rungs: fc.array(rung, { minLength: 1, maxLength: 3 }),
      limits: fc.subarray([...LIMITS]),
      // One key above all: a call that others wait for is rare enough, and rarer still is given up.
      cacheKey: fc.constantFrom(null, null, 'c1', 'c1', 'c2'),
      look: openers,
      accepts: fc.constantFrom('stale', 'stale', 'stale', 'fresh', 'nothing'),
      joins: fc.constantFrom(true, true, true, false),
      maxTakes: fc.constantFrom(1, 2, 3),
      lag: fc.constantFrom(0, 0, 0, 0, 0, 1),
    })
    .map(
      ({ budgets, warned, limitNano, lag, ...rest }): AdmitCommand => ({
        ...rest,
        job: jobOf(rest.attempt),
        windows: budgets.map((budget) => ({
          ...windowLine(
            budget,
            rest.policy === 2 ? limitNano * 2 : limitNano,
            Math.max(hour - lag, 0),
          ),
          ...(warned.includes(budget) && { warnOnly: true }),
        })),
        ttlMs: rest.maxTakes === 3 ? 30_000 : 120_000,
        meta: attemptMeta(jobOf(rest.attempt)),
      }),
    )
    .chain((command) => fc.oneof(fc.constant(command), chained(command)))
    .chain((command) => orNone(taken).map((turn) => ({ ...command, ...turn })))

const settle = (hour: number) =>
  fc
    .record({
      attempt,
      kind: fc.constantFrom('settled', 'settled', 'unconfirmed'),
      costNano: fc.integer({ min: 0, max: 140 }),
      holdNano: small,
      tokens: fc.constantFrom(null, 0, 15, 80),
      outputTokens: fc.constantFrom(null, 0, 15),
      conclusion: fc.oneof(fc.constant(null), conclusion),
      cache: fc.oneof(fc.constant(null), kept),
      flight: fc.constantFrom('c1', 'c1', 'c2', null),
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

/** Granted, delivered again, revoked and late, in windows that are open, to come or over. */
const credit = (hour: number) =>
  fc
    .record({
      id: fc.constantFrom('cr1', 'cr2', 'cr3'),
      amountNano: fc.constantFrom(0, 40, 40, 500, 8e15),
      forMs: fc.constantFrom(0, 1_000, 30_000, 1_900_000, FOREVER_MS, FOREVER_MS),
      policy: fc.constantFrom(1, 1, 2),
      budget: fc.constantFrom(...BUDGETS),
      ahead: fc.constantFrom(-1, 0, 0, 0, 1),
    })
    .map(
      ({ forMs, budget, ahead, ...rest }) =>
        (nowMs: number): CreditCommand => ({
          ...rest,
          untilMs: forMs === FOREVER_MS ? FOREVER_MS : nowMs + forMs,
          line: windowLine(budget, 100, Math.max(hour + ahead, 0)),
        }),
    )

/** Some of those that intake took from in the last minute are not counted after all. */
const conclude = fc
  .record({
    id: job,
    conclusion,
    limits: fc.subarray([...REQUEST_LIMITS]),
    agoMs: fc.constantFrom(0, 0, 0, 1, 700, 5_000, 61_000),
    savedNano: fc.constantFrom(0, 0, 1, 900_000_000_001),
  })
  .map(
    ({ id, conclusion: how, limits, agoMs, savedNano }) =>
      (nowMs: number): ConcludeCommand => ({
        ...how,
        job: id,
        meta: JSON.stringify(requestMeta(id)),
        ...(limits.length > 0 && { uncount: { limits, atMs: nowMs - agoMs } }),
        ...(savedNano > 0 && { savedNano }),
      }),
  )

const intake = fc
  .record({
    job: fc.constantFrom(...JOBS, ...ASKED),
    limits: fc.subarray([...REQUEST_LIMITS]),
    cacheKey,
    look,
    windows: fc.subarray(windowKeys(), { maxLength: 4 }),
  })
  .map(
    (rest): IntakeCommand => ({
      ...rest,
      meta: JSON.stringify(requestMeta(rest.job)),
      body: rest.job === 'j1' ? { text: 'a large body', ttlMs: 500_000_000 } : null,
    }),
  )
  .chain((command) => orNone(ask).map((turn) => ({ ...command, ...turn })))

/** Requests that are no jobs, counted by limits that jobs are counted by, too. */
const takeLimits: fc.Arbitrary<TakeLimitsCommand> = fc.record({
  limits: fc.subarray(
    [...REQUEST_LIMITS].filter((line) => line.kind !== 'concurrent'),
    {
      minLength: 1,
    },
  ),
})

/** A ledger that has read nothing of the outbox yet, and may know of spending before it. */
const rebuild = fc
  .record({
    apply: fc.boolean(),
    spentNano: fc.constantFrom(0, 0, 0, 3),
    epoch: fc.constantFrom(1, 1, 1, 2),
  })
  .map(
    ({ apply, spentNano, epoch }): RebuildCommand => ({
      ...{ epoch, watermark: '0', apply },
      sums: windowKeys().map((key) => ({ key, spentNano })),
    }),
  )

const world = {
  budgets: BUDGETS,
  attempts: ATTEMPTS,
  jobOf,
  metaOf: attemptMeta,
  windowLine,
  conclusion,
  keepMs: 72 * HOUR_MS,
}
const leases = (hour: number) => leaseCommands(world, hour)

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
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant<Step['do']>('credit'),
        pick: credit(hour),
        advanceMs: advance,
      }),
    },
    { weight: 4, arbitrary: of('intake', intake) },
    { weight: 2, arbitrary: of('takeLimits', takeLimits) },
    {
      weight: 6,
      arbitrary: of(
        'release',
        fc
          .record({ attempt, flight: fc.constantFrom('c1', 'c1', 'c2', null) })
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
      arbitrary: fc.record({
        do: fc.constant<Step['do']>('conclude'),
        pick: conclude,
        advanceMs: advance,
      }),
    },
    { weight: 1, arbitrary: of('cancel', job) },
    { weight: 1, arbitrary: of('rebuild', rebuild) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant<Step['do']>('adopt'),
        pick: adoptCommands(world, hour),
        advanceMs: advance,
      }),
    },
    { weight: 4, arbitrary: of('lease', leases(hour).take) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant<Step['do']>('bookLease'),
        pick: leases(hour).book,
        advanceMs: advance,
      }),
    },
    { weight: 2, arbitrary: of('closeLease', leases(hour).close) },
    {
      weight: 1,
      arbitrary: of(
        'keepTurns',
        fc.record({
          queue: fc.constantFrom('interactive', 'batch'),
          clean: fc.constantFrom(null, null, 0, 1, 2),
        }),
      ),
    },
  )
}

/** What ends is mostly a call that others may wait for: by chance alone hardly anybody would ever be woken. */
function calls() {
  const askers = new Map<string, string[]>()
  const began = (step: Step): Step => {
    if (step.do !== 'admit' || step.command.cacheKey === null) return step
    const { cacheKey, attempt: asker } = step.command
    askers.set(cacheKey, [...(askers.get(cacheKey) ?? []), asker])
    return step
  }
  const ended = (step: Step): Step => {
    if (step.do !== 'settle' && step.do !== 'release') return began(step)
    const first = askers.get(step.command.flight ?? '')?.shift()
    if (first === undefined) return step
    const command = { ...step.command, attempt: first, job: jobOf(first) }
    return { ...step, command } as Step
  }
  return { began, ended }
}

/** A sequence of commands with the clock between them; plans follow the hour that the clock has reached. */
export const steps = (length: number): fc.Arbitrary<Step[]> =>
  fc
    .array(fc.tuple(...[0, 1, 2, 3, 4].map(draft)), { minLength: length, maxLength: length })
    .map((drafts) => {
      let nowMs = START_MS
      const called = calls()
      return drafts.map((byHour, at) => {
        const hour = Math.min(Math.floor((nowMs - START_MS) / HOUR_MS), 4)
        const chosen = byHour[hour] ?? byHour[0]
        if (!chosen) throw new Error('no draft for the hour')
        const toTheHour = HOUR_MS - ((nowMs - START_MS) % HOUR_MS)
        const advanceMs = chosen.advanceMs === TO_THE_HOUR ? toTheHour : chosen.advanceMs
        nowMs += advanceMs
        const step = { do: chosen.do, advanceMs, command: chosen.pick(nowMs) } as Step
        return at % 4 === 0 ? called.began(step) : called.ended(step)
      })
    })

/** Runs one step on a store. */
export function runStep(store: AdmissionStore, step: Step): Promise<unknown> {
  switch (step.do) {
    case 'intake':
      return store.intake(step.command)
    case 'takeLimits':
      return store.takeLimits(step.command)
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
    case 'rebuild':
      return store.rebuild(step.command)
    case 'credit':
      return store.credit(step.command)
    case 'keepTurns':
      return store.keepTurns(step.command)
    case 'adopt':
      return store.adopt(step.command)
    case 'lease':
      return store.lease(step.command)
    case 'bookLease':
      return store.bookLease(step.command)
    case 'closeLease':
      return store.closeLease(step.command)
  }
}

export { ATTEMPTS, JOBS }
