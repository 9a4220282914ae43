import type { Answer } from './answer.ts'
import type { Lane, Model, Tokens } from './prices.ts'

/** What a fault changes in an answer before it is billed. */
export interface Twist {
  /** Report and bill a fifth more than the cap, or than what was made. */
  readonly overbill: boolean
  readonly omitUsage: boolean
}
export const STRAIGHT: Twist = { overbill: false, omitUsage: false }

/** Set by the server for every answer. */
export interface Ground {
  readonly seed: number
  /** Unix seconds. */
  readonly created: number
  /** Unique in this process. */
  readonly serial: string
  readonly tokensPerChunk: number
}

/** An answer ready to be billed, then sent. */
export interface Prepared {
  readonly id: string
  readonly kind: 'chat.completions' | 'responses' | 'embeddings'
  readonly modelName: string
  readonly model: Model
  readonly lane: Lane
  readonly tokens: Tokens
  readonly isStream: boolean
  /** ms between the chunks of a stream, when the request sets it. */
  readonly chunkDelayMs: number | null
  json(): unknown
  /** The whole stream, one server-sent event each. */
  events(): string[]
}

/** A fifth more than the cap, or than what was made. */
export const inflate = (made: number, cap: number | null): number =>
  Math.ceil(Math.max(made, cap ?? made) * 1.2)

/** Adds up the choices of an answer. */
export function outputOf(answers: readonly Answer[], cap: number | null, twist: Twist) {
  const reasoning = answers.reduce((sum, answer) => sum + answer.reasoning, 0)
  const visible = answers.reduce((sum, answer) => sum + answer.visible, 0)
  if (!twist.overbill) return { output: visible, reasoning }
  const cappedAll = cap === null ? null : cap * answers.length
  return { output: inflate(visible + reasoning, cappedAll) - reasoning, reasoning }
}

/** `metadata.sandbox_chunk_delay_ms`, for tests that must meet a stream halfway. */
export function chunkDelay(metadata: Readonly<Record<string, string>> | null | undefined) {
  const wanted = Number(metadata?.sandbox_chunk_delay_ms)
  return Number.isFinite(wanted) && wanted >= 0 ? wanted : null
}
