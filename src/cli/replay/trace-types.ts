export const TRACE_FORMATS = ['azure', 'jsonl'] as const
export type TraceFormat = (typeof TRACE_FORMATS)[number]

/** What a line says of its request: sizes alone, or a whole body with what stands beside it. */
export type Recorded =
  | { readonly kind: 'sizes'; readonly inputTokens: number; readonly outputTokens: number }
  | { readonly kind: 'body'; readonly fields: Readonly<Record<string, unknown>> }

/** One request of a trace. */
export interface TraceRow {
  /** From 0. */
  readonly index: number
  /** Line of the file, from 1. */
  readonly line: number
  /** UTC ms. */
  readonly atMs: number
  readonly recorded: Recorded
}

/** A line as its format reads it; `atMs` null = it names no time. */
export interface ParsedLine {
  readonly atMs: number | null
  readonly recorded: Recorded
}
