import type { IncomingMessage, ServerResponse } from 'node:http'

/** An answer in OpenAI's error shape. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    message: string,
    more: {
      type?: string
      code?: string
      param?: string
      headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(message)
    this.status = status
    this.type = more.type ?? 'invalid_request_error'
    this.code = more.code ?? null
    this.param = more.param ?? null
    this.headers = more.headers ?? {}
  }
}

/** OpenAI's own limit is of this order; more is a mistake. */
const MAX_BODY_BYTES = 512 * 1024 * 1024

/** @throws {ApiError} 413 when the body is over 512 MiB. */
export function readBody(req: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = deferred<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  })
  req.on('end', () => {
    const [only] = chunks
    if (size > MAX_BODY_BYTES) reject(new ApiError(413, 'The request body is too large.'))
    else resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks))
  })
  req.on('error', reject)
  return promise
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}

/** @throws {ApiError} 400 in OpenAI's words. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new ApiError(
      400,
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
    )
  }
}

/** Ends the response with a JSON body, unless the client has left. */
export function sendJson(res: ServerResponse, status: number, value: unknown): void {
  if (res.destroyed) return
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  const length = Buffer.byteLength(body)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': length })
  res.end(body)
}

/** Answers with any error: ours in its own shape, anything else as a 500 that says what broke. */
export function sendError(res: ServerResponse, error: unknown): void {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, `sandbox bug: ${error instanceof Error ? error.stack : error}`, {
          type: 'server_error',
        })
  if (res.headersSent) {
    res.destroy()
    return
  }
  for (const [name, value] of Object.entries(known.headers)) res.setHeader(name, value)
  const { message, type, param, code } = known
  sendJson(res, known.status, { error: { message, type, param, code } })
}
