import { randomBytes } from 'node:crypto'
import { type Bill, openBill } from './bill.ts'
import { type Fault, type FaultRule, pickFault, readFaultSpec } from './faults.ts'
import type { SandboxOptions } from './options.ts'
import type { Ground, Prepared } from './prepared.ts'
import { type Lane, priceNano, type Tokens } from './prices.ts'
import { drawAt } from './random.ts'

/** What the routes of one sandbox share. */
export interface State {
  readonly bill: Bill
  readonly latencyMs: number
  readonly chunkDelayMs: number
  readonly abortEndsBill: boolean
  readonly batchMs: number
  readonly faults: Map<Fault, number>
  readonly timers: Set<NodeJS.Timeout>
  /** Requests being answered. */
  readonly serving: Set<Promise<void>>
  requests: number
  inFlight: number
  now(): number
  /** A name that no other object of any run has. */
  serial(): string
  ground(): Ground
  /** The next fault of the sequence that the seed fixes. */
  nextFault(): Fault | null
  /** Puts a call on the bill. */
  charge(prepared: Prepared, how: { attempt: string; lane?: Lane; tokens?: Tokens }): void
}

/** @throws {Error} the fault spec or the bill file cannot be read. */
export function createState(options: SandboxOptions): State {
  const { seed } = options
  const rules: readonly FaultRule[] = readFaultSpec(options.faults ?? '')
  const bill = openBill(options.bill)
  const now = options.now ?? Date.now
  const run = randomBytes(4).toString('hex')
  let serials = 0
  let draws = 0
  const serial = () => `${run}${(serials++).toString(36).padStart(8, '0')}`
  return {
    bill,
    latencyMs: options.latencyMs ?? 0,
    chunkDelayMs: options.chunkDelayMs ?? 0,
    abortEndsBill: options.abortEndsBill ?? false,
    batchMs: options.batchMs ?? 200,
    faults: new Map(),
    timers: new Set(),
    serving: new Set(),
    requests: 0,
    inFlight: 0,
    now,
    serial,
    ground: () => ({
      seed,
      created: Math.floor(now() / 1000),
      serial: serial(),
      tokensPerChunk: options.tokensPerChunk ?? 4,
    }),
    nextFault: () => pickFault(rules, drawAt(seed, draws++)),
    charge(prepared, { attempt, lane = prepared.lane, tokens = prepared.tokens }) {
      bill.charge({
        ts: now(),
        id: prepared.id,
        model: prepared.modelName,
        service_tier: lane === 'batch' ? prepared.lane : lane,
        kind: lane === 'batch' ? `batch.${prepared.kind}` : prepared.kind,
        input: tokens.input,
        cached: tokens.cached,
        cache_write: tokens.cacheWrite,
        output: tokens.output,
        reasoning: tokens.reasoning,
        nano: priceNano(prepared.model, tokens, lane),
        attempt,
      })
    },
  }
}
