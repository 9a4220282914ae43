import { z } from 'zod'
import { prepareChat } from './chat.ts'
import { prepareEmbeddings } from './embeddings.ts'
import { addFile, type Files, fileOf } from './files.ts'
import { ApiError } from './http.ts'
import { type Ground, type Prepared, STRAIGHT, type Twist } from './prepared.ts'
import { check } from './request.ts'
import { prepareResponse } from './responses.ts'
import type { State } from './state.ts'

/** Counts, invents and prices one answer. */
export type Prepare = (ground: Ground, body: unknown, twist: Twist) => Prepared

/** The calls that cost money, by path. */
export const BILLABLE: ReadonlyMap<string, Prepare> = new Map([
  ['/v1/chat/completions', prepareChat],
  ['/v1/responses', prepareResponse],
  ['/v1/embeddings', prepareEmbeddings],
])

const BatchBody = z.looseObject({
  input_file_id: z.string(),
  endpoint: z.string(),
  completion_window: z.literal('24h'),
  metadata: z.record(z.string(), z.string()).nullish(),
})

const BatchLine = z.looseObject({
  custom_id: z.string(),
  method: z.literal('POST'),
  url: z.string(),
  body: z.record(z.string(), z.unknown()),
})
type BatchLine = z.infer<typeof BatchLine>

const DAY_S = 86_400

/** As OpenAI shows it; changes until it has ended. */
export interface Batch {
  readonly id: string
  readonly object: 'batch'
  readonly endpoint: string
  readonly input_file_id: string
  readonly completion_window: string
  readonly created_at: number
  readonly expires_at: number
  readonly metadata: Readonly<Record<string, string>> | null
  status: 'validating' | 'in_progress' | 'completed' | 'failed' | 'cancelled'
  errors: { object: 'list'; data: { code: string; message: string; line: number | null }[] } | null
  output_file_id: string | null
  error_file_id: string | null
  in_progress_at: number | null
  completed_at: number | null
  failed_at: number | null
  cancelled_at: number | null
  request_counts: { total: number; completed: number; failed: number }
}

export interface Batches {
  readonly all: Map<string, Batch>
  /** Starts a batch: it ends after `batchMs`, billed at half the price. @throws {ApiError} as OpenAI would. */
  create(raw: unknown): Batch
  /** @throws {ApiError} 404. */
  get(id: string): Batch
  /** Stops a batch that has not ended; its items are not billed. */
  cancel(id: string): Batch
}

export function createBatches(state: State, files: Files): Batches {
  const all = new Map<string, Batch>()
  const seconds = () => Math.floor(state.now() / 1000)
  const get = (id: string) => {
    const batch = all.get(id)
    if (!batch) throw new ApiError(404, `No batch found with id '${id}'.`, { param: 'batch_id' })
    return batch
  }
  return {
    all,
    get,
    create(raw) {
      const body = check(BatchBody, raw)
      const { content } = fileOf(files, body.input_file_id)
      if (!BILLABLE.has(body.endpoint))
        throw new ApiError(400, `Invalid endpoint '${body.endpoint}'.`, { param: 'endpoint' })
      const batch = newBatch(`batch_${state.serial()}`, seconds(), body)
      all.set(batch.id, batch)
      const timer = setTimeout(() => {
        state.timers.delete(timer)
        finish(state, files, batch, content)
      }, state.batchMs)
      state.timers.add(timer)
      return batch
    },
    cancel(id) {
      const batch = get(id)
      if (batch.status !== 'validating' && batch.status !== 'in_progress')
        throw new ApiError(409, `Cannot cancel a batch with status '${batch.status}'.`)
      batch.status = 'cancelled'
      batch.cancelled_at = seconds()
      return batch
    },
  }
}

function newBatch(id: string, created: number, body: z.infer<typeof BatchBody>): Batch {
  return {
    id,
    object: 'batch',
    endpoint: body.endpoint,
    input_file_id: body.input_file_id,
    completion_window: body.completion_window,
    created_at: created,
    expires_at: created + DAY_S,
    metadata: body.metadata ?? null,
    status: 'in_progress',
    errors: null,
    output_file_id: null,
    error_file_id: null,
    in_progress_at: created,
    completed_at: null,
    failed_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
  }
}

function finish(state: State, files: Files, batch: Batch, content: string): void {
  if (batch.status === 'cancelled') return
  const lines = readLines(batch, content)
  if (batch.errors) {
    batch.status = 'failed'
    batch.failed_at = Math.floor(state.now() / 1000)
    return
  }
  const done = lines.map((line) => runLine(state, line))
  const keep = (name: string, ok: boolean) => {
    const part = done.filter((item) => item.ok === ok).map((item) => JSON.stringify(item.json))
    if (part.length === 0) return null
    const file = { filename: `${batch.id}_${name}.jsonl`, purpose: 'batch_output' }
    return addFile(state, files, { ...file, content: `${part.join('\n')}\n` }).id
  }
  batch.output_file_id = keep('output', true)
  batch.error_file_id = keep('error', false)
  const completed = done.filter((item) => item.ok).length
  batch.request_counts = { total: done.length, completed, failed: done.length - completed }
  batch.status = 'completed'
  batch.completed_at = Math.floor(state.now() / 1000)
}

/** One unreadable line fails the whole batch before anything is billed. */
function readLines(batch: Batch, content: string): BatchLine[] {
  const seen = new Set<string>()
  return content.split('\n').flatMap((text, index) => {
    if (text.trim() === '') return []
    const parsed = BatchLine.safeParse(jsonOf(text))
    const wrong = !parsed.success
      ? { code: 'invalid_json_line', message: 'This line is not a valid batch request.' }
      : parsed.data.url !== batch.endpoint
        ? { code: 'mismatched_url', message: `The URL must be ${batch.endpoint}.` }
        : seen.has(parsed.data.custom_id)
          ? { code: 'duplicate_custom_id', message: `${parsed.data.custom_id} is used twice.` }
          : null
    if (parsed.success) seen.add(parsed.data.custom_id)
    if (wrong === null && parsed.success) return [parsed.data]
    batch.errors ??= { object: 'list', data: [] }
    if (wrong) batch.errors.data.push({ ...wrong, line: index + 1 })
    return []
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The custom id stands in for the attempt header, which a batch item cannot carry. */
function runLine(state: State, line: BatchLine): { ok: boolean; json: unknown } {
  const { custom_id } = line
  const answer = answerLine(state, line)
  const ok = answer.status_code === 200
  const response = { ...answer, request_id: `req_${state.serial()}` }
  return { ok, json: { id: `batch_req_${state.serial()}`, custom_id, response, error: null } }
}

function answerLine(state: State, line: BatchLine): { status_code: number; body: unknown } {
  try {
    const prepare = BILLABLE.get(line.url)
    if (!prepare) throw new ApiError(404, `No such endpoint: ${line.url}`)
    const prepared = prepare(state.ground(), { ...line.body, stream: false }, STRAIGHT)
    state.charge(prepared, { attempt: line.custom_id, lane: 'batch' })
    return { status_code: 200, body: prepared.json() }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const { message, type, param, code, status } = error
    return { status_code: status, body: { error: { message, type, param, code } } }
  }
}
