import type { Policy, Scope } from '../../config/policy-types.ts'
import { createDraw, type Draw, drawInt, drawOne } from '../traffic/draw.ts'
import type { Recorded, TraceRow } from './trace-types.ts'
import { drawWords } from './words.ts'

/** A flat request as the client takes it, and whether its caller follows the stream. */
export interface SpreadRequest {
  readonly input: Readonly<Record<string, unknown>>
  readonly stream: boolean
}

/** Turns rows into requests. Call it for each row in turn: repeats look back at the rows before. */
export type Spread = (row: TraceRow) => SpreadRequest

export interface SpreadOptions {
  readonly policy: Policy
  readonly seed: number
  /** Rows of the whole trace: the number of users follows from it. */
  readonly rows: number
}

interface Person {
  readonly user: string
  readonly tenant: string
  readonly tier: string
}

/** Everything of a request that a repeat of it shares. */
interface Question {
  readonly who: Person
  readonly model: string
  readonly pinned: boolean
  readonly messages: readonly unknown[]
  readonly outputTokens: number
}

const ROWS_PER_USER = 12
const TENANTS = 40
/** 1 = all users ask equally often; 2 = of 1,600 users the first asks 2.5% of all. */
const SKEW = 1.7
const REPEATS = 0.1
const REPEATS_WITHIN = 200
const SHARES = { named: 0.15, pinned: 0.25, deferrable: 0.12, batch: 0.04, stream: 0.1, tag: 0.1 }
/** What wraps one message, for o200k models. */
const FRAME_TOKENS = 8

/**
 * A seeded rule that gives each row of a trace a tenant, a user, a tier, an urgency, a model and a prompt of its size.
 * What a row says itself stays as it is. The same seed and trace give the same requests.
 */
export function createSpread({ policy, seed, rows }: SpreadOptions): Spread {
  const people = peopleOf(policy, seed, rows)
  const recent: Question[] = []

  function question(draw: Draw, row: TraceRow, sizes: Extract<Recorded, { kind: 'sizes' }>) {
    const repeated = draw() < REPEATS ? drawOne(draw, recent) : undefined
    const asked = repeated ?? newQuestion(draw, people.someone(draw), policy, sizes)
    recent[row.index % REPEATS_WITHIN] = asked
    return asked
  }

  return (row) => {
    const draw = createDraw(seed, row.index)
    if (row.recorded.kind === 'body') return ofBody(draw, row.recorded.fields, people)
    return ofQuestion(draw, question(draw, row, row.recorded), policy)
  }
}

interface People {
  /** Some ask more often than others. */
  someone(draw: Draw): Person
  /** Always the same for one user. */
  named(user: string): Person
}

function peopleOf(policy: Policy, seed: number, rows: number): People {
  const users = Math.max(Math.ceil(rows / ROWS_PER_USER), 4)
  const tiers = Object.keys(policy.tiers)
  const tenants = tenantsOf(policy)
  const { identity } = policy
  const named = (user: string): Person => {
    const draw = createDraw(seed, hashOf(user))
    const tier = drawOne(draw, tiers) ?? identity.defaultTier
    return {
      user,
      tier: (Object.hasOwn(identity.users, user) ? identity.users[user] : undefined) ?? tier,
      tenant: drawOne(draw, tenants) ?? identity.defaultTenant,
    }
  }
  return { named, someone: (draw) => named(`user-${Math.floor(users * draw() ** SKEW)}`) }
}

/** FNV-1a. */
const hashOf = (text: string): number =>
  Buffer.from(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5)

/** Those that the policy names come first, so that their budgets see traffic. */
function tenantsOf({ budgets, limits }: Policy): string[] {
  const scopes = [...budgets, ...limits].map(({ scope }) => scope)
  const named = scopes.flatMap((scope) =>
    scope.kind === 'tenant' && scope.of !== 'each' ? [scope.of.value] : [],
  )
  const numbered = Array.from({ length: TENANTS }, (_, at) => `tenant-${at}`)
  return [...new Set([...named, ...numbered])].slice(0, Math.max(TENANTS, named.length))
}

function newQuestion(
  draw: Draw,
  who: Person,
  policy: Policy,
  { inputTokens, outputTokens }: Extract<Recorded, { kind: 'sizes' }>,
): Question {
  const ladder = policy.ladders[policy.tiers[who.tier]?.ladder ?? ''] ?? []
  const named = draw() < SHARES.named ? drawOne(draw, ladder)?.model : undefined
  const content = drawWords(draw, Math.max(inputTokens - FRAME_TOKENS, 1))
  return {
    who,
    model: named ?? 'auto',
    pinned: named !== undefined && draw() < SHARES.pinned,
    messages: [{ role: 'user', content }],
    outputTokens,
  }
}

function ofQuestion(draw: Draw, asked: Question, policy: Policy): SpreadRequest {
  const { who, model, pinned, messages, outputTokens } = asked
  const urgency = urgencyOf(draw())
  const input = {
    ...who,
    model,
    pinned,
    messages,
    urgency,
    tags: tagsOf(draw, policy),
    metadata: { sandbox_output_tokens: String(outputTokens) },
  }
  return { input, stream: urgency === 'interactive' && draw() < SHARES.stream }
}

function urgencyOf(luck: number): 'interactive' | 'deferrable' | 'batch' {
  if (luck < SHARES.batch) return 'batch'
  return luck < SHARES.batch + SHARES.deferrable ? 'deferrable' : 'interactive'
}

function tagsOf(draw: Draw, { budgets, limits }: Policy): Record<string, string> {
  const tags: Record<string, string> = {}
  for (const { scope } of [...budgets, ...limits]) {
    const value = draw() < SHARES.tag ? tagValue(draw, scope) : null
    if (scope.kind === 'tag' && value !== null) tags[scope.key] = value
  }
  return tags
}

function tagValue(draw: Draw, scope: Scope): string | null {
  if (scope.kind !== 'tag') return null
  return scope.of === 'each' ? `value-${drawInt(draw, 5)}` : scope.of.value
}

/** A recorded body keeps everything but its identity as a job: a replay hands it in anew. */
function ofBody(
  draw: Draw,
  fields: Readonly<Record<string, unknown>>,
  people: People,
): SpreadRequest {
  const { stream, stream_options: _, jobId: __, ...body } = fields
  const who = typeof body.user === 'string' ? people.named(body.user) : people.someone(draw)
  return { input: { ...who, ...body }, stream: stream === true }
}
