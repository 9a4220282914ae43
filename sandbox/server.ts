import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Batches, BILLABLE, createBatches } from './batches.ts'
import { answerCall } from './call.ts'
import { costsPage } from './costs.ts'
import { type Files, listFiles, serveFile, uploadFile } from './files.ts'
import { ApiError, parseJson, readBody, sendError, sendJson } from './http.ts'
import type { Sandbox, SandboxOptions } from './options.ts'
import { MODELS } from './prices.ts'
import { createState, type State } from './state.ts'

export type { Sandbox, SandboxOptions, SandboxStats } from './options.ts'

interface House {
  readonly state: State
  readonly files: Files
  readonly batches: Batches
}

/**
 * Starts a simulated OpenAI-compatible provider with its own prices and its own bill.
 * A request steers its own answer by `metadata`: `sandbox_output_tokens`, `sandbox_answer` (`tool`, `refusal`),
 * `sandbox_fault` (the header `x-sandbox-fault` wins), `sandbox_chunk_delay_ms`.
 * @throws {Error} the faults or the bill cannot be read, or the port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const state = createState(options)
  const files: Files = new Map()
  const house = { state, files, batches: createBatches(state, files) }
  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    const served = serve(house, req, res).finally(() => state.serving.delete(served))
    state.serving.add(served)
  })
  const host = options.host ?? '127.0.0.1'
  const port = await listen(server, options.port ?? 0, host)
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/v1`,
    port,
    stats: () => ({
      requests: state.requests,
      billed: state.bill.calls,
      billedNano: state.bill.totalNano,
      inFlight: state.inFlight,
      faults: Object.fromEntries(state.faults),
    }),
    close: once(() => stop(server, state)),
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

async function stop(server: Server, state: State): Promise<void> {
  for (const timer of state.timers) clearTimeout(timer)
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
  // A stream that was cut short is billed when it ends.
  await Promise.all(state.serving)
  state.bill.close()
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => {
    running ??= run()
    return running
  }
}

async function serve(house: House, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { state } = house
  res.setHeader('x-request-id', `req_${state.serial()}`)
  res.setHeader('openai-version', '2020-10-01')
  try {
    if (!/^Bearer \S/.test(req.headers.authorization ?? '')) refuseStranger()
    await route(house, req, res)
  } catch (error) {
    req.resume()
    sendError(res, error)
  }
}

function refuseStranger(): never {
  throw new ApiError(
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    { code: 'invalid_api_key' },
  )
}

async function route(house: House, req: IncomingMessage, res: ServerResponse) {
  const { method = 'GET', url = '/' } = req
  const [path = '/', search = ''] = url.split('?')
  const prepare = BILLABLE.get(path)
  if (method === 'POST' && prepare) return answerCall(house.state, prepare, req, res)
  const [, , room = '', id = '', part = ''] = path.split('/')
  const query = new URLSearchParams(search)
  const { state, files, batches } = house
  if (path === '/v1/organization/costs' && method === 'GET')
    return sendJson(res, 200, costsPage(state.bill, query, state.now()))
  if (room === 'models' && method === 'GET') return sendJson(res, 200, modelsJson(id))
  if (path === '/v1/files' && method === 'POST') return uploadFile(state, files, req, res)
  if (path === '/v1/files' && method === 'GET') return listFiles(files, query, res)
  if (room === 'files' && id !== '') return serveFile(files, method, id, part, res)
  if (room === 'batches') return serveBatches(batches, method, id, part, req, res)
  throw new ApiError(404, `Invalid URL (${method} ${path}). The base URL ends with /v1.`)
}

async function serveBatches(
  batches: Batches,
  method: string,
  id: string,
  part: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (method === 'POST' && id === '')
    return sendJson(res, 200, batches.create(parseJson(await readBody(req))))
  if (method === 'POST' && part === 'cancel') return sendJson(res, 200, batches.cancel(id))
  if (id !== '') return sendJson(res, 200, batches.get(id))
  const data = [...batches.all.values()].reverse()
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
  sendJson(res, 200, { object: 'list', data, ...ends, has_more: false })
}

/** @throws {ApiError} 404 for a model without a price. */
function modelsJson(id: string) {
  const show = (name: string) => ({ id: name, object: 'model', created: 0, owned_by: 'sandbox' })
  if (id === '') return { object: 'list', data: [...MODELS.keys()].map(show) }
  if (MODELS.has(id)) return show(id)
  throw new ApiError(404, `The model '${id}' does not exist`, {
    code: 'model_not_found',
    param: 'model',
  })
}
